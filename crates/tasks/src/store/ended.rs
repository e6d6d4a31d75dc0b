//! Waits for tasks to end: told by whoever in this process hears of it, else by asking the store.
//!
//! One of those who wait asks for all of them in one call, and another takes its place when it
//! leaves, at the same pace: nothing runs in the background, nobody's wait costs a call of its own, and
//! thousands who leave one after the other cost no call each. Who joins quickens the pace, within what so
//! many records allow.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{MutexGuard as AskingGuard, Notify};
use tokio::time::{Instant, timeout_at};

use crate::id::TaskId;

/// How soon the store is asked again, at first and at last.
const LOOK_AGAIN: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(1));
/// The least pause for each record that is asked for.
const PAUSE_A_RECORD: Duration = Duration::from_micros(100);

/// Who waits for which task.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    tasks: Mutex<BTreeMap<TaskId, Waited>>,
    /// Held by the one who asks the store.
    asking: tokio::sync::Mutex<Pace>,
    /// Somebody has joined since the store was asked.
    joined: Notify,
}

/// When the store is asked next.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// When it was asked last, or has answered; `None` before.
    looked_at: Option<Instant>,
    pause: Duration,
}

impl Pace {
    /// Waits until the store may be asked. Whoever leaves while it asks has asked all the same.
    pub(super) async fn wait(&mut self, waiting: &Waiting) {
        while let Some(looked_at) = self.looked_at
            && timeout_at(looked_at + self.pause, waiting.joined.notified()).await.is_ok()
        {
            self.pause = waiting.shortest_pause();
        }
        self.note_look();
    }

    /// The store is asked, or has answered: the pause begins.
    pub(super) fn note_look(&mut self) {
        self.looked_at = Some(Instant::now());
    }

    /// The next pause is longer.
    pub(super) fn slow_down(&mut self, waiting: &Waiting) {
        self.pause = (self.pause * 2).clamp(waiting.shortest_pause(), LOOK_AGAIN.1);
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
        self.joined.notify_one();
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

    /// The shortest pause between two calls for as many as there are.
    fn shortest_pause(&self) -> Duration {
        let count = u32::try_from(self.tasks().len()).unwrap_or(u32::MAX);
        PAUSE_A_RECORD.saturating_mul(count).clamp(LOOK_AGAIN.0, LOOK_AGAIN.1)
    }

    fn tasks(&self) -> MutexGuard<'_, BTreeMap<TaskId, Waited>> {
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
