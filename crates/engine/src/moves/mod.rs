//! Message move tasks: those that a queue has had of late, and how far the one that runs has come.
//!
//! A task empties its queue: each message goes to the destination that the task names, or to the
//! queue that the message was dead-lettered from. A queue decides what is next for its task
//! ([`Queue::next_move`](crate::Queue::next_move)), and whoever knows the other queues carries it
//! out, in one record for both ends of each move. What a task has moved is counted by those
//! records, so that a task goes on after a restart where it was.
//!
//! # Invariants
//!
//! - At most one task of a queue runs, and it is the newest.
//! - No more than [`limits::MOVE_TASKS_LISTED_MAX`] are kept; the oldest are forgotten first.

mod pace;

use std::collections::VecDeque;

use longshore_types::{MoveTaskId, QueueArn, Timestamp, limits};
use minicbor::{Decode, Encode};
use thiserror::Error;

use crate::QueueId;
use pace::Pace;

/// Where a task was told to move messages to.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct MoveDestination {
    /// The queue: one that is created later under the same name is another.
    #[n(0)]
    pub queue: QueueId,
    /// Its full name.
    #[n(1)]
    pub arn: QueueArn,
}

/// A task to be started. Its queues and its rate have been checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MoveStart {
    /// A fresh id.
    pub id: MoveTaskId,
    /// Where all messages go; `None` sends each back to where it was dead-lettered from.
    pub destination: Option<MoveDestination>,
    /// Messages a second; `None` leaves it to the broker.
    pub rate: Option<u32>,
}

/// How a task came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum MoveOutcome {
    /// The queue was empty.
    #[n(0)]
    Completed,
    /// Somebody asked it to stop.
    #[n(1)]
    Cancelled,
    /// It could not go on.
    #[n(2)]
    Failed(#[n(0)] MoveFailure),
}

/// Why a task could not go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum MoveFailure {
    /// The queue that a message should go to does not exist any more.
    #[n(0)]
    DestinationGone,
    /// A message was never dead-lettered, so that nobody knows where it should go.
    #[n(1)]
    SourceUnknown,
    /// It ran for [`limits::MOVE_TASK_DURATION_MAX`], and the queue was still not empty.
    #[n(2)]
    TookTooLong,
}

/// Why a queue does not do with its tasks what it was asked. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum MoveRefusal {
    /// A task of the queue runs.
    #[error("a move task of the queue is running: wait for its end, or cancel it")]
    Running,
    /// The queue knows of no such task.
    #[error("there is no move task {id}: it was never started, or ended long ago")]
    Unknown {
        /// The id that was given.
        id: MoveTaskId,
    },
    /// The task has ended.
    #[error("move task {id} has ended: there is nothing to cancel")]
    Ended {
        /// The task.
        id: MoveTaskId,
    },
}

/// A task that was started.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct MoveTask {
    /// Its id.
    #[n(0)]
    pub id: MoveTaskId,
    /// Where all messages go, if it was told.
    #[n(1)]
    pub destination: Option<MoveDestination>,
    /// Messages a second, if it was told.
    #[n(2)]
    pub rate: Option<u32>,
    /// How many messages the queue had when the task was started.
    #[n(3)]
    pub to_move: u64,
    /// How many it has moved.
    #[n(4)]
    pub moved: u64,
    /// When it was started.
    #[n(5)]
    pub started_at: Timestamp,
    /// How it came to its end; `None` as long as it runs.
    #[n(6)]
    pub outcome: Option<MoveOutcome>,
    #[n(7)]
    pace: Pace,
}

impl MoveTask {
    pub(crate) fn started(
        id: MoveTaskId,
        destination: Option<MoveDestination>,
        rate: Option<u32>,
        to_move: u64,
        at: Timestamp,
    ) -> Self {
        let pace = Pace::new(rate, at);
        Self { id, destination, rate, to_move, moved: 0, started_at: at, outcome: None, pace }
    }

    /// How many messages it may move at `now`.
    pub(crate) fn allowance(&self, now: Timestamp) -> usize {
        self.pace.allowance(now)
    }

    /// When it may move a message.
    pub(crate) fn next_at(&self) -> Timestamp {
        self.pace.next_at()
    }

    /// When it has run for as long as it may.
    pub(crate) fn ends_at(&self) -> Timestamp {
        self.started_at + limits::MOVE_TASK_DURATION_MAX
    }
}

/// The tasks of a queue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Moves {
    newest_first: VecDeque<MoveTask>,
}

impl Moves {
    /// The tasks that were told of, the newest first.
    pub(crate) fn restored(newest_first: Vec<MoveTask>) -> Self {
        Self { newest_first: newest_first.into() }
    }

    pub(crate) fn newest_first(&self) -> impl Iterator<Item = &MoveTask> {
        self.newest_first.iter()
    }

    pub(crate) fn running(&self) -> Option<&MoveTask> {
        self.newest_first.front().filter(|task| task.outcome.is_none())
    }

    fn running_mut(&mut self) -> Option<&mut MoveTask> {
        self.newest_first.front_mut().filter(|task| task.outcome.is_none())
    }

    pub(crate) fn start(&mut self, task: MoveTask) {
        self.newest_first.push_front(task);
        self.newest_first.truncate(limits::MOVE_TASKS_LISTED_MAX);
    }

    pub(crate) fn end(&mut self, outcome: MoveOutcome) {
        if let Some(task) = self.running_mut() {
            task.outcome = Some(outcome);
        }
    }

    /// Counts messages that were moved at `now`.
    pub(crate) fn count(&mut self, moved: usize, now: Timestamp) {
        if let Some(task) = self.running_mut() {
            task.moved += moved as u64;
            task.pace.spend(moved, now);
        }
    }
}
