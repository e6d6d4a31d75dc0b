//! Stops of the broker: time that passed for messages, and that the broker's own time leaves out.
//!
//! A broker that finds at its start that it may have been stopped for long counts that only once it
//! is sure. By then messages have come that were not there before the stop. So a stop makes those
//! older that were sent before it, and no others; the order in which messages expire stays the same.

use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Unbounded};
use std::time::Duration;

use longshore_types::{Timestamp, limits};

/// The stops that count, by the time at which they began.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lapses(BTreeMap<Timestamp, Duration>);

impl Lapses {
    /// Has a stop count that began at `at`. What was sent before stops of long ago is gone.
    pub fn add(&mut self, at: Timestamp, length: Duration) {
        let counted = self.0.entry(at).or_default();
        *counted = counted.saturating_add(length);
        self.0.retain(|earlier, _| *earlier + limits::RETENTION_MAX > at);
    }

    /// The stops: when each began, and for how long it lasted.
    pub fn iter(&self) -> impl Iterator<Item = (Timestamp, Duration)> + '_ {
        self.0.iter().map(|(at, length)| (*at, *length))
    }

    /// For how long the broker was stopped since `sent_at`.
    pub(crate) fn since(&self, sent_at: Timestamp) -> Duration {
        if self.0.is_empty() {
            // As it mostly is; and this is asked for every message that comes or goes.
            return Duration::ZERO;
        }
        let stops = self.0.range((Excluded(sent_at), Unbounded)).map(|(_, length)| *length);
        stops.fold(Duration::ZERO, Duration::saturating_add)
    }
}
