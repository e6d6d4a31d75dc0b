//! Waits for tasks to end: told by whoever in this process hears of it, else by asking the store.
//!
//! One of those who wait asks for all of them in one call, and another takes its place when it
//! leaves, at the same pace: nothing runs in the background, nobody's wait costs a call of its own, and
//! thousands who leave one after the other cost no call each.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{MutexGuard as AskingGuard, Notify};
use tokio::time::{Instant, sleep_until};

use crate::id::TaskId;

/// How soon the store is asked again, at first and at last.
const LOOK_AGAIN: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(1));

/// Who waits for which task.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    tasks: Mutex<HashMap<TaskId, Waited>>,
    /// Held by the one who asks the store.
    asking: tokio::sync::Mutex<Pace>,
}

/// When the store is asked next.
#[derive(Debug)]
pub(super) struct Pace {
    next_at: Instant,
    pause: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self { next_at: Instant::now(), pause: LOOK_AGAIN.0 }
    }
}

impl Pace {
    /// Waits until the store may be asked. Whoever leaves while it asks has asked all the same.
    pub(super) async fn wait(&mut self) {
        sleep_until(self.next_at).await;
        self.note_look();
    }

    /// The store is asked, or has answered: the pause begins.
    pub(super) fn note_look(&mut self) {
        self.next_at = Instant::now() + self.pause;
    }

    /// The next pause is longer.
    pub(super) fn slow_down(&mut self) {
        self.pause = (self.pause * 2).min(LOOK_AGAIN.1);
    }
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

    /// The right to ask for all, at once if nobody had it, and else at the pace of whoever did.
    pub(super) async fn ask(&self) -> AskingGuard<'_, Pace> {
        match self.asking.try_lock() {
            Ok(mut pace) => {
                *pace = Pace::default();
                pace
            }
            Err(_taken) => self.asking.lock().await,
        }
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
