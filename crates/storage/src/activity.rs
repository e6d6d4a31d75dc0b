//! What a store has done since it was opened, and how long its syncs took, for whoever watches it.
//!
//! The writer counts and anybody reads: no lock is taken, and nothing depends on the numbers.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use longshore_metrics::{Durations, Spread};

/// What the writer counts.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    written_bytes: AtomicU64,
    writes: AtomicU64,
    syncs: Durations,
    checkpoints: AtomicU64,
    checkpoint_bytes: AtomicU64,
}

impl Counters {
    /// Counts one batch that was written.
    pub(crate) fn wrote(&self, bytes: u64) {
        self.written_bytes.fetch_add(bytes, Relaxed);
        self.writes.fetch_add(1, Relaxed);
    }

    /// Counts one sync, and how long it took.
    pub(crate) fn synced(&self, took: Duration) {
        self.syncs.observe(took);
    }

    /// Counts one checkpoint that was published.
    pub(crate) fn checkpointed(&self, bytes: u64) {
        self.checkpoint_bytes.store(bytes, Relaxed);
        self.checkpoints.fetch_add(1, Relaxed);
    }

    pub(crate) fn checkpoints(&self) -> u64 {
        self.checkpoints.load(Relaxed)
    }

    pub(crate) fn checkpoint_bytes(&self) -> u64 {
        self.checkpoint_bytes.load(Relaxed)
    }

    pub(crate) fn written_bytes(&self) -> u64 {
        self.written_bytes.load(Relaxed)
    }

    pub(crate) fn writes(&self) -> u64 {
        self.writes.load(Relaxed)
    }

    pub(crate) const fn syncs(&self) -> &Durations {
        &self.syncs
    }
}

/// What a store has done since it was opened, and what it holds at this moment. Of a store in
/// memory everything is zero: it writes nothing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Activity {
    /// Bytes written to the log, headers and padding included.
    pub written_bytes: u64,
    /// Batches written to the log.
    pub writes: u64,
    /// Syncs that succeeded, by how long they took.
    pub syncs: Spread,
    /// Bytes that are reserved or appended, and not yet written.
    pub waiting_bytes: u64,
    /// Bytes of the bodies in the cache, with what each costs beside them.
    pub cached_bytes: u64,
    /// Checkpoints that were published.
    pub checkpoints: u64,
    /// Bytes of the last one. Zero before there is one of this start.
    pub checkpoint_bytes: u64,
    /// Whether the last attempt to make room found the disk full.
    pub full: bool,
}
