//! What is counted of the bounds, for the metrics.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Counts of all that is served of one broker.
#[derive(Debug, Default)]
pub(crate) struct Pressure {
    /// Bytes of requests and replies in flight.
    pub(crate) bytes: AtomicU64,
    /// Requests that were refused because there was no room for their bytes.
    pub(crate) requests_refused: AtomicU64,
    /// Connections that were turned away, because there was no place for them.
    pub(crate) connections_refused: AtomicU64,
    /// Connections that were closed to make way for others.
    pub(crate) connections_gave_way: AtomicU64,
    /// Answers to who looks at messages that do not show all of them.
    pub(crate) peeks_cut: AtomicU64,
    /// Callers in the wrong region who were not told so, because so many others were.
    pub(crate) strays_untold: AtomicU64,
}

impl Pressure {
    pub(crate) fn count_cut_peek(&self) {
        self.peeks_cut.fetch_add(1, Relaxed);
    }

    pub(crate) fn count_untold_stray(&self) {
        self.strays_untold.fetch_add(1, Relaxed);
    }
}
