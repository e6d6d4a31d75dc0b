//! What the catalog held at one moment, told piece by piece.
//!
//! Its entries are shared with whoever is told, and copied only when one changes meanwhile: so all of
//! them can be had at once, and be written at leisure.

use std::sync::Arc;

use longshore_types::{QueueArn, Timestamp};
use minicbor::{Decode, Encode};

use super::{Catalog, QueueEntry, Secret};

/// A piece of a catalog.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum CatalogPart {
    /// What concerns the whole broker.
    #[n(0)]
    Broker {
        /// The secret that signs receipt handles.
        #[n(0)]
        secret: Option<Secret>,
        /// How often the broker was started.
        #[n(1)]
        epoch: u32,
        /// The number of the last queue id given.
        #[n(2)]
        last_id: u64,
    },
    /// A queue.
    #[n(1)]
    Entry(#[n(0)] QueueEntry),
    /// A name that was in use.
    #[n(2)]
    Deleted {
        /// When its queue was deleted.
        #[n(0)]
        at: Timestamp,
        /// The name.
        #[n(1)]
        arn: QueueArn,
        /// Whether it is remembered: it was not used and deleted once more.
        #[n(2)]
        counts: bool,
    },
}

impl Catalog {
    /// What the catalog holds beside its queues. Bounded by the deletions of a minute.
    pub fn parts(&self) -> Vec<CatalogPart> {
        let Self { secret, epoch, last_id, .. } = self;
        let broker =
            CatalogPart::Broker { secret: secret.clone(), epoch: *epoch, last_id: *last_id };
        let deleted = self.deleted_order.iter().map(|(at, arn)| CatalogPart::Deleted {
            at: *at,
            arn: arn.clone(),
            counts: self.deleted.get(arn) == Some(at),
        });
        [broker].into_iter().chain(deleted).collect()
    }

    /// The queues, as they are now, in the order of their creation.
    pub fn entries(&self) -> Vec<Arc<QueueEntry>> {
        self.queues.values().cloned().collect()
    }

    /// Takes in a piece that was told of: names that were in use after the queues.
    pub fn restore(&mut self, part: CatalogPart) {
        match part {
            CatalogPart::Broker { secret, epoch, last_id } => {
                (self.secret, self.epoch, self.last_id) = (secret, epoch, last_id);
            }
            CatalogPart::Entry(entry) => self.insert(entry),
            CatalogPart::Deleted { at, arn, counts } => {
                if counts {
                    self.deleted.insert(arn.clone(), at);
                }
                self.deleted_order.push_back((at, arn));
            }
        }
    }
}
