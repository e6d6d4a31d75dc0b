//! The one place that reads a clock.
//!
//! Everything below takes a [`Timestamp`]. A broker's [`Clock`] never runs backwards: the machine's
//! starts at the wall clock and then runs with the monotonic one, so that a wall clock set back, or
//! set an hour forward, moves no lease.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

pub use longshore_types::Clock;
use longshore_types::Timestamp;

/// The machine's clock. It never runs backwards.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    started: Timestamp,
    anchor: Instant,
}

impl SystemClock {
    /// A clock that shows the wall clock's time now, and from here on runs by itself.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clocks")]
    pub fn start() -> Self {
        Self { started: wall(), anchor: Instant::now() }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        self.started + self.anchor.elapsed()
    }

    fn wall(&self) -> Timestamp {
        wall()
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clocks")]
fn wall() -> Timestamp {
    Timestamp::ZERO + SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO)
}
