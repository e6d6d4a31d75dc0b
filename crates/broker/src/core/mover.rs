//! Message move tasks, carried on: messages leave their queue and reach another in one record.
//!
//! ```text
//! a queue changed, or its timer fired ─► what is next? ─┬► move: whither? ─► one record for both ends
//!                                                       ├► wait: until then, or until it changes
//!                                                       └► end
//! ```
//!
//! A turn moves only as many messages as the task's pace allows, so that nobody waits long for the
//! lock; those who wait for messages at the other end are woken like after a send.
//!
//! # Invariants
//!
//! - A move is one record. A task never fails for want of room: it goes on when there is some, and
//!   leaves the last of a full disk to deletes.

use std::collections::BTreeMap;
use std::time::Duration;

use longshore_engine::{
    MessageKey, MoveFailure, MoveOutcome, MoveStep, MoveTask, Moving, Queue, QueueId, Redriven,
};
use longshore_storage::{Purpose, ReserveError};
use longshore_types::{MessageId, MoveTaskId, Timestamp};
use sha2::{Digest, Sha256};

use super::Ledger;
use crate::journal::Change;

/// When a task looks again whether a full disk has room.
const FULL_RETRY: Duration = Duration::from_secs(1);

/// One record's worth of moves.
struct Slice {
    left: Vec<MessageKey>,
    /// What reaches which queue.
    arriving: BTreeMap<QueueId, Vec<Redriven>>,
    /// Why the message behind them cannot be moved.
    failure: Option<MoveFailure>,
}

impl Ledger {
    /// Carries the queue's move task on as far as it may go now, and answers when it goes on.
    pub(super) fn carry_on_moving(&mut self, id: QueueId) -> Option<Timestamp> {
        self.note_moving(id, self.queue(id)?.running_move().is_some());
        let task = self.queue(id)?.running_move()?;
        if let Err(failure) = self.named_destination(task) {
            return self.end_move(id, MoveOutcome::Failed(failure));
        }
        self.advance_quietly(id);
        match self.queue(id)?.next_move(self.now()) {
            MoveStep::Rest => None,
            MoveStep::Wait(until) => Some(until),
            MoveStep::Move(moving) => self.move_messages(id, moving),
            MoveStep::End(outcome) => self.end_move(id, outcome),
        }
    }

    fn move_messages(&mut self, id: QueueId, moving: Vec<Moving>) -> Option<Timestamp> {
        let queue = self.queue(id)?;
        let slice = self.slice(queue.running_move()?, moving);
        if let (true, Some(failure)) = (slice.left.is_empty(), slice.failure) {
            return self.end_move(id, MoveOutcome::Failed(failure));
        }
        let mut changes = vec![Change::Queue(id, queue.leave(&slice.left))];
        let arrivals = slice.arriving.into_iter();
        changes.extend(arrivals.map(|(to, messages)| Change::Queue(to, Queue::redrive(messages))));
        self.commit_move(id, changes, Purpose::Grow)
    }

    fn end_move(&mut self, id: QueueId, outcome: MoveOutcome) -> Option<Timestamp> {
        let event = self.queue(id)?.end_move(outcome);
        self.commit_move(id, vec![Change::Queue(id, event)], Purpose::Shrink)
    }

    /// Commits; the queue has then changed, and is looked at again. Answers when to try again if
    /// that is not told by the log.
    fn commit_move(
        &mut self,
        id: QueueId,
        changes: Vec<Change>,
        purpose: Purpose,
    ) -> Option<Timestamp> {
        match self.commit(changes, None, purpose) {
            Ok(_) | Err(ReserveError::Poisoned | ReserveError::Closed) => None,
            Err(ReserveError::Busy) => {
                self.block(id);
                None
            }
            Err(_full) => Some(self.now() + FULL_RETRY),
        }
    }

    /// As many of the messages as can be moved, up to the first that cannot.
    fn slice(&self, task: &MoveTask, moving: Vec<Moving>) -> Slice {
        let mut slice = Slice { left: Vec::new(), arriving: BTreeMap::new(), failure: None };
        for message in moving {
            match self.destination(task, &message) {
                Ok(to) => slice.add(to, task.id, message),
                Err(failure) => {
                    slice.failure = Some(failure);
                    break;
                }
            }
        }
        slice
    }

    /// The queue that the task was told to move messages to, if it was told one.
    fn named_destination(&self, task: &MoveTask) -> Result<Option<QueueId>, MoveFailure> {
        let Some(destination) = &task.destination else { return Ok(None) };
        let found = self.entry(destination.queue);
        found.map(|entry| Some(entry.id)).ok_or(MoveFailure::DestinationGone)
    }

    fn destination(&self, task: &MoveTask, message: &Moving) -> Result<QueueId, MoveFailure> {
        if let Some(named) = self.named_destination(task)? {
            return Ok(named);
        }
        let source = message.dead_letter_source.as_ref().ok_or(MoveFailure::SourceUnknown)?;
        self.catalog().by_arn(source).ok_or(MoveFailure::DestinationGone)
    }
}

impl Slice {
    fn add(&mut self, to: QueueId, task: MoveTaskId, message: Moving) {
        self.left.push(message.key);
        let id = new_id(task, &message);
        self.arriving.entry(to).or_default().push(message.into_redriven(id));
    }
}

/// The message's id from here on. No task moves the same message twice without a delivery between,
/// so the digest is as unique as the task's id, which is random; no other random numbers are needed.
fn new_id(task: MoveTaskId, message: &Moving) -> MessageId {
    let digest = Sha256::new()
        .chain_update(task.as_bytes())
        .chain_update(message.key.get().to_be_bytes())
        .chain_update(message.delivery.to_be_bytes())
        .finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    MessageId::from_random(bytes)
}
