//! How far the log has come.

use crate::Lsn;

/// How far the log has come. Both numbers only grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// The last record handed to the operating system: it survives a kill of the process.
    pub written: Lsn,
    /// The last record that survives a power cut. In [`SyncMode::Interval`](crate::SyncMode) it
    /// follows `written` at once: that mode promises no more than its interval.
    pub durable: Lsn,
    /// A write or a sync failed: neither number will move again. Restart the process, so that
    /// recovery finds out what the disk really holds.
    pub poisoned: bool,
}
