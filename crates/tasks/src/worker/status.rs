//! What a worker is doing: counters that a health page reads while the worker runs.

use std::collections::BTreeMap;
use std::ops::AddAssign;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use longshore_types::Timestamp;

use super::runs::{Runs, TaskNumbers};
use crate::control::QueueControl;
use crate::transport::meter::TaskNames;

/// What a worker has done, by the end of each run it had.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WorkerReport {
    /// Messages received.
    pub received: u64,
    /// Runs that were done.
    pub done: u64,
    /// Runs that failed and are to be run again.
    pub retried: u64,
    /// Tasks given up and dead-lettered.
    pub dead: u64,
    /// Tasks given up as expected.
    pub discarded: u64,
    /// Tasks ended because somebody asked for it.
    pub cancelled: u64,
    /// Runs put off.
    pub snoozed: u64,
    /// Deliveries of tasks that nobody here knows or can read: handed back for another worker.
    pub unknown: u64,
    /// Replies and dead letters that were kept, not sent at first, and sent later.
    pub made_good: u64,
    /// Ends of runs that the store did not take at first: they wait for it, with their messages in flight.
    pub ends_held_up: u64,
    /// Tasks that nobody came for, because SQS had dead-lettered their message: sent anew, or ended.
    pub stranded: u64,
    /// Deliveries of tasks that had ended: the kept reply was sent again.
    pub repeated: u64,
    /// Deliveries of tasks that ran elsewhere.
    pub busy: u64,
    /// Runs whose lease was lost.
    pub lost: u64,
    /// Messages handed back without a run.
    pub returned: u64,
    /// Messages handed back without a run because as many of their key ran as may.
    pub over_limit: u64,
    /// Messages deleted.
    pub deleted: u64,
    /// Deletes that were not confirmed: the message may come again, and is then known.
    pub delete_unknown: u64,
    /// Deletes and hand-backs that were given up since the lease ended first, as where the queue throttles for
    /// long: the messages come again by themselves.
    pub too_late: u64,
    /// Receives that did not come back in time, and were begun again.
    pub overdue: u64,
}

/// Whether an answer to a receive is to be expected.
#[derive(Clone, Copy, Debug, Default)]
enum Awaited {
    /// The worker has not begun to receive.
    #[default]
    NotYet,
    /// Since then, without one.
    Since(Timestamp),
    /// None is: nothing is to be received.
    Not,
}

/// A receive that is under way. Dropped, it no longer is.
#[derive(Debug)]
pub(super) struct UnderWay(Arc<WorkerStatus>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.receiving.fetch_sub(1, Relaxed);
    }
}

/// A task that runs just now.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RunningTask {
    /// The task's id.
    pub task: String,
    /// Its name, if its message says one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Which attempt it is, from 1.
    pub attempt: u32,
    /// Since when it runs: milliseconds since the epoch.
    pub since: u64,
}

/// A run that is shown. Dropped, it is shown no more.
#[derive(Debug)]
pub(super) struct ShownRun {
    status: Arc<WorkerStatus>,
    number: u64,
}

impl Drop for ShownRun {
    fn drop(&mut self) {
        let mut runs = self.status.runs.lock().unwrap_or_else(PoisonError::into_inner);
        runs.remove(&self.number);
    }
}

/// What a worker counts beside its report, at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WorkerNumbers {
    /// Tasks that may run at once just now; 0 before it has begun.
    pub places: u64,
    /// Messages whose leases it holds just now.
    pub leases_held: u64,
    /// Renewals of leases.
    pub leases_renewed: u64,
    /// Leases that were lost.
    pub leases_lost: u64,
    /// What was counted of each task that has a handler, and of all others as `other`; none before it has
    /// started.
    pub tasks: BTreeMap<Arc<str>, TaskNumbers>,
}

/// Those of another worker are added.
impl AddAssign for WorkerNumbers {
    fn add_assign(&mut self, other: Self) {
        self.places += other.places;
        self.leases_held += other.leases_held;
        self.leases_renewed += other.leases_renewed;
        self.leases_lost += other.leases_lost;
        for (task, numbers) in other.tasks {
            *self.tasks.entry(task).or_default() += numbers;
        }
    }
}

/// What the heartbeat counts.
#[derive(Debug, Default)]
pub(super) struct LeaseCounts {
    pub(super) held: AtomicU64,
    pub(super) renewed: AtomicU64,
    pub(super) lost: AtomicU64,
}

macro_rules! counters {
    ($($name:ident),*) => {
        /// What a worker is doing now, and has done. Shared with whoever shows it.
        ///
        /// ```
        /// use std::sync::Arc;
        ///
        /// use longshore_tasks::{MemoryStore, Transport, Worker};
        ///
        /// fn page(transport: Arc<dyn Transport>) -> impl Fn() -> String {
        ///     let worker = Worker::new(transport, "tasks", Arc::new(MemoryStore::new()));
        ///     let status = worker.status(); // taken before the worker is run
        ///     move || {
        ///         let longest = status.running_tasks(1).first().map(|run| run.task.clone());
        ///         format!("{} in hand, {} done, longest: {longest:?}", status.running(), status.report().done)
        ///     }
        /// }
        /// ```
        #[derive(Debug, Default)]
        pub struct WorkerStatus {
            running: AtomicU64,
            draining: AtomicBool,
            handlers_blocked: AtomicBool,
            receiving: AtomicU64,
            receive_answered_at: AtomicU64,
            awaited: Mutex<Awaited>,
            control: Mutex<(QueueControl, Option<usize>)>,
            last_run: AtomicU64,
            runs: Mutex<BTreeMap<u64, RunningTask>>,
            stuck: Mutex<BTreeMap<u64, RunningTask>>,
            places_closed: AtomicU64,
            /// Of each task; from the worker's start on.
            tasks: OnceLock<Runs>,
            pub(super) leases: LeaseCounts,
            $(pub(super) $name: AtomicU64,)*
        }

        impl AddAssign for WorkerReport {
            fn add_assign(&mut self, other: Self) {
                $(self.$name += other.$name;)*
            }
        }

        impl WorkerStatus {
            /// The counts so far.
            pub fn report(&self) -> WorkerReport {
                WorkerReport { $($name: self.$name.load(Relaxed),)* }
            }
        }
    };
}

counters!(
    received,
    done,
    retried,
    dead,
    discarded,
    cancelled,
    snoozed,
    unknown,
    made_good,
    ends_held_up,
    stranded,
    repeated,
    busy,
    lost,
    returned,
    over_limit,
    deleted,
    delete_unknown,
    too_late,
    overdue
);

impl WorkerStatus {
    /// Messages that are held just now.
    pub fn running(&self) -> u64 {
        self.running.load(Relaxed)
    }

    /// What is counted beside the report.
    pub fn numbers(&self) -> WorkerNumbers {
        WorkerNumbers {
            places: self.concurrency().unwrap_or_default() as u64,
            leases_held: self.leases.held.load(Relaxed),
            leases_renewed: self.leases.renewed.load(Relaxed),
            leases_lost: self.leases.lost.load(Relaxed),
            tasks: self.tasks.get().map(Runs::numbers).unwrap_or_default(),
        }
    }

    /// The worker starts, for tasks of these names.
    pub(super) fn note_start(&self, names: &TaskNames) {
        self.tasks.get_or_init(|| Runs::new(names));
    }

    /// Where the runs of each task are counted.
    pub(super) fn tasks(&self) -> &Runs {
        self.tasks.get().expect("a worker that runs a task has started")
    }

    /// Up to `count_max` tasks that run just now, those that run longest first.
    pub fn running_tasks(&self, count_max: usize) -> Vec<RunningTask> {
        let runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        runs.values().take(count_max).cloned().collect()
    }

    /// Shows a run until what this answers is dropped.
    pub(super) fn show_run(self: &Arc<Self>, run: RunningTask) -> ShownRun {
        let number = self.last_run.fetch_add(1, Relaxed);
        self.runs.lock().unwrap_or_else(PoisonError::into_inner).insert(number, run);
        ShownRun { status: Arc::clone(self), number }
    }

    /// Up to `count_max` handlers that go on though their runs were given up, because they block their threads;
    /// those that were given up first come first.
    pub fn stuck_tasks(&self, count_max: usize) -> Vec<RunningTask> {
        let stuck = self.stuck.lock().unwrap_or_else(PoisonError::into_inner);
        stuck.values().take(count_max).cloned().collect()
    }

    /// How many places are closed to tasks because more handlers go on, given up, than the worker has places.
    pub fn places_closed(&self) -> u64 {
        self.places_closed.load(Relaxed)
    }

    pub(super) fn note_stuck(&self, number: u64, run: RunningTask, label: &str) {
        self.stuck.lock().unwrap_or_else(PoisonError::into_inner).insert(number, run);
        self.tasks().note_stuck(label);
    }

    pub(super) fn note_stuck_end(&self, number: u64, label: &str) {
        self.stuck.lock().unwrap_or_else(PoisonError::into_inner).remove(&number);
        self.tasks().note_stuck_end(label);
    }

    pub(super) fn note_places_closed(&self, closed: usize) {
        self.places_closed.store(closed as u64, Relaxed);
    }

    /// Whether the worker was told to stop.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Relaxed)
    }

    /// Whether the runtime of the handlers has given no sign of life for 3 seconds, because a handler
    /// does not give its thread back. Always `false` for a worker without a thread of its own.
    pub fn handlers_blocked(&self) -> bool {
        self.handlers_blocked.load(Relaxed)
    }

    /// When the queue last answered a receive; `None` if it never did.
    pub fn receive_answered_at(&self) -> Option<Timestamp> {
        let millis = self.receive_answered_at.load(Relaxed);
        (millis > 0).then(|| Timestamp::from_millis(millis))
    }

    /// Receives that are under way just now.
    pub fn receiving(&self) -> u64 {
        self.receiving.load(Relaxed)
    }

    /// Since when an answer to a receive is awaited and none has come, by a worker that was started at
    /// `started`. `None` while nothing is to be received, because every place is taken or the queue is
    /// paused. However long the
    /// worker waits for broker or store, it is since the last answer.
    pub fn unanswered_since(&self, started: Timestamp) -> Option<Timestamp> {
        match *self.awaited() {
            Awaited::NotYet => Some(started),
            Awaited::Since(since) => Some(since),
            Awaited::Not => None,
        }
    }

    /// What operators have said of the queue, as far as the worker knows.
    pub fn control(&self) -> QueueControl {
        self.said().0.clone()
    }

    /// How many tasks may run at once just now; `None` before the worker has begun.
    pub fn concurrency(&self) -> Option<usize> {
        self.said().1
    }

    fn said(&self) -> MutexGuard<'_, (QueueControl, Option<usize>)> {
        self.control.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn note_control(&self, control: QueueControl, concurrency: usize) {
        if control.is_paused() {
            self.note_no_room();
        }
        *self.said() = (control, Some(concurrency));
    }

    fn awaited(&self) -> MutexGuard<'_, Awaited> {
        self.awaited.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// There is room: an answer is awaited from now on, if none was before.
    pub(super) fn note_room(&self, now: Timestamp) {
        let mut awaited = self.awaited();
        if !matches!(*awaited, Awaited::Since(_)) {
            *awaited = Awaited::Since(now);
        }
    }

    /// There is nothing to receive for: no answer is awaited.
    pub(super) fn note_no_room(&self) {
        *self.awaited() = Awaited::Not;
    }

    /// Counts a receive as under way until what this answers is dropped.
    pub(super) fn begin_receive(self: &Arc<Self>) -> UnderWay {
        self.receiving.fetch_add(1, Relaxed);
        UnderWay(Arc::clone(self))
    }

    /// One of those who count what they hold has so many now; `noted` is what it said before.
    pub(super) fn note_running(&self, noted: &mut usize, count: usize) {
        self.running.fetch_add(count as u64, Relaxed);
        self.running.fetch_sub(*noted as u64, Relaxed);
        *noted = count;
    }

    pub(super) fn note_draining(&self) {
        self.draining.store(true, Relaxed);
    }

    pub(super) fn note_handlers_blocked(&self, blocked: bool) {
        self.handlers_blocked.store(blocked, Relaxed);
    }

    pub(super) fn note_received(&self, count: usize, now: Timestamp) {
        self.receive_answered_at.store(now.as_millis(), Relaxed);
        let paused = self.control().is_paused();
        *self.awaited() = if paused { Awaited::Not } else { Awaited::Since(now) };
        self.received.fetch_add(count as u64, Relaxed);
    }
}

/// Adds one.
pub(super) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Relaxed);
}
