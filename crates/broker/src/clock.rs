//! The one place that reads a clock.
//!
//! Everything below takes a [`Timestamp`]. A broker's time starts at the wall clock and then runs
//! with the monotonic one, so that a wall clock set back, or set an hour forward, moves no lease.

use std::fmt;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use longshore_types::Timestamp;

/// Tells the time. It never runs backwards.
pub trait Clock: Send + Sync + fmt::Debug + 'static {
    /// The time now.
    fn now(&self) -> Timestamp;

    /// What the wall clock shows now, which people and time servers set, and which a sleeping
    /// machine's keeps up with: for comparing with the clocks of others, such as that of whoever
    /// signed a request. By default the same time.
    fn wall(&self) -> Timestamp {
        self.now()
    }
}

/// The machine's clock.
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
