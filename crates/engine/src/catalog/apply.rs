//! The only code that changes the catalog.
//!
//! # Invariants
//!
//! - `apply` refuses nothing: what an event names and the catalog does not have is passed over.

use std::collections::BTreeMap;
use std::sync::Arc;

use longshore_types::{AttributeName, QueueArn, Timestamp};

use super::{Catalog, CatalogEvent, DELETED_REMEMBERED, QueueEntry, redrive_target};
use crate::QueueId;

impl Catalog {
    /// Carries out what happened at `at`, the time of the event's record.
    pub fn apply(&mut self, event: &CatalogEvent, at: Timestamp) {
        self.forget_deleted(at);
        match event {
            CatalogEvent::Founded { secret } => self.secret = Some(secret.clone()),
            CatalogEvent::Booted { epoch } => self.epoch = *epoch,
            CatalogEvent::Created { id, arn, attributes, tags } => self.insert(QueueEntry {
                id: *id,
                arn: arn.clone(),
                dead_letter_target: redrive_target::read(attributes),
                attributes: attributes.clone(),
                tags: tags.clone(),
                created_at: at,
                modified_at: at,
            }),
            CatalogEvent::Deleted { id } => self.remove(*id, at),
            CatalogEvent::AttributesSet { id, attributes } => self.set(*id, attributes, at),
            CatalogEvent::Tagged { id, tags } => {
                if let Some(entry) = self.queues.get_mut(id).map(Arc::make_mut) {
                    entry.tags.extend(tags.clone());
                }
            }
            CatalogEvent::Untagged { id, keys } => {
                if let Some(entry) = self.queues.get_mut(id).map(Arc::make_mut) {
                    entry.tags.retain(|key, _| !keys.contains(key));
                }
            }
        }
    }

    pub(super) fn insert(&mut self, entry: QueueEntry) {
        let QueueArn { region, account, name } = entry.arn.clone();
        let names = self.by_name.entry((region, account)).or_default();
        names.insert(name.as_str().to_owned(), entry.id);
        self.by_arn.insert(entry.arn.clone(), entry.id);
        self.sources.extend(source(&entry));
        self.last_id = self.last_id.max(entry.id.get());
        self.deleted.remove(&entry.arn);
        self.queues.insert(entry.id, Arc::new(entry));
    }

    fn remove(&mut self, id: QueueId, at: Timestamp) {
        let Some(entry) = self.queues.remove(&id) else { return };
        if let Some(pair) = source(&entry) {
            self.sources.remove(&pair);
        }
        self.by_arn.remove(&entry.arn);
        self.remove_name(&entry.arn);
        self.deleted.insert(entry.arn.clone(), at);
        self.deleted_order.push_back((at, entry.arn.clone()));
    }

    fn remove_name(&mut self, arn: &QueueArn) {
        let place = (arn.region.clone(), arn.account.clone());
        let Some(names) = self.by_name.get_mut(&place) else { return };
        names.remove(arn.name.as_str());
        if names.is_empty() {
            self.by_name.remove(&place);
        }
    }

    fn set(
        &mut self,
        id: QueueId,
        attributes: &BTreeMap<AttributeName, Option<String>>,
        at: Timestamp,
    ) {
        let Some(entry) = self.queues.get_mut(&id).map(Arc::make_mut) else { return };
        if let Some(pair) = source(entry) {
            self.sources.remove(&pair);
        }
        for (name, value) in attributes {
            match value {
                Some(value) => entry.attributes.insert(*name, value.clone()),
                None => entry.attributes.remove(name),
            };
        }
        entry.modified_at = at;
        entry.dead_letter_target = redrive_target::read(&entry.attributes);
        self.sources.extend(source(entry));
    }

    /// Keeps the memory of deleted queues bounded by the deletions of a minute.
    fn forget_deleted(&mut self, at: Timestamp) {
        while let Some((deleted_at, arn)) = self.deleted_order.front() {
            if *deleted_at + DELETED_REMEMBERED > at {
                return;
            }
            // The name may have been used and deleted once more since then.
            if self.deleted.get(arn) == Some(deleted_at) {
                self.deleted.remove(arn);
            }
            self.deleted_order.pop_front();
        }
    }
}

fn source(entry: &QueueEntry) -> Option<(QueueArn, QueueId)> {
    entry.dead_letter_target.clone().map(|target| (target, entry.id))
}
