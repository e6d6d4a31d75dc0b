//! Lives of tasks on every store: thousands in memory, hundreds in a file.

use std::sync::Arc;
use std::time::Duration;

use longshore_tasks::store::GroupedStore;
use longshore_tasks::{Clock, MemoryStore, SqliteStore, Store};
use longshore_testkit::lives::{Lives, Passage, Seen};
use longshore_testkit::{ManualClock, Odds, Seeded};
use longshore_types::Timestamp;

/// Turns of a history: enough for a task to be asked for, to run, to die, and to be redriven.
const TURNS: usize = 150;

const FAULTS: Odds = Odds { before: 4, lost: 6, slow: 0, delay_max: Duration::ZERO };

fn in_memory() -> Lives {
    let clock = Arc::new(ManualClock::new());
    let store: Arc<dyn Store> = Arc::new(MemoryStore::with_clock(Arc::clone(&clock) as Arc<_>));
    Lives::new(store, Passage::Moved(clock))
}

#[track_caller]
fn check_seen(seen: &Seen, failed: bool) {
    let Seen { conflicts, overtaken, refused, redriven, taken_in, .. } = *seen;
    let Seen { crashes, expired, stranded, .. } = *seen;
    let counts = [conflicts, overtaken, refused, redriven, taken_in, crashes, expired, stranded];
    assert!(counts.iter().all(|&count| count > 20), "too little came to pass: {seen:?}");
    assert_eq!(seen.failed > 20, failed, "{seen:?}");
}

#[tokio::test]
async fn thousands_live_in_memory() {
    let seen = in_memory().histories(0, 2_000, TURNS).await.unwrap_or_else(|why| panic!("{why}"));
    check_seen(&seen, false);
}

#[tokio::test]
async fn thousands_live_in_memory_with_faults() {
    let lives = in_memory().faults(FAULTS);
    let seen = lives.histories(100_000, 2_000, TURNS).await.unwrap_or_else(|why| panic!("{why}"));
    check_seen(&seen, true);
}

#[tokio::test]
async fn hundreds_live_through_groups_of_calls_with_faults() {
    let clock = Arc::new(ManualClock::new());
    let store: Arc<dyn Store> = Arc::new(MemoryStore::with_clock(Arc::clone(&clock) as Arc<_>));
    let [one, other] = [1, 2].map(|at_once| GroupedStore::new(Arc::clone(&store), at_once));
    let lives = Lives::new(Arc::new(one), Passage::Moved(clock)).shared_with(Arc::new(other));
    let lives = lives.faults(FAULTS);
    let seen = lives.histories(400_000, 500, TURNS).await.unwrap_or_else(|why| panic!("{why}"));
    assert!(seen.redriven > 0 && seen.overtaken > 0, "{seen:?}");
}

#[tokio::test]
async fn hundreds_live_in_a_file_of_two_processes_with_faults() {
    let directory = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::new());
    let path = directory.path().join("tasks.sqlite3");
    let open = || SqliteStore::open_with_clock(&path, Arc::clone(&clock) as Arc<_>).unwrap();
    let (one, other) = (Arc::new(open()), Arc::new(open()));
    let passage = Passage::Moved(Arc::clone(&clock));
    let lives = Lives::new(one, passage).shared_with(other).faults(FAULTS);
    let seen = lives.histories(200_000, 150, TURNS).await.unwrap_or_else(|why| panic!("{why}"));
    assert!(seen.redriven > 0 && seen.overtaken > 0, "{seen:?}");
}

/// How wrong the clocks of hosts are at most.
const SKEW: Duration = Duration::from_secs(3600);

/// Two hosts that keep their own time: each clock is wrong by up to an hour, as the seed says.
fn by_wrong_clocks(seed: u64) -> Lives {
    let clock = Arc::new(ManualClock::new());
    let memory = MemoryStore::with_clock(Arc::clone(&clock) as Arc<_>);
    let random = Seeded::new(seed);
    let handle = || {
        let off = random.up_to(SKEW * 2);
        let wrong = Wrong { clock: Arc::clone(&clock), off };
        Arc::new(memory.by_clock(Arc::new(wrong))) as Arc<dyn Store>
    };
    let handles = vec![handle(), handle()];
    Lives::new(Arc::new(memory), Passage::Moved(clock)).by_foreign_clocks(handles, SKEW)
}

/// A clock that is ahead by `off`, less an hour.
#[derive(Debug)]
struct Wrong {
    clock: Arc<ManualClock>,
    off: Duration,
}

impl Clock for Wrong {
    fn now(&self) -> Timestamp {
        let ahead = (self.clock.now() + self.off).as_millis();
        Timestamp::from_millis(ahead - u64::try_from(SKEW.as_millis()).unwrap())
    }
}

#[tokio::test]
async fn hundreds_live_by_clocks_that_are_up_to_two_hours_apart_with_faults() {
    let mut all = Seen::default();
    for seed in 500_000..501_500 {
        let lives = by_wrong_clocks(seed).faults(FAULTS);
        all += lives.live(seed, TURNS).await.unwrap_or_else(|why| panic!("{why}"));
    }
    check_seen(&all, true);
}

/// As on a server, whose clock nobody can move.
#[tokio::test]
async fn some_live_while_time_is_real() {
    // A slow call outlives a lease now and then.
    let faults = Odds { slow: 2, delay_max: Duration::from_millis(20), ..FAULTS };
    let lives = Lives::new(Arc::new(MemoryStore::new()), Passage::Real).faults(faults);
    let seen = lives.histories(300_000, 60, TURNS).await.unwrap_or_else(|why| panic!("{why}"));
    assert!(seen.overtaken > 0 && seen.expired > 0, "{seen:?}");
}
