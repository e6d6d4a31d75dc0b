//! How large the catalog is, and how much larger a change would make it.
//!
//! What people write about queues is in memory as long as the queues are: names, attributes, tags.
//! So it is bounded, beside the number of queues.

use std::collections::BTreeMap;

use longshore_engine::{Catalog, CatalogEvent, QueueEntry, QueueId};
use longshore_types::AttributeName;

/// What an attribute or a tag takes in memory beside its texts, about.
const OF_EACH: u64 = 64;

/// The bytes of what is written about a queue.
pub(super) fn of_queue(entry: &QueueEntry) -> u64 {
    let tags = entry.tags.iter().map(|(key, value)| of_text(key, value));
    let attributes = entry.attributes.iter().map(|(name, value)| of_text(name.as_str(), value));
    tags.chain(attributes).sum()
}

/// How many bytes an event would add; none if it makes the catalog smaller.
pub(super) fn growth(catalog: &Catalog, event: &CatalogEvent) -> u64 {
    match event {
        CatalogEvent::Created { attributes, tags, .. } => {
            let tags = tags.iter().map(|(key, value)| of_text(key, value));
            tags.chain(attributes.iter().map(|(name, value)| of_text(name.as_str(), value))).sum()
        }
        CatalogEvent::Tagged { id, tags } => {
            let present = catalog.get(*id).map(|entry| &entry.tags);
            let new: u64 = tags.iter().map(|(key, value)| of_text(key, value)).sum();
            let replaced = tags.keys().filter_map(|key| present?.get_key_value(key));
            new.saturating_sub(replaced.map(|(key, value)| of_text(key, value)).sum())
        }
        CatalogEvent::AttributesSet { id, attributes } => {
            let present = catalog.get(*id).map(|entry| &entry.attributes);
            attributes_growth(present, attributes)
        }
        CatalogEvent::Founded { .. }
        | CatalogEvent::Booted { .. }
        | CatalogEvent::Deleted { .. }
        | CatalogEvent::Untagged { .. } => 0,
    }
}

fn attributes_growth(
    present: Option<&BTreeMap<AttributeName, String>>,
    set: &BTreeMap<AttributeName, Option<String>>,
) -> u64 {
    let written = |name: &AttributeName, value: &String| of_text(name.as_str(), value);
    let new: u64 =
        set.iter().filter_map(|(name, value)| Some(written(name, value.as_ref()?))).sum();
    let replaced = set.keys().filter_map(|name| present?.get_key_value(name));
    new.saturating_sub(replaced.map(|(name, value)| written(name, value)).sum())
}

/// The queue that an event is about.
pub(super) const fn queue_of(event: &CatalogEvent) -> Option<QueueId> {
    match event {
        CatalogEvent::Created { id, .. }
        | CatalogEvent::Deleted { id }
        | CatalogEvent::AttributesSet { id, .. }
        | CatalogEvent::Tagged { id, .. }
        | CatalogEvent::Untagged { id, .. } => Some(*id),
        CatalogEvent::Founded { .. } | CatalogEvent::Booted { .. } => None,
    }
}

fn of_text(key: &str, value: &str) -> u64 {
    OF_EACH + (key.len() + value.len()) as u64
}
