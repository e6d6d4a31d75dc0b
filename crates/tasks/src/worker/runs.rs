//! What a worker counts of the runs of its tasks, by task name: for whoever scrapes it.
//!
//! The names are those that have a handler, and `other` for all else: known before the first task comes, so
//! that counting is an atomic at a place that is there already.

use std::collections::BTreeMap;
use std::ops::AddAssign;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use longshore_metrics::{Durations, Spread};
use tokio::time::Instant;

use super::status::count;
use crate::transport::meter::TaskNames;

/// What a run came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum RunEnd {
    /// It was done.
    Done,
    /// It failed, and the task is to be run again.
    Retried,
    /// The task was given up, and dead-lettered.
    Dead,
    /// The task was given up as expected.
    Discarded,
    /// Somebody asked for the task's end.
    Cancelled,
    /// It was put off.
    Snoozed,
    /// Nobody here knows the task or can read it.
    Unknown,
    /// The task ended elsewhere meanwhile.
    Ended,
    /// Its lease was lost.
    Lost,
    /// It was handed back, because the worker stops.
    HandedBack,
}

impl RunEnd {
    /// Every end.
    pub const ALL: [Self; 10] = [
        Self::Done,
        Self::Retried,
        Self::Dead,
        Self::Discarded,
        Self::Cancelled,
        Self::Snoozed,
        Self::Unknown,
        Self::Ended,
        Self::Lost,
        Self::HandedBack,
    ];

    /// Its name as a label.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Retried => "retried",
            Self::Dead => "dead",
            Self::Discarded => "discarded",
            Self::Cancelled => "cancelled",
            Self::Snoozed => "snoozed",
            Self::Unknown => "unknown",
            Self::Ended => "ended",
            Self::Lost => "lost",
            Self::HandedBack => "handed_back",
        }
    }
}

/// What a worker has counted of the tasks of one name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TaskNumbers {
    /// Handlers that run just now.
    pub running: u64,
    /// Handlers that go on though their runs were given up.
    pub stuck: u64,
    /// Runs that were given up and went on, since the start.
    pub abandoned: u64,
    /// How often runs came to each end that there was. A task that ends before its handler could run, such as
    /// one past its deadline, counts too.
    pub ends: BTreeMap<RunEnd, u64>,
    /// How long handlers ran.
    pub durations: Spread,
    /// How long after it was sent the first run of a task began; a delay that was asked for is in it.
    pub lateness: Spread,
}

/// Those of another worker are added.
impl AddAssign for TaskNumbers {
    fn add_assign(&mut self, other: Self) {
        self.running += other.running;
        self.stuck += other.stuck;
        self.abandoned += other.abandoned;
        for (end, count) in other.ends {
            *self.ends.entry(end).or_default() += count;
        }
        self.durations += other.durations;
        self.lateness += other.lateness;
    }
}

/// Counts the runs of a worker.
#[derive(Debug)]
pub(super) struct Runs {
    by_task: BTreeMap<Arc<str>, OfTask>,
    other: OfTask,
}

#[derive(Debug)]
struct OfTask {
    running: AtomicU64,
    stuck: AtomicU64,
    abandoned: AtomicU64,
    ends: [AtomicU64; RunEnd::ALL.len()],
    durations: Durations,
    lateness: Durations,
}

/// A handler that runs. Dropped, it runs no more.
#[derive(Debug)]
pub(super) struct CountedRun<'a> {
    of_task: &'a OfTask,
    begun_at: Instant,
}

impl Drop for CountedRun<'_> {
    fn drop(&mut self) {
        self.of_task.running.fetch_sub(1, Relaxed);
        self.of_task.durations.observe(self.begun_at.elapsed());
    }
}

impl Runs {
    pub(super) fn new(names: &TaskNames) -> Self {
        let by_task = names.known().map(|name| (Arc::clone(name), OfTask::new()));
        Self { by_task: by_task.collect(), other: OfTask::new() }
    }

    /// Counts a handler that begins. `late` is how long ago its task was sent, at its first run.
    pub(super) fn begin(&self, task: &str, late: Option<Duration>) -> CountedRun<'_> {
        let of_task = self.of(task);
        count(&of_task.running);
        if let Some(late) = late {
            of_task.lateness.observe(late);
        }
        CountedRun { of_task, begun_at: Instant::now() }
    }

    /// Counts what a run came to.
    pub(super) fn end(&self, task: &str, end: RunEnd) {
        count(&self.of(task).ends[end as usize]);
    }

    /// Counts a run that was given up and goes on.
    pub(super) fn note_stuck(&self, task: &str) {
        count(&self.of(task).stuck);
        count(&self.of(task).abandoned);
    }

    /// It has ended.
    pub(super) fn note_stuck_end(&self, task: &str) {
        self.of(task).stuck.fetch_sub(1, Relaxed);
    }

    /// What was counted, by task name.
    pub(super) fn numbers(&self) -> BTreeMap<Arc<str>, TaskNumbers> {
        let named = self.by_task.iter().map(|(name, of)| (Arc::clone(name), of.numbers()));
        named.chain([(TaskNames::other(), self.other.numbers())]).collect()
    }

    fn of(&self, task: &str) -> &OfTask {
        self.by_task.get(task).unwrap_or(&self.other)
    }
}

impl OfTask {
    fn new() -> Self {
        Self {
            running: AtomicU64::new(0),
            stuck: AtomicU64::new(0),
            abandoned: AtomicU64::new(0),
            ends: Default::default(),
            durations: Durations::of_tasks(),
            lateness: Durations::of_tasks(),
        }
    }

    fn numbers(&self) -> TaskNumbers {
        let ends = RunEnd::ALL.iter().map(|end| (*end, self.ends[*end as usize].load(Relaxed)));
        TaskNumbers {
            running: self.running.load(Relaxed),
            stuck: self.stuck.load(Relaxed),
            abandoned: self.abandoned.load(Relaxed),
            ends: ends.filter(|(_, count)| *count > 0).collect(),
            durations: self.durations.spread(),
            lateness: self.lateness.spread(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs() -> Runs {
        Runs::new(&TaskNames::new(["resize"].into_iter(), None))
    }

    #[test]
    fn each_end_has_a_place_and_a_label_of_its_own() {
        let runs = runs();
        for end in RunEnd::ALL {
            runs.end("resize", end);
        }
        let numbers = &runs.numbers()["resize"];
        assert!(numbers.ends.len() == 10 && numbers.ends.values().all(|count| *count == 1));
        let labels: std::collections::BTreeSet<_> = RunEnd::ALL.map(RunEnd::as_str).into();
        assert_eq!(labels.len(), RunEnd::ALL.len());
    }

    #[test]
    fn a_name_without_a_handler_is_other() {
        let runs = runs();
        runs.end("made up", RunEnd::Unknown);
        let names: Vec<_> = runs.numbers().into_keys().map(|name| name.to_string()).collect();
        assert_eq!(names, ["other", "resize"]);
        assert_eq!(runs.numbers()["other"].ends[&RunEnd::Unknown], 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_run_counts_as_long_as_it_lasts_however_it_ends() {
        let runs = runs();
        let run = runs.begin("resize", Some(Duration::from_secs(3)));
        tokio::time::advance(Duration::from_secs(40)).await;
        assert_eq!(runs.numbers()["resize"].running, 1);
        drop(run);
        let mut both = runs.numbers()["resize"].clone();
        both += runs.numbers()["resize"].clone();
        assert_eq!((both.running, both.durations.count(), both.lateness.count()), (0, 2, 2));
        assert_eq!(both.durations.total, Duration::from_secs(80));
        assert_eq!(both.lateness.total, Duration::from_secs(6));
    }
}
