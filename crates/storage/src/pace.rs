//! When the writer must act although nothing comes: the one place in storage that reads a clock.
//!
//! Only the time between two moments of one run matters here, and none of it is recorded.

use std::time::{Duration, Instant};

use crate::{Options, SyncMode};

/// What the passing of time asks of the writer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    /// Sync: something has been unsynced for long enough.
    Sync,
    /// Write a batch that vouches for the last one: the log has come to rest.
    Vouch,
}

/// Remembers since when something is unsynced, and since when nothing was written.
#[derive(Debug)]
pub(crate) struct Pace {
    unsynced_max: Duration,
    idle: Duration,
    unsynced_since: Option<Instant>,
    /// When the last batch with records was written or found, until it is vouched for.
    resting_since: Option<Instant>,
}

impl Pace {
    pub(crate) fn new(options: &Options) -> Self {
        let unsynced_max = match options.sync {
            SyncMode::Always => options.idle,
            SyncMode::Interval(interval) => interval,
        };
        Self { unsynced_max, idle: options.idle, unsynced_since: None, resting_since: None }
    }

    /// Notes that records were written.
    pub(crate) fn wrote(&mut self) {
        self.unsynced_since.get_or_insert_with(now);
        self.rests();
    }

    /// Notes that the last batch has nothing behind it that vouches for it.
    pub(crate) fn rests(&mut self) {
        self.resting_since = Some(now());
    }

    pub(crate) fn synced(&mut self) {
        self.unsynced_since = None;
    }

    pub(crate) fn vouched(&mut self) {
        self.resting_since = None;
    }

    /// Whether what is unsynced must be synced now, however busy the log is.
    pub(crate) fn is_sync_overdue(&self) -> bool {
        self.unsynced_since.is_some_and(|since| since + self.unsynced_max <= now())
    }

    /// What comes next, and how long until then. None: nothing, however long it takes.
    pub(crate) fn next(&self) -> Option<(Due, Duration)> {
        let sync = self.unsynced_since.map(|since| (Due::Sync, since + self.unsynced_max));
        let vouch = self.resting_since.map(|since| (Due::Vouch, since + self.idle));
        let (due, at) = sync.into_iter().chain(vouch).min_by_key(|(_, at)| *at)?;
        Some((due, at.saturating_duration_since(now())))
    }
}

/// Measures how long something takes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self(now())
    }

    pub(crate) fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}

#[expect(clippy::disallowed_methods, reason = "how long a sync may wait is no part of the log")]
fn now() -> Instant {
    Instant::now()
}
