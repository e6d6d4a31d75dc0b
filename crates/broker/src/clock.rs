//! The one place that reads a clock.
//!
//! Everything below takes a [`Timestamp`], or a `Reading` of both clocks. A broker's [`Clock`] never
//! runs backwards: the machine's starts at the wall clock and then runs with the monotonic one, so
//! that a wall clock set back, or set an hour forward, moves no lease. What a start makes of the
//! wall clock is in `core/times.rs`.

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

/// How far the wall clock is believed at a start, where nothing else says for how long the broker was
/// stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockTrust {
    /// A stop that looks longer than this may be a clock that is wrong: delays, leases and retention
    /// go on as if there had been none until the clock is confirmed. Default one hour.
    pub jump_max: Duration,
    /// For how long the wall clock must have gone steadily to be confirmed. Default five minutes.
    pub confirmed_after: Duration,
}

impl Default for ClockTrust {
    fn default() -> Self {
        Self { jump_max: Duration::from_secs(3600), confirmed_after: Duration::from_secs(300) }
    }
}

/// What a machine's clocks show at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading {
    /// The clock that nobody sets. Only what passes on it counts, not where it stands.
    pub(crate) running: Timestamp,
    /// The wall clock.
    pub(crate) wall: Timestamp,
}

impl Reading {
    pub(crate) fn of(clock: &dyn Clock) -> Self {
        Self { running: clock.now(), wall: clock.wall() }
    }
}

impl From<Timestamp> for Reading {
    /// Both clocks show the same, as those of a test do.
    fn from(time: Timestamp) -> Self {
        Self { running: time, wall: time }
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
