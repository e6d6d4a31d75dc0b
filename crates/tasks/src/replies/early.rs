//! Early replies: kept hidden, because they may be to a `MessageId` whose alias is still to come.
//!
//! An alias comes within moments, if it does. What is still hidden a minute later answers a task that nobody asked for
//! by this store: an app with another store has the same reply queue. Its id may be one that a caller chose, and that only looks
//! like a `MessageId`.
//!
//! # Invariants
//!
//! - A reply is judged once, by the process that hid it; one that stops before that judges nothing.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::id::TaskId;

/// How long an alias may be on its way.
const JUDGED_AFTER: Duration = Duration::from_secs(60);
/// Replies that wait for that at most: what is hidden beyond them is not judged.
const WAITING_MAX: usize = 10_000;

/// The replies that this process has hidden, and has still to judge: the oldest first.
#[derive(Debug, Default)]
pub(super) struct Early(Mutex<VecDeque<(Instant, TaskId)>>);

impl Early {
    /// A reply to that id was hidden.
    pub(super) fn note(&self, id: TaskId) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() < WAITING_MAX {
            waiting.push_back((Instant::now(), id));
        }
    }

    /// Up to `count_max` ids whose alias would have come by now.
    pub(super) fn take(&self, count_max: usize) -> Vec<TaskId> {
        let now = Instant::now();
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut next = || waiting.pop_front_if(|(since, _)| now - *since >= JUDGED_AFTER);
        std::iter::from_fn(|| next().map(|(_, id)| id)).take(count_max).collect()
    }
}
