//! Waits for tasks to end: told by whoever in this process hears of it, else by asking the store.
//!
//! One of those who wait asks for all of them in one call, and another takes its place when it
//! leaves, at the same pace: nothing runs in the background, nobody's wait costs a call of its own, and
//! thousands who leave one after the other cost no call each. Who joins quickens the pace, within what so
//! many records allow. Whoever is told gets the record with it: nobody asks the store for what was just read.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::{MutexGuard as AskingGuard, Notify};
use tokio::time::{Instant, timeout_at};

use crate::id::TaskId;
use crate::life::TaskRecord;

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
    end: Arc<End>,
}

/// The end of a task, for those who wait for it when it is told. Who comes later waits for another: a task that ended
/// may be redriven.
#[derive(Debug, Default)]
pub(super) struct End {
    /// The record, where whoever tells has it.
    record: OnceLock<Option<TaskRecord>>,
    told: Notify,
}

impl End {
    fn tell(&self, record: Option<TaskRecord>) {
        self.record.get_or_init(|| record);
        self.told.notify_waiters();
    }

    pub(super) fn is_told(&self) -> bool {
        self.record.get().is_some()
    }

    /// Waits for the end.
    pub(super) async fn told(&self) -> Option<TaskRecord> {
        loop {
            let told = self.told.notified();
            tokio::pin!(told);
            // Waiting begins before the look, so that an end that is told in between is noticed.
            told.as_mut().enable();
            if let Some(record) = self.record.get() {
                return record.clone();
            }
            told.await;
        }
    }
}

/// A place among those who wait. Dropped, it is given up.
#[derive(Debug)]
pub(super) struct Wait<'a> {
    waiting: &'a Waiting,
    id: TaskId,
    pub(super) end: Arc<End>,
}

impl Waiting {
    pub(super) fn wait(&self, id: &TaskId) -> Wait<'_> {
        let mut tasks = self.tasks();
        let waited = tasks.entry(id.clone()).or_default();
        waited.count += 1;
        self.joined.notify_one();
        Wait { waiting: self, id: id.clone(), end: Arc::clone(&waited.end) }
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

    /// The task has ended: its record, if it is there.
    pub(super) fn tell(&self, id: &TaskId, record: Option<TaskRecord>) {
        if let Some(waited) = self.tasks().get_mut(id) {
            std::mem::take(&mut waited.end).tell(record);
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

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;
    use crate::life::Asked;

    fn record() -> TaskRecord {
        TaskRecord::assumed(TaskId::parse("t").unwrap(), Asked::default())
    }

    #[test]
    fn who_waits_is_told_with_the_record_though_it_looks_late_and_who_comes_then_waits() {
        let (waiting, id) = (Waiting::default(), record().id);
        let (one, other) = (waiting.wait(&id), waiting.wait(&id));
        assert_eq!(one.end.told().now_or_never(), None);
        waiting.tell(&id, Some(record()));
        let late = waiting.wait(&id);
        assert_eq!(one.end.told().now_or_never(), Some(Some(record())));
        assert_eq!(other.end.told().now_or_never(), Some(Some(record())));
        assert_eq!(late.end.told().now_or_never(), None);
        waiting.tell(&id, None);
        assert_eq!(late.end.told().now_or_never(), Some(None));
        assert_eq!(other.end.told().now_or_never(), Some(Some(record())));
    }

    #[test]
    fn a_place_is_given_up_with_the_last_who_waits() {
        let (waiting, id) = (Waiting::default(), record().id);
        let (one, other) = (waiting.wait(&id), waiting.wait(&id));
        drop(one);
        assert_eq!(waiting.ids(), [id]);
        drop(other);
        assert!(waiting.ids().is_empty());
    }
}
