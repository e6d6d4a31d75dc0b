//! Message move tasks: starting one, cancelling it, and what is next for the one that runs.
//!
//! A move is two events in one record, one for the queue that the message leaves and one for the
//! queue that it reaches, so that it is never in both or in neither.

use std::sync::Arc;

use longshore_types::{MessageId, MoveTaskId, QueueArn, Timestamp};

use crate::message::Stage;
use crate::moves::{MoveFailure, MoveOutcome, MoveRefusal, MoveStart, MoveTask};
use crate::{Event, MessageKey, Queue, Redriven};

/// A message that is about to be moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moving {
    /// The message's key, which it keeps.
    pub key: MessageKey,
    /// The number of its last delivery.
    pub delivery: u32,
    /// The queue that it was last dead-lettered from.
    pub dead_letter_source: Option<Arc<QueueArn>>,
    pub(crate) bytes: u32,
    pub(crate) group: Option<String>,
}

impl Moving {
    /// The message as it arrives, under a fresh id.
    pub fn into_redriven(self, id: MessageId) -> Redriven {
        let Self { key, delivery, bytes, group, .. } = self;
        Redriven { key, id, bytes, delivery, group }
    }
}

/// What is next for the task of a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MoveStep {
    /// Nothing: no task runs.
    Rest,
    /// Ask again at that time. Messages in flight and delayed ones are waited for, so ask again when
    /// the queue has changed as well.
    Wait(Timestamp),
    /// Move these, in this order. At least one.
    Move(Vec<Moving>),
    /// The task has come to this end.
    End(MoveOutcome),
}

impl Queue {
    /// Decides that a task starts. What it is to move is all that the queue has: what is in flight
    /// or delayed now is moved when it has become available.
    ///
    /// # Errors
    ///
    /// [`MoveRefusal::Running`].
    pub fn start_move(&self, start: MoveStart) -> Result<Event, MoveRefusal> {
        if self.moves.running().is_some() {
            return Err(MoveRefusal::Running);
        }
        let MoveStart { id, destination, rate } = start;
        let to_move = self.messages.len() as u64;
        Ok(Event::MoveStarted { id, destination, rate, to_move })
    }

    /// Decides that a task stops where it is. What it has moved stays moved.
    ///
    /// # Errors
    ///
    /// [`MoveRefusal::Unknown`], [`MoveRefusal::Ended`].
    pub fn cancel_move(&self, id: MoveTaskId) -> Result<Event, MoveRefusal> {
        let task = self.move_tasks().find(|task| task.id == id);
        match task.ok_or(MoveRefusal::Unknown { id })?.outcome {
            None => Ok(self.end_move(MoveOutcome::Cancelled)),
            Some(_) => Err(MoveRefusal::Ended { id }),
        }
    }

    /// Decides that the task that runs comes to an end.
    pub fn end_move(&self, outcome: MoveOutcome) -> Event {
        Event::MoveEnded { outcome }
    }

    /// What is next at `now` for the task that runs. A standard queue gives its oldest available
    /// messages; a FIFO queue goes through its groups, each from its head on, so that every group
    /// keeps its order.
    pub fn next_move(&self, now: Timestamp) -> MoveStep {
        assert!(self.is_advanced_to(now), "a move from a queue that was not advanced");
        let Some(task) = self.moves.running() else { return MoveStep::Rest };
        if self.messages.is_empty() {
            return MoveStep::End(MoveOutcome::Completed);
        }
        if task.ends_at() <= now {
            return MoveStep::End(MoveOutcome::Failed(MoveFailure::TookTooLong));
        }
        let moving: Vec<_> = self.movable().take(task.allowance(now)).collect();
        if !moving.is_empty() {
            return MoveStep::Move(moving);
        }
        let waits_for_its_pace = self.movable().next().is_some();
        MoveStep::Wait(if waits_for_its_pace { task.next_at() } else { task.ends_at() })
    }

    /// Decides that messages leave this queue, moved by its task.
    pub fn leave(&self, messages: &[MessageKey]) -> Event {
        Event::Left { keys: messages.to_vec() }
    }

    /// Decides that messages are sent to this queue anew: with the queue's delay, no receives and
    /// their whole retention before them; in a FIFO queue as the last of their groups, and with
    /// their new message ids for deduplication ids.
    pub fn redrive(messages: Vec<Redriven>) -> Event {
        Event::Redriven { messages }
    }

    /// The tasks that the queue knows of, the newest first. Only that one can be running.
    pub fn move_tasks(&self) -> impl Iterator<Item = &MoveTask> {
        self.moves.newest_first()
    }

    /// The task that runs.
    pub fn running_move(&self) -> Option<&MoveTask> {
        self.moves.running()
    }

    fn movable(&self) -> Box<dyn Iterator<Item = Moving> + '_> {
        let moving = |key: MessageKey| self.messages.known(key).moving(key, self.group_of(key));
        let Some(fifo) = self.fifo.as_deref() else {
            return Box::new(self.sends.quiet_first(&[]).map(moving));
        };
        let is_available = |key: &MessageKey| self.messages.known(*key).stage == Stage::Available;
        let run = move |group| fifo.groups.members_of(group).take_while(is_available);
        Box::new(fifo.groups.ready().flat_map(run).map(moving))
    }
}
