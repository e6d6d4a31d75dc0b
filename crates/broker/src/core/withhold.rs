//! Messages of a receive whose contents cannot be read: out of the way of the others, and not gone.
//!
//! No attempt makes a rotten content whole. So such a message goes to the dead-letter queue at once, if its
//! queue has one. Otherwise it is in flight for a while, again and again, until somebody purges it or its
//! retention ends. In a FIFO queue its group waits as long: those behind it in the same answer are
//! put back. Whether a content is rotten is no state of the engine: what becomes of the message is in the
//! log, in events that there are anyway.

use std::time::Duration;

use longshore_engine::{MessageKey, Queue, QueueId, Receipt};
use longshore_storage::Purpose;
use longshore_wire::SqsError;

use super::Ledger;
use super::ledger::log_failure;
use crate::journal::Change;

/// After how long such a message is tried again: a disk may have failed to read once.
const TRIED_AGAIN_AFTER: Duration = Duration::from_secs(15 * 60);

/// What a receive delivered, by what came of its contents.
#[derive(Debug, Default)]
pub(crate) struct Received {
    /// Not as it was written, and never will be.
    pub(crate) rotten: Vec<MessageKey>,
    /// Not read for now.
    pub(crate) unread: Vec<MessageKey>,
    /// All others.
    pub(crate) others: Vec<Receipt>,
}

impl Ledger {
    /// Withholds what cannot be handed out, and answers which of the others must not be either.
    pub(crate) fn withhold(
        &mut self,
        id: QueueId,
        received: &Received,
    ) -> Result<Vec<MessageKey>, SqsError> {
        self.advance(id);
        let Some(queue) = self.queue(id) else { return Ok(Vec::new()) };
        let dead_lettered = self.dead_lettered(id, queue, &received.rotten);
        let stays = |key: &&MessageKey| dead_lettered.is_empty() || received.unread.contains(key);
        let stuck: Vec<_> = received.rotten.iter().chain(&received.unread).filter(stays).collect();
        let others: Vec<_> = received.others.iter().map(|receipt| receipt.key).collect();
        let behind: Vec<_> =
            stuck.into_iter().flat_map(|key| queue.behind(*key, &others)).collect();
        let mut changes = self.put_back(id, queue, received, &behind);
        if dead_lettered.is_empty() {
            changes.extend(self.withheld(id, queue, &received.rotten));
        }
        changes.extend(dead_lettered);
        if !changes.is_empty() {
            self.commit(changes, None, Purpose::Keep).map_err(log_failure)?;
        }
        Ok(behind)
    }

    /// The move of rotten messages to the dead-letter queue; nothing if there is none.
    fn dead_lettered(&self, id: QueueId, queue: &Queue, rotten: &[MessageKey]) -> Vec<Change> {
        let source = self.entry(id).map(|entry| entry.arn.clone());
        let Some((target, source)) = self.dead_letter_target(id).zip(source) else {
            return Vec::new();
        };
        let leaving = queue.leaving(rotten);
        if leaving.is_empty() {
            return Vec::new();
        }
        tracing::warn!(
            queue = %source,
            messages = leaving.len(),
            "messages whose content has rotted went to the dead-letter queue"
        );
        let keys: Vec<_> = leaving.iter().map(|message| message.key).collect();
        vec![
            Change::Queue(id, queue.dead_letter(&keys)),
            Change::Queue(target, Queue::arrive(leaving, source)),
        ]
    }

    fn withheld(&self, id: QueueId, queue: &Queue, rotten: &[MessageKey]) -> Vec<Change> {
        let until = self.now() + TRIED_AGAIN_AFTER;
        let events = rotten.iter().filter_map(|key| queue.withhold(*key, until));
        events.map(|event| Change::Queue(id, event)).collect()
    }

    /// Makes those available again that must wait, if they are still the receive's.
    fn put_back(
        &self,
        id: QueueId,
        queue: &Queue,
        received: &Received,
        behind: &[MessageKey],
    ) -> Vec<Change> {
        let receipts = received.others.iter().filter(|receipt| behind.contains(&receipt.key));
        let event = |receipt: &Receipt| {
            queue.change_visibility(receipt, Duration::ZERO, self.now()).ok().flatten()
        };
        receipts.filter_map(event).map(|event| Change::Queue(id, event)).collect()
    }
}
