//! Time for the kit: elapsed microseconds, and pauses. The one place that reads a clock.

use std::thread;
use std::time::{Duration, Instant};

use crate::history::Micros;

/// Counts from the moment it was started.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts counting now.
    #[expect(
        clippy::disallowed_methods,
        reason = "real programs are watched in real time, and only here"
    )]
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    /// The time since the start.
    pub(crate) fn elapsed(self) -> Duration {
        self.0.elapsed()
    }

    /// The same in microseconds.
    pub(crate) fn micros(self) -> Micros {
        micros(self.elapsed())
    }
}

/// A duration in whole microseconds.
pub(crate) fn micros(duration: Duration) -> Micros {
    Micros::try_from(duration.as_micros()).unwrap_or(Micros::MAX)
}

/// Lets time pass: a drawn moment comes, or a program does something that nothing tells of.
pub(crate) fn pause(duration: Duration) {
    let watch = Stopwatch::start();
    while let Some(left) = duration.checked_sub(watch.elapsed()).filter(|left| !left.is_zero()) {
        thread::park_timeout(left);
    }
}
