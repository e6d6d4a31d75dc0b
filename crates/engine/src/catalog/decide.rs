//! Decisions about which queues there are.
//!
//! Names, attributes and tags have been checked by the caller; what is refused here is what would
//! contradict the catalog itself.

use std::collections::{BTreeMap, BTreeSet};

use longshore_types::{AttributeName, QueueArn, limits};
use thiserror::Error;

use super::{Catalog, CatalogEvent, QueueEntry, Secret};
use crate::QueueId;

/// Why the catalog does not do what it was asked. Nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CatalogRefusal {
    /// There is a queue of that name. Whether that is an error depends on its attributes.
    #[error("there is a queue {arn} already: use it, or delete it first")]
    Exists {
        /// The name.
        arn: QueueArn,
        /// The queue that has it.
        id: QueueId,
    },
    /// There is no such queue, or no longer.
    #[error("there is no queue {id}: it was deleted, or never created")]
    Unknown {
        /// The id that was given.
        id: QueueId,
    },
    /// The queue would have more tags than SQS allows.
    #[error(
        "queue {arn} would have {tag_count} tags, and a queue can have {max}: remove some first",
        max = limits::TAGS_MAX
    )]
    TooManyTags {
        /// The queue.
        arn: QueueArn,
        /// How many tags it would have.
        tag_count: usize,
    },
}

impl Catalog {
    /// Decides that a queue is created, at the time of the record.
    ///
    /// # Errors
    ///
    /// [`CatalogRefusal::Exists`], [`CatalogRefusal::TooManyTags`].
    pub fn create(
        &self,
        arn: QueueArn,
        attributes: BTreeMap<AttributeName, String>,
        tags: BTreeMap<String, String>,
    ) -> Result<CatalogEvent, CatalogRefusal> {
        if let Some(id) = self.by_arn(&arn) {
            return Err(CatalogRefusal::Exists { arn, id });
        }
        check_tag_count(&arn, tags.len())?;
        let id = QueueId::new(self.last_id + 1);
        Ok(CatalogEvent::Created { id, arn, attributes, tags })
    }

    /// Decides that a queue is deleted.
    ///
    /// # Errors
    ///
    /// [`CatalogRefusal::Unknown`].
    pub fn delete(&self, id: QueueId) -> Result<CatalogEvent, CatalogRefusal> {
        self.known(id)?;
        Ok(CatalogEvent::Deleted { id })
    }

    /// Decides that attributes of a queue are set; `None` removes one.
    ///
    /// # Errors
    ///
    /// [`CatalogRefusal::Unknown`].
    pub fn set_attributes(
        &self,
        id: QueueId,
        attributes: BTreeMap<AttributeName, Option<String>>,
    ) -> Result<CatalogEvent, CatalogRefusal> {
        self.known(id)?;
        Ok(CatalogEvent::AttributesSet { id, attributes })
    }

    /// Decides that a queue is tagged. Tags of the same keys get new values. Nothing happens if it has
    /// them all.
    ///
    /// # Errors
    ///
    /// [`CatalogRefusal::Unknown`], [`CatalogRefusal::TooManyTags`].
    pub fn tag(
        &self,
        id: QueueId,
        tags: BTreeMap<String, String>,
    ) -> Result<Option<CatalogEvent>, CatalogRefusal> {
        let entry = self.known(id)?;
        if tags.iter().all(|(key, value)| entry.tags.get(key) == Some(value)) {
            return Ok(None);
        }
        let added = tags.keys().filter(|key| !entry.tags.contains_key(*key)).count();
        check_tag_count(&entry.arn, entry.tags.len() + added)?;
        Ok(Some(CatalogEvent::Tagged { id, tags }))
    }

    /// Decides that a queue loses tags. Nothing happens if it has none of them.
    ///
    /// # Errors
    ///
    /// [`CatalogRefusal::Unknown`].
    pub fn untag(
        &self,
        id: QueueId,
        keys: BTreeSet<String>,
    ) -> Result<Option<CatalogEvent>, CatalogRefusal> {
        let entry = self.known(id)?;
        let has_any = keys.iter().any(|key| entry.tags.contains_key(key));
        Ok(has_any.then_some(CatalogEvent::Untagged { id, keys }))
    }

    /// Decides that the store has `secret` from now on: the first event of every store.
    pub fn found(&self, secret: [u8; 32]) -> CatalogEvent {
        CatalogEvent::Founded { secret: Secret::new(secret) }
    }

    /// Decides that a broker was started on the store.
    pub fn boot(&self) -> CatalogEvent {
        CatalogEvent::Booted { epoch: self.epoch + 1 }
    }

    fn known(&self, id: QueueId) -> Result<&QueueEntry, CatalogRefusal> {
        self.get(id).ok_or(CatalogRefusal::Unknown { id })
    }
}

fn check_tag_count(arn: &QueueArn, tag_count: usize) -> Result<(), CatalogRefusal> {
    if tag_count <= limits::TAGS_MAX {
        Ok(())
    } else {
        Err(CatalogRefusal::TooManyTags { arn: arn.clone(), tag_count })
    }
}
