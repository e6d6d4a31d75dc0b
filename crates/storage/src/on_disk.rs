//! A store on a disk: what opening found, two threads, and an orderly end.
//!
//! # Invariants
//!
//! - The directory is locked until both threads have ended and the end of the log is noted in the
//!   manifest: nothing is written to a directory that another process may have.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
};

use crate::{
    CloseError, Lsn, OpenError, Options,
    allocator::{self, Allocator},
    bodies::Bodies,
    checkpoint::Keeper,
    disk::{DiskLock, is_full},
    hands::Hands,
    log::{Failure, Log},
    manifest::Manifest,
    recovery::{self, Ready},
    shared::Shared,
    space::Space,
    writer::Writer,
};

/// A store with threads. The lock on its directory is given back when both have ended, and the end of the
/// log is noted.
pub(crate) struct OnDisk {
    pub(crate) shared: Arc<Shared>,
    lock: Mutex<Option<Arc<dyn DiskLock>>>,
    pub(crate) hands: Hands,
    /// None if the disk had no room for a manifest.
    pub(crate) keeper: Option<Arc<Keeper>>,
}

impl OnDisk {
    pub(crate) fn start(
        ready: Ready,
        options: Options,
        lock: Box<dyn DiskLock>,
        directory: &str,
        set_to_work: impl FnOnce(Writer, Allocator, Arc<dyn DiskLock>) -> io::Result<Hands>,
    ) -> Result<Self, OpenError> {
        let Ready { mut log, index, rotten, used, recovered, maker, manifest, wanted, stray } =
            ready;
        let next = used.last_key_value().map_or(wanted.first, |(last, _)| last.next());
        let mut space = Space::new(options.segment_bytes, options.pending_bytes_max, next);
        space.set_active_bytes(log.active_bytes());
        let files: Vec<_> = used.values().map(|(file, _)| file.clone()).collect();
        let opened = Some(Arc::clone(&maker.files));
        let bodies = Bodies::new(options.cache_bytes, index, &files, opened).with_rotten(rotten);
        let shared = Arc::new(Shared::new(bodies, space, recovered.last));
        for (number, (_, first)) in &used {
            shared.set_used(*number, *first);
        }
        shared.recycle(stray);
        allocator::top_up(&shared, &maker).map_err(OpenError::io("make segments in", directory))?;
        begin_segment(&shared, &mut log, options.segment_bytes)?;
        allocator::top_up(&shared, &maker).map_err(OpenError::io("make segments in", directory))?;
        let next = Manifest { newest: shared.active(), durable: recovered.last, ..wanted };
        let manifest = recovery::settle(&maker, manifest, next)?;
        let keeper = manifest.map(|file| Arc::new(maker.keeper(file)));
        make_room(keeper.as_deref(), directory)?;
        let lock: Arc<dyn DiskLock> = lock.into();
        let writer = Writer::new(Arc::clone(&shared), log, &options);
        let allocator = Allocator::new(Arc::clone(&shared), maker, options);
        let hands = set_to_work(writer, allocator, Arc::clone(&lock));
        // A writer alone must not stay behind.
        let hands = hands.inspect_err(|_| shared.begin_close());
        let hands = hands.map_err(OpenError::io("start threads for", directory))?;
        Ok(Self { shared, lock: Mutex::new(Some(lock)), hands, keeper })
    }

    /// Comes to an end, and gives the directory back.
    pub(crate) fn close(&self) -> Result<(), CloseError> {
        self.shared.begin_close();
        let lock = self.lock.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.end(lock.is_some())
    }

    /// Waits for the threads. Whoever has the lock still notes where the log ended.
    fn end(&self, is_locked: bool) -> Result<(), CloseError> {
        let inside = self.hands.finish();
        if self.shared.progress().poisoned {
            return Err(CloseError::Poisoned);
        }
        if let Some(synced) = self.shared.wait_synced(Lsn::ZERO).filter(|_| is_locked && !inside) {
            self.note_end(synced);
        }
        Ok(())
    }

    /// Notes in the manifest where the log ended. All of it is durable already.
    fn note_end(&self, durable: Lsn) {
        let Some(keeper) = &self.keeper else { return };
        let mut file = keeper.kept();
        if file.current().durable >= durable {
            return;
        }
        let newest = self.shared.active();
        let ended = Manifest { durable, newest, ..file.current().clone() };
        if let Err(Failure { action, file, source }) = file.write(ended) {
            tracing::warn!(%file, error = %source, "cannot {action} where the log ended");
        }
    }
}

/// Has the log go on in a segment that will be sealed, so that the manifest can name it. Without a spare,
/// the writer does it with the first record.
fn begin_segment(shared: &Shared, log: &mut Log, segment_bytes: u64) -> Result<(), OpenError> {
    if log.is_sealable() {
        return Ok(());
    }
    let Some(spare) = shared.take_spare() else { return Ok(()) };
    log.roll(spare, segment_bytes).map_err(Failure::into_open_error)?;
    log.tell_used(shared);
    Ok(())
}

/// Takes the room of the next checkpoint. A disk that is too full for it is none that fails.
fn make_room(keeper: Option<&Keeper>, directory: &str) -> Result<(), OpenError> {
    match keeper.map(Keeper::make_room) {
        Some(Err(error)) if !is_full(&error) => {
            Err(OpenError::io("make room for a checkpoint in", directory)(error))
        }
        _ => Ok(()),
    }
}

impl Drop for OnDisk {
    fn drop(&mut self) {
        if self.close().is_err() {
            tracing::error!("the store was poisoned: what was not durable may be lost");
        }
    }
}
