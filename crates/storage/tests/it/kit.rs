//! What the tests share: small options, one-line appends, and waiting for progress.

use std::{
    sync::{Arc, Condvar, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use longshore_storage::{
    BodyKey, Disk, Lsn, OpenError, Options, Progress, Purpose, Rebuild, Record, Recovered,
    ReplayError, Report, ReserveError, Store, SyncMode, disk::FaultyDisk,
};

/// The segment that a new store writes to first.
pub(crate) const FIRST_SEGMENT: &str = "segment-00000001.log";

/// Small segments, and no batch that vouches unless the store is closed.
pub(crate) fn small() -> Options {
    Options {
        segment_bytes: 4 << 10,
        cache_bytes: 0,
        pending_bytes_max: 1 << 20,
        sync: SyncMode::Always,
        idle: Duration::from_secs(3600),
        allocation_retry: Duration::from_millis(1),
    }
}

/// A caller that wants every body, and knows no checkpoint.
pub(crate) struct WantsAll;

impl Rebuild for WantsAll {
    fn restore(&mut self, _piece: &[u8]) -> Result<(), ReplayError> {
        Err(ReplayError::new("a checkpoint"))
    }

    fn record(&mut self, _: Lsn, _: &[u8], _: &mut Vec<BodyKey>) -> Result<(), ReplayError> {
        Ok(())
    }
}

/// Looks at a store of a caller that wants every body.
pub(crate) fn verify(disk: &FaultyDisk) -> Result<Report, OpenError> {
    let disk: Arc<dyn Disk> = Arc::new(disk.clone());
    longshore_storage::verify(&disk, &mut WantsAll)
}

/// A store, the disk below it, and its progress to wait for.
pub(crate) struct Bench {
    pub(crate) store: Store,
    pub(crate) recovered: Recovered,
    pub(crate) replayed: Vec<(Lsn, Vec<u8>)>,
    watch: Arc<Watch>,
}

#[derive(Default)]
struct Watch {
    seen: Mutex<Vec<Progress>>,
    changed: Condvar,
}

impl Bench {
    pub(crate) fn open(disk: &FaultyDisk, options: Options) -> Result<Self, OpenError> {
        Self::open_any(Arc::new(disk.clone()), options)
    }

    pub(crate) fn open_any(disk: Arc<dyn Disk>, options: Options) -> Result<Self, OpenError> {
        let mut replayed = Vec::new();
        let (store, recovered) = Store::open(disk, options, &mut |lsn, events, _| {
            replayed.push((lsn, events.to_vec()));
            Ok(())
        })?;
        let watch = Arc::new(Watch::default());
        let watching = Arc::clone(&watch);
        store.on_progress(Box::new(move |progress| watching.note(progress)));
        Ok(Self { store, recovered, replayed, watch })
    }

    /// Appends, without waiting for anything but room.
    pub(crate) fn append(&self, record: Record<'_>) -> Result<Lsn, ReserveError> {
        self.append_for(record, Purpose::Grow)
    }

    pub(crate) fn append_for(
        &self,
        record: Record<'_>,
        purpose: Purpose,
    ) -> Result<Lsn, ReserveError> {
        let reservation = loop {
            match self.store.reserve(record.len_bytes(), purpose) {
                Err(ReserveError::Busy) => std::thread::yield_now(),
                other => break other?,
            }
        };
        Ok(self.store.append(reservation, record))
    }

    pub(crate) fn append_events(&self, events: &[u8]) -> Result<Lsn, ReserveError> {
        self.append(Record { events, bodies: Vec::new(), sync: true })
    }

    pub(crate) fn append_body(&self, key: u64, body: &[u8]) -> Result<Lsn, ReserveError> {
        let bodies = vec![(BodyKey(key), Bytes::copy_from_slice(body))];
        self.append(Record { events: b"sent", bodies, sync: true })
    }

    /// Waits until `lsn` is durable, or the store is poisoned: then false.
    pub(crate) fn wait_durable(&self, lsn: Lsn) -> bool {
        self.wait(|progress| progress.durable >= lsn).durable >= lsn
    }

    /// Waits until `reached`, or the store is poisoned.
    pub(crate) fn wait(&self, reached: impl Fn(Progress) -> bool) -> Progress {
        let mut seen = self.watch.seen.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let progress = self.store.progress();
            if reached(progress) || progress.poisoned {
                return progress;
            }
            seen = self.watch.changed.wait(seen).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Every report so far.
    pub(crate) fn reports(&self) -> Vec<Progress> {
        self.watch.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Watch {
    fn note(&self, progress: Progress) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).push(progress);
        self.changed.notify_all();
    }
}
