//! What a wrong broker would do with its clients' requests, done in its place.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use longshore_wire::{ChangeMessageVisibility, SendMessage};

use crate::history::End;
use crate::mutant::Mutant;
use crate::plan::ORDERED;
use crate::stage::{Door, Stage};

/// What a wrong broker remembers, or does not.
#[derive(Debug, Default)]
pub(crate) struct Wrong {
    /// The handle that stands behind one without an epoch: that of the last delivery that bears it.
    handles: Mutex<BTreeMap<String, String>>,
    /// The start before which a checkpoint was published.
    checkpointed: Mutex<Option<u64>>,
}

impl Wrong {
    /// A handle that says which delivery it is of, and nothing of the start.
    pub(crate) fn without_epoch(&self, id: &str, count: u64, handle: String) -> String {
        let shown = format!("{id}/{count}");
        lock(&self.handles).insert(shown.clone(), handle);
        shown
    }

    /// The handle that stands behind it.
    pub(crate) fn behind(&self, shown: &str) -> Option<String> {
        lock(&self.handles).get(shown).cloned()
    }

    /// A checkpoint is published.
    pub(crate) fn checkpointed(&self, boot: u64) {
        lock(&self.checkpointed).get_or_insert(boot);
    }

    /// What a deduplication id is in a broker that lost those of before the last start.
    pub(crate) fn forgotten(&self, boot: u64, id: String) -> String {
        match *lock(&self.checkpointed) {
            Some(before) if before < boot => format!("{id}-{boot}"),
            _ => id,
        }
    }
}

/// What a wrong broker does at its start.
pub(crate) async fn start(stage: &Stage) {
    let Some(door) = stage.door() else { return };
    if stage.mutant == Mutant::UnlocksGroupsAtStarts {
        unlock_groups(stage, &door).await;
    }
    if stage.mutant == Mutant::AcceptsTornRecords {
        accept_torn_record(stage, &door).await;
    }
}

/// It does not know which groups are locked.
async fn unlock_groups(stage: &Stage, door: &Door) {
    let held: Vec<_> = stage.held().iter().filter(|held| held.queue == ORDERED).cloned().collect();
    for held in held {
        let change = ChangeMessageVisibility {
            queue_url: stage.plan.queues[ORDERED].name.to_owned(),
            receipt_handle: held.handle,
            visibility_timeout: 0.into(),
        };
        drop(stage.ask(door, ORDERED, change).await);
    }
}

/// It has a message with a part of its body.
async fn accept_torn_record(stage: &Stage, door: &Door) {
    let torn = {
        let book = stage.book();
        let is_torn =
            |sent: &&crate::history::Sent| sent.end == End::Unknown && sent.queue != ORDERED;
        let unknown = book.sent.iter().rev().find(is_torn);
        unknown.map(|sent| (sent.queue, sent.body[..sent.body.len() / 2].to_owned() + " "))
    };
    let Some((queue, message_body)) = torn else { return };
    let queue_url = stage.plan.queues[queue].name.to_owned();
    let send = SendMessage { queue_url, message_body, ..SendMessage::default() };
    drop(stage.ask(door, queue, send).await);
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
