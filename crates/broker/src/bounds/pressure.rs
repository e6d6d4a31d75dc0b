//! What is counted of the bounds, for the metrics.

use std::sync::atomic::AtomicU64;

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
}
