//! The time of a schedule: tokio's paused clock, and what programs take for it.

use std::time::Duration;

use longshore_tasks::Clock;
use longshore_types::Timestamp;
use tokio::time::Instant;

/// When every schedule begins: in November 2023.
const BEGINNING: Timestamp = Timestamp::from_millis(1_700_000_000_000);

/// A clock that is off by so many milliseconds, and runs as fast as any.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WorldClock {
    started: Instant,
    ahead: i64,
}

impl WorldClock {
    /// The right time, from now on.
    pub(crate) fn start() -> Self {
        Self { started: Instant::now(), ahead: 0 }
    }

    /// The same time on a clock that is `ahead` by so many milliseconds, or behind.
    pub(crate) fn skewed(self, ahead: i64) -> Self {
        Self { ahead, ..self }
    }

    /// How long the schedule has lasted.
    pub(crate) fn elapsed(self) -> Duration {
        self.started.elapsed()
    }
}

impl Clock for WorldClock {
    fn now(&self) -> Timestamp {
        let right = (BEGINNING + self.elapsed()).as_millis();
        Timestamp::from_millis(right.saturating_add_signed(self.ahead))
    }
}
