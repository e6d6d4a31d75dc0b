//! A store without threads, for a simulator: what the writer and the allocator do is done when it is told to.
//!
//! A step is a turn of the thread that it stands for, by that thread's own code, and waits for nothing. What the passing
//! of time asks for, the caller says.
//!
//! # Invariants
//!
//! - A step that is asked for within a step of the same kind, from within a call of the disk, does nothing.

use std::sync::{Arc, Mutex, PoisonError, TryLockError};

use crate::{
    Disk, OpenError, Options, Rebuild, Recovered, Store, allocator::Allocator, disk::DiskLock,
    hands::Hands, pace::Due, writer::Writer,
};

/// The writer and the allocator of a store, each until it has come to its end.
#[derive(Debug)]
pub(crate) struct Stepped {
    writer: Mutex<Option<Writer>>,
    allocator: Allocator,
    lock: Mutex<Option<Arc<dyn DiskLock>>>,
}

impl Store {
    /// [`Store::open_from`] for a caller that has every step of the store made itself.
    ///
    /// What `options` say of time has no effect: nothing here waits.
    ///
    /// # Errors
    ///
    /// As of [`Store::open_from`].
    pub fn open_stepped(
        disk: Arc<dyn Disk>,
        options: Options,
        rebuild: &mut dyn Rebuild,
    ) -> Result<(Self, Recovered), OpenError> {
        Self::open_with(disk, options, rebuild, |writer, allocator, lock| {
            Ok(Hands::Stepped(Box::new(Stepped::new(writer, allocator, lock))))
        })
    }

    /// Writes all that is pending, as the writer's thread does in one turn.
    pub fn step_writer(&self) {
        self.step(None);
    }

    /// Syncs, as that thread does when something has been unsynced for long enough, if nothing is pending.
    pub fn step_sync(&self) {
        self.step(Some(Due::Sync));
    }

    /// Vouches for the last batch, as that thread does when the log has come to rest, if nothing is pending.
    pub fn step_vouch(&self) {
        self.step(Some(Due::Vouch));
    }

    fn step(&self, due: Option<Due>) {
        if let Some(stepped) = self.stepped() {
            stepped.step_writer(due);
        }
    }

    /// Makes, warms or removes a segment; whether there was anything to do.
    pub fn step_allocator(&self) -> bool {
        self.stepped().is_some_and(|stepped| stepped.allocator.step())
    }
}

impl Stepped {
    fn new(writer: Writer, allocator: Allocator, lock: Arc<dyn DiskLock>) -> Self {
        Self { writer: Mutex::new(Some(writer)), allocator, lock: Mutex::new(Some(lock)) }
    }

    /// Whether there may be more for the writer to do.
    fn step_writer(&self, due: Option<Due>) -> bool {
        let mut writer = match self.writer.try_lock() {
            Ok(writer) => writer,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return false,
        };
        let goes_on = writer.as_mut().is_some_and(|writer| writer.step(due));
        if !goes_on {
            writer.take();
        }
        goes_on
    }

    /// Brings a store that is closing to its end.
    pub(crate) fn finish(&self) {
        while self.step_writer(None) {}
        self.lock.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}
