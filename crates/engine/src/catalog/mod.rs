//! Which queues there are: a value that decides and applies, like a queue.
//!
//! The catalog knows each queue's name, its attributes as texts, its tags and its times; it knows
//! no messages. It also holds what concerns the whole broker and must survive it: the secret that
//! signs receipt handles, and how often the broker was started.
//!
//! # Invariants
//!
//! - Of all queues there is at most one of a name in an account and region.
//! - The orders by name and by dead-letter queue hold queues that exist, and no others.
//! - A queue id is never given twice, so an old receipt never fits a new queue.

mod apply;
mod decide;
mod event;
mod redrive_target;
mod snapshot;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use longshore_types::{AccountId, AttributeName, QueueArn, Region, Timestamp};
use minicbor::{Decode, Encode};

use crate::QueueId;

pub use decide::CatalogRefusal;
pub use event::{CatalogEvent, Secret};
pub use snapshot::CatalogPart;

/// How long the name of a deleted queue is remembered: as long as SQS refuses to have it created
/// again.
pub const DELETED_REMEMBERED: Duration = Duration::from_secs(60);

/// A queue as the catalog knows it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct QueueEntry {
    /// The queue's incarnation.
    #[n(0)]
    pub id: QueueId,
    /// The queue's full name.
    #[n(1)]
    pub arn: QueueArn,
    /// The attributes that were set, as texts; an attribute that was never set is not here.
    #[n(2)]
    pub attributes: BTreeMap<AttributeName, String>,
    /// The queue's tags.
    #[n(3)]
    pub tags: BTreeMap<String, String>,
    /// When the queue was created.
    #[n(4)]
    pub created_at: Timestamp,
    /// When an attribute was last set.
    #[n(5)]
    pub modified_at: Timestamp,
    /// The dead-letter queue that the `RedrivePolicy` among the attributes names. It need not
    /// exist: a dead-letter queue in use can be deleted.
    #[n(6)]
    pub dead_letter_target: Option<QueueArn>,
}

/// Which queues there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalog {
    /// Shared with whoever is told what the catalog held at one moment.
    queues: BTreeMap<QueueId, Arc<QueueEntry>>,
    by_arn: BTreeMap<QueueArn, QueueId>,
    /// The names of an account's queues in a region, so that a prefix can be looked up.
    by_name: BTreeMap<(Region, AccountId), BTreeMap<String, QueueId>>,
    /// Dead-letter queues with the queues that name them.
    sources: BTreeSet<(QueueArn, QueueId)>,
    deleted: BTreeMap<QueueArn, Timestamp>,
    /// The same by time, so that names can be forgotten in turn.
    deleted_order: VecDeque<(Timestamp, QueueArn)>,
    /// The number of the last queue id given.
    last_id: u64,
    epoch: u32,
    secret: Option<Secret>,
}

impl Catalog {
    /// The queue of that name.
    pub fn by_arn(&self, arn: &QueueArn) -> Option<QueueId> {
        self.by_arn.get(arn).copied()
    }

    /// The queue of that id.
    pub fn get(&self, id: QueueId) -> Option<&QueueEntry> {
        self.queues.get(&id).map(|entry| &**entry)
    }

    /// How many queues there are.
    pub fn count(&self) -> usize {
        self.queues.len()
    }

    /// All queues, in the order of their creation.
    pub fn queues(&self) -> impl Iterator<Item = &QueueEntry> {
        self.queues.values().map(|entry| &**entry)
    }

    /// The queues of an account in a region whose names begin with `prefix`, in ascending order of
    /// their names.
    pub fn in_account<'a>(
        &'a self,
        region: &Region,
        account: &AccountId,
        prefix: &'a str,
    ) -> impl Iterator<Item = &'a QueueEntry> + 'a {
        let names = self.by_name.get(&(region.clone(), account.clone()));
        let from = (Bound::Included(prefix), Bound::Unbounded);
        names
            .into_iter()
            .flat_map(move |names| names.range::<str, _>(from))
            .take_while(move |(name, _)| name.starts_with(prefix))
            .map(|(_, id)| &*self.queues[id])
    }

    /// The regions in which an account has queues, or had some.
    pub fn regions_of<'a>(&'a self, account: &'a AccountId) -> impl Iterator<Item = &'a Region> {
        let places = self.by_name.keys().filter(move |(_, of)| of == account);
        places.map(|(region, _)| region)
    }

    /// The queues whose redrive policy names `target`, in the order of their creation.
    pub fn sources_of<'a>(
        &'a self,
        target: &QueueArn,
    ) -> impl Iterator<Item = &'a QueueEntry> + 'a {
        let range = (target.clone(), QueueId::new(0))..=(target.clone(), QueueId::new(u64::MAX));
        self.sources.range(range).map(|(_, id)| &*self.queues[id])
    }

    /// When the last queue of that name was deleted, if that is known: it is forgotten no sooner
    /// than after [`DELETED_REMEMBERED`], and when the name is used again.
    pub fn deleted_at(&self, arn: &QueueArn) -> Option<Timestamp> {
        self.deleted.get(arn).copied()
    }

    /// How often the broker was started on this store, this start included. Zero before the first
    /// [`CatalogEvent::Booted`].
    pub const fn epoch(&self) -> u32 {
        self.epoch
    }

    /// The secret that signs receipt handles; `None` in a store that is not founded yet.
    pub fn secret(&self) -> Option<&[u8; 32]> {
        self.secret.as_ref().map(Secret::as_bytes)
    }
}
