//! What a store may be told: sizes, bounds, and when to sync.

use std::time::Duration;

use crate::OpenError;

/// The largest segment: offsets inside one are kept in 32 bits.
const SEGMENT_BYTES_MAX: u64 = 1 << 30;
/// The smallest segment, for tests that want to see many.
const SEGMENT_BYTES_MIN: u64 = 4 << 10;

/// When the log is synced to the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SyncMode {
    /// Before a record is called durable. Survives a power cut. The default.
    Always,
    /// At least this often while there is something to sync. A record is called durable as soon as
    /// it is written: a kill of the process loses nothing, a power cut at most this much. But what is
    /// written first after the store was opened is synced, and durable not before.
    Interval(Duration),
}

/// How a store behaves. `Options::default()` suits a broker.
#[derive(Debug, Clone)]
pub struct Options {
    /// Size of a new segment file, 4 KiB to 1 GiB. Default 32 MiB. The largest record is a quarter
    /// of it. Segments that exist keep their size.
    pub segment_bytes: u64,
    /// Bytes of bodies kept in memory for reading, beside those not yet written. Default 64 MiB.
    pub cache_bytes: usize,
    /// Bytes that may be reserved or appended and not yet written; beyond, [`Store::reserve`]
    /// answers `Busy`. Default 16 MiB.
    ///
    /// [`Store::reserve`]: crate::Store::reserve
    pub pending_bytes_max: usize,
    /// When to sync. Default [`SyncMode::Always`].
    pub sync: SyncMode,
    /// How long the log must rest before a last, empty batch vouches for what it holds, and the
    /// longest that a record appended with `sync: false` stays unsynced. Default one second.
    pub idle: Duration,
    /// How long to wait after a full disk before trying again to allocate. Default one second.
    pub allocation_retry: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            segment_bytes: 32 << 20,
            cache_bytes: 64 << 20,
            pending_bytes_max: 16 << 20,
            sync: SyncMode::Always,
            idle: Duration::from_secs(1),
            allocation_retry: Duration::from_secs(1),
        }
    }
}

impl Options {
    pub(crate) fn check(&self) -> Result<(), OpenError> {
        if (SEGMENT_BYTES_MIN..=SEGMENT_BYTES_MAX).contains(&self.segment_bytes) {
            return Ok(());
        }
        Err(OpenError::SegmentBytes { bytes: self.segment_bytes })
    }
}
