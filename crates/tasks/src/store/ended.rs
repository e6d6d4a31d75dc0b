//! Waits for tasks to end: told by whoever in this process hears of it, else by asking the store.
//!
//! One of those who wait asks for all of them in one call, and another takes its place when it
//! leaves: nothing runs in the background, and nobody's wait costs a call of its own.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::id::TaskId;

/// How soon the store is asked again, at first and at last.
pub(super) const LOOK_AGAIN: (Duration, Duration) =
    (Duration::from_millis(20), Duration::from_secs(1));

/// Who waits for which task.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    tasks: Mutex<HashMap<TaskId, Waited>>,
    /// Held by the one who asks the store.
    pub(super) asking: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Waited {
    count: usize,
    ended: Arc<Notify>,
}

/// A place among those who wait. Dropped, it is given up.
#[derive(Debug)]
pub(super) struct Wait<'a> {
    waiting: &'a Waiting,
    id: TaskId,
    pub(super) ended: Arc<Notify>,
}

impl Waiting {
    pub(super) fn wait(&self, id: &TaskId) -> Wait<'_> {
        let mut tasks = self.tasks();
        let waited = tasks.entry(id.clone()).or_default();
        waited.count += 1;
        Wait { waiting: self, id: id.clone(), ended: Arc::clone(&waited.ended) }
    }

    /// The task has ended.
    pub(super) fn tell(&self, id: &TaskId) {
        if let Some(waited) = self.tasks().get(id) {
            waited.ended.notify_waiters();
        }
    }

    /// The tasks that somebody waits for.
    pub(super) fn ids(&self) -> Vec<TaskId> {
        self.tasks().keys().cloned().collect()
    }

    fn tasks(&self) -> MutexGuard<'_, HashMap<TaskId, Waited>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        let mut tasks = self.waiting.tasks();
        if let Some(waited) = tasks.get_mut(&self.id) {
            waited.count -= 1;
            if waited.count == 0 {
                tasks.remove(&self.id);
            }
        }
    }
}
