//! Runs that were given up and go on: a handler that blocks its thread cannot be stopped.
//!
//! ```text
//! a run ── Watched, kept by whoever waits for it, and Working, kept by whatever carries it out
//!   Watched goes first ─▶ given up: its context is cancelled, its places are open to other tasks
//!     still there after a second ─▶ stuck: logged, counted, shown
//!       Working goes ─▶ it has ended: logged, with how long it took
//! ```
//!
//! # Invariants
//!
//! - The task goes on its way at once, and so do its places: a stuck run delays no other task.
//! - There are bounds: as many given up runs as the worker has places, and of a task as many as may run at once
//!   of it. Each beyond that keeps a place closed until it has ended, so threads cannot grow without end.
//! - A run that ends before it is given up takes no lock but its own.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::permits::Permits;
use super::status::{RunningTask, WorkerStatus};

/// How long a run that was given up may take to end before anybody hears of it.
const PATIENCE: Duration = Duration::from_secs(1);

tokio::task_local! {
    /// What the run that goes on here is known by.
    static WORKING: Working;
}

/// The runs of a worker that were given up and have not ended.
#[derive(Clone, Debug)]
pub(super) struct StuckRuns(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// The queue of the worker, for the log.
    queue: String,
    permits: Arc<Permits>,
    status: Arc<WorkerStatus>,
    given_up: Mutex<GivenUp>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct GivenUp {
    last_number: u64,
    runs: BTreeMap<u64, Loose>,
}

/// A run that was given up.
#[derive(Debug)]
struct Loose {
    about: AboutRun,
    at: Instant,
    told: bool,
}

/// A place among the tasks of a name of which only so many may run at once.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) _permit: OwnedSemaphorePermit,
    /// How many places there are.
    pub(super) count: usize,
}

/// A run, for the log, and what is to be done when it is given up.
#[derive(Debug)]
pub(super) struct AboutRun {
    shown: RunningTask,
    /// The label of its task.
    label: Arc<str>,
    begun_at: Instant,
    cancelled: CancellationToken,
    place: Option<Place>,
}

/// Kept by whoever waits for a run. Dropped before the run has ended, it gives the run up.
#[derive(Debug)]
pub(super) struct Watched {
    about: Option<AboutRun>,
    stuck: StuckRuns,
    phase: Arc<Mutex<Phase>>,
}

/// Kept by whatever carries a run out. Once every clone is dropped, the run has ended.
#[derive(Clone, Debug)]
pub(super) struct Working {
    _ends: Arc<Ends>,
}

#[derive(Debug)]
struct Ends {
    stuck: StuckRuns,
    phase: Arc<Mutex<Phase>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Running,
    Ended,
    GivenUp(u64),
}

/// Carries a run out that is known by `working`.
pub(super) async fn within<F: Future>(working: Working, run: F) -> F::Output {
    WORKING.scope(working, run).await
}

/// What the run that goes on here is known by, for a thread that carries on with it.
pub(super) fn working() -> Option<Working> {
    WORKING.try_with(Clone::clone).ok()
}

impl AboutRun {
    /// A run that begins now. `cancelled` is cancelled when it is given up.
    pub(super) fn new(
        shown: RunningTask,
        label: Arc<str>,
        cancelled: CancellationToken,
        place: Option<Place>,
    ) -> Self {
        Self { shown, label, begun_at: Instant::now(), cancelled, place }
    }
}

impl StuckRuns {
    pub(super) fn new(queue: String, permits: Arc<Permits>, status: Arc<WorkerStatus>) -> Self {
        let (given_up, changed) = (Mutex::default(), Notify::new());
        Self(Arc::new(Shared { queue, permits, status, given_up, changed }))
    }

    /// Watches a run that begins.
    pub(super) fn watch(&self, about: AboutRun) -> (Watched, Working) {
        let phase = Arc::new(Mutex::new(Phase::Running));
        let ends = Ends { stuck: self.clone(), phase: Arc::clone(&phase) };
        let watched = Watched { about: Some(about), stuck: self.clone(), phase };
        (watched, Working { _ends: Arc::new(ends) })
    }

    /// Tells of runs that are stuck, until dropped.
    pub(super) async fn run(self) {
        loop {
            let next = self.tell_of_those(Instant::now());
            tokio::select! {
                biased;
                () = self.0.changed.notified() => {}
                () = sleep_until(next.unwrap_or_else(Instant::now)), if next.is_some() => {}
            }
        }
    }

    /// The worker ends: what was given up has a moment to end too, and what does not is told of.
    pub(super) async fn end(&self) {
        let all_ended = async {
            while !self.given_up().runs.is_empty() {
                self.0.changed.notified().await;
            }
        };
        if timeout(PATIENCE, all_ended).await.is_err() {
            self.tell_of_those(Instant::now() + PATIENCE);
        }
    }

    /// Tells of those that are stuck by then. Answers when the next will be.
    fn tell_of_those(&self, now: Instant) -> Option<Instant> {
        let mut given_up = self.given_up();
        for (number, loose) in &mut given_up.runs {
            if !loose.told && loose.at + PATIENCE <= now {
                loose.told = true;
                self.tell(*number, loose);
            }
        }
        let untold = given_up.runs.values().filter(|loose| !loose.told);
        untold.map(|loose| loose.at + PATIENCE).min()
    }

    fn tell(&self, number: u64, Loose { about, .. }: &Loose) {
        let RunningTask { task, name, attempt, since } = &about.shown;
        tracing::error!(
            task,
            name,
            queue = self.0.queue,
            attempt,
            since,
            runs_for = ?about.begun_at.elapsed(),
            "a handler goes on though its run was given up: it blocks its thread and does not look at \
             Context::is_cancelled. Its task goes on its way, and its place is open to others as long as there \
             are few such runs"
        );
        self.0.status.note_stuck(number, about.shown.clone(), &about.label);
    }

    fn give_up(&self, about: AboutRun) -> u64 {
        about.cancelled.cancel();
        let mut given_up = self.given_up();
        given_up.last_number += 1;
        let number = given_up.last_number;
        let label = Arc::clone(&about.label);
        given_up.runs.insert(number, Loose { about, at: Instant::now(), told: false });
        self.settle(&mut given_up, &label);
        number
    }

    fn note_end(&self, number: u64) {
        let mut given_up = self.given_up();
        let Some(Loose { about, at, told }) = given_up.runs.remove(&number) else { return };
        self.settle(&mut given_up, &about.label);
        drop(given_up);
        if told {
            let RunningTask { task, name, attempt, .. } = &about.shown;
            tracing::info!(
                task,
                name,
                queue = self.0.queue,
                attempt,
                took = ?about.begun_at.elapsed(),
                beyond = ?at.elapsed(),
                "a run that was given up has ended"
            );
            self.0.status.note_stuck_end(number, &about.label);
        }
    }

    /// Opens and closes places by how many were given up: in all, and of that task.
    fn settle(&self, given_up: &mut GivenUp, label: &Arc<str>) {
        let closed = self.0.permits.set_stuck(given_up.runs.len());
        self.0.status.note_places_closed(closed);
        given_up.open_places_of(label);
        self.0.changed.notify_one();
    }

    fn given_up(&self) -> MutexGuard<'_, GivenUp> {
        self.0.given_up.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl GivenUp {
    /// Of a task of which `count` may run at once, each run beyond that many keeps its place.
    fn open_places_of(&mut self, label: &Arc<str>) {
        let of_label = |loose: &&mut Loose| loose.about.label == *label;
        let loose: Vec<_> = self.runs.values_mut().filter(of_label).collect();
        let all = loose.len();
        let mut kept: Vec<_> =
            loose.into_iter().filter(|loose| loose.about.place.is_some()).collect();
        let count = kept.first().and_then(|loose| Some(loose.about.place.as_ref()?.count));
        let to_keep = all.saturating_sub(count.unwrap_or_default());
        let to_open = kept.len().saturating_sub(to_keep);
        kept.iter_mut().take(to_open).for_each(|loose| loose.about.place = None);
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let mut phase = self.phase.lock().unwrap_or_else(PoisonError::into_inner);
        if let (Phase::Running, Some(about)) = (*phase, self.about.take()) {
            *phase = Phase::GivenUp(self.stuck.give_up(about));
        }
    }
}

impl Drop for Ends {
    fn drop(&mut self) {
        let mut phase = self.phase.lock().unwrap_or_else(PoisonError::into_inner);
        if let Phase::GivenUp(number) = std::mem::replace(&mut *phase, Phase::Ended) {
            drop(phase);
            self.stuck.note_end(number);
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::Semaphore;

    use super::*;
    use crate::transport::meter::TaskNames;
    use crate::worker::turns::Turns;

    struct Bench {
        stuck: StuckRuns,
        permits: Arc<Permits>,
        status: Arc<WorkerStatus>,
        places: Arc<Semaphore>,
    }

    impl Bench {
        /// A worker with two places, which runs one task at once of the name `scan`.
        fn new() -> Self {
            let (permits, status) =
                (Permits::new(2, Turns::alone()), Arc::<WorkerStatus>::default());
            status.note_start(&TaskNames::new(["scan"].into_iter(), None));
            let stuck = StuckRuns::new("q".to_owned(), Arc::clone(&permits), Arc::clone(&status));
            Self { stuck, permits, status, places: Arc::new(Semaphore::new(1)) }
        }

        fn watch(&self, place: bool) -> (CancellationToken, Watched, Working) {
            let shown = RunningTask { task: "t".to_owned(), name: None, attempt: 1, since: 1 };
            let permit = || Arc::clone(&self.places).try_acquire_owned().unwrap();
            let place = place.then(|| Place { _permit: permit(), count: 1 });
            let cancelled = CancellationToken::new();
            let about = AboutRun::new(shown, "scan".into(), cancelled.clone(), place);
            let (watched, working) = self.stuck.watch(about);
            (cancelled, watched, working)
        }

        fn counted(&self) -> (u64, u64, usize) {
            let numbers = &self.status.numbers().tasks["scan"];
            (numbers.stuck, numbers.abandoned, self.status.stuck_tasks(10).len())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_run_that_ends_in_a_moment_is_not_stuck_and_one_that_ended_is_not_cancelled() {
        let bench = Bench::new();
        let telling = tokio::spawn(bench.stuck.clone().run());
        let (cancelled, watched, working) = bench.watch(false);
        drop(working);
        drop(watched);
        assert!(!cancelled.is_cancelled());
        let (cancelled, watched, working) = bench.watch(false);
        drop(watched);
        assert!(cancelled.is_cancelled());
        tokio::time::sleep(PATIENCE / 2).await;
        drop(working);
        tokio::time::sleep(PATIENCE * 2).await;
        assert_eq!(bench.counted(), (0, 0, 0));
        telling.abort();
    }

    #[tokio::test(start_paused = true)]
    async fn a_run_that_goes_on_is_shown_and_counted_until_it_ends() {
        let bench = Bench::new();
        let telling = tokio::spawn(bench.stuck.clone().run());
        let (_, watched, working) = bench.watch(false);
        let on_a_thread = working.clone();
        drop((watched, working));
        tokio::time::sleep(PATIENCE * 2).await;
        assert_eq!(bench.counted(), (1, 1, 1));
        drop(on_a_thread);
        assert_eq!(bench.counted(), (0, 1, 0));
        telling.abort();
    }

    #[tokio::test(start_paused = true)]
    async fn places_are_open_until_as_many_are_stuck_as_there_are() {
        let bench = Bench::new();
        let mut working = Vec::new();
        for (free_of_task, count) in [(1, 2), (0, 2), (0, 1)] {
            let (_, watched, works) = bench.watch(bench.places.available_permits() > 0);
            drop(watched);
            working.push(works);
            let found = (bench.places.available_permits(), bench.permits.count());
            assert_eq!(found, (free_of_task, count));
        }
        assert_eq!(bench.status.places_closed(), 1);
        // One that had its place opened ends: the place that another keeps is open in its stead.
        drop(working.remove(0));
        drop(working.remove(0));
        let found = (bench.places.available_permits(), bench.permits.count());
        assert_eq!((found, bench.status.places_closed()), ((1, 2), 0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_worker_that_ends_tells_of_what_goes_on() {
        let bench = Bench::new();
        let (_, watched, working) = bench.watch(false);
        drop(watched);
        bench.stuck.end().await;
        assert_eq!(bench.counted(), (1, 1, 1));
        drop(working);
        bench.stuck.end().await;
        assert_eq!(bench.counted(), (0, 1, 0));
    }
}
