//! What is passed in, so that a test runs the same each time: the clock, and random numbers.

use std::cell::Cell;
use std::sync::Mutex;

use longshore_tasks::clock::Clock;
use longshore_tasks::id::RandomSource;
use longshore_types::Timestamp;
use tokio::time::Instant;

/// A clock that goes with Tokio's, which tests pause.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SimulatedClock {
    epoch: Instant,
}

impl SimulatedClock {
    pub(crate) fn new() -> Self {
        Self { epoch: Instant::now() }
    }
}

impl Clock for SimulatedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_800_000_000_000) + self.epoch.elapsed()
    }
}

thread_local! {
    /// How many sources a test has made: a test runs on a thread of its own.
    static SOURCES: Cell<u64> = const { Cell::new(0) };
}

/// Numbers that are all different, also from those of the test's other sources, and the same in every
/// run.
#[derive(Debug)]
pub(crate) struct Counting(Mutex<u64>);

impl Default for Counting {
    fn default() -> Self {
        let number = SOURCES.replace(SOURCES.get() + 1);
        Self(Mutex::new(number << 40))
    }
}

impl RandomSource for Counting {
    fn next(&self) -> u64 {
        let mut last = self.0.lock().unwrap();
        *last = last.wrapping_add(0x9E37_79B9_7F4A_7C15);
        *last
    }
}
