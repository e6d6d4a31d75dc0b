//! A clock that stands still until it is moved.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use longshore_tasks::Clock;
use longshore_types::Timestamp;

/// Where a manual clock stands at first: in November 2023.
const BEGINNING: u64 = 1_700_000_000_000;

/// A [`Clock`] that stands still until it is moved.
///
/// ```
/// use std::time::Duration;
/// use longshore_tasks::Clock;
/// use longshore_testkit::ManualClock;
///
/// let clock = ManualClock::new();
/// let before = clock.now();
/// clock.advance(Duration::from_secs(3));
/// assert_eq!(clock.now().since(before), Duration::from_secs(3));
/// ```
#[derive(Debug)]
pub struct ManualClock(AtomicU64);

impl Default for ManualClock {
    fn default() -> Self {
        Self::new()
    }
}

impl ManualClock {
    /// A clock that stands at a time of this century.
    pub const fn new() -> Self {
        Self::at(Timestamp::from_millis(BEGINNING))
    }

    /// A clock that stands at `time`.
    pub const fn at(time: Timestamp) -> Self {
        Self(AtomicU64::new(time.as_millis()))
    }

    /// Moves the clock forward by `duration`, of which whole milliseconds count.
    pub fn advance(&self, duration: Duration) {
        let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        self.0.fetch_add(millis, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}
