//! The store: what a caller may ask, and what is promised.
//!
//! A store on a disk is a meeting place (`shared`) of callers and two threads, the writer and the
//! allocator. A store in memory has neither.
//!
//! # Invariants
//!
//! - `reserve`, `append`, `progress`, `cached` and `release` do no input or output and never wait
//!   for any.

use std::{fmt, io, sync::Arc};

use bytes::Bytes;

#[cfg(feature = "faults")]
use crate::stepped::Stepped;
use crate::{
    Activity, BodyKey, CloseError, Disk, Lsn, OpenError, Options, Progress, Purpose, ReadError,
    Rebuild, Record, Recovered, Replay, Reservation, ReserveError,
    allocator::Allocator,
    bodies::Usage,
    checkpoint::Keeper,
    disk::{DiskLock, Hold},
    hands::{self, Hands},
    lock,
    memory::Memory,
    on_disk::OnDisk,
    recovery::{self, Records},
    shared::Shared,
    space::Space,
    writer::Writer,
};

/// A log of records, and the bodies they speak of.
#[derive(Debug)]
pub struct Store(Kind);

enum Kind {
    Disk(OnDisk),
    Memory(Memory),
}

impl Store {
    /// Opens the store in `disk`, or makes one in an empty directory.
    ///
    /// Every record is handed to `replay`, in order: its place, its events, and a list to which the
    /// keys of bodies that are no longer wanted are added, so that the index never holds more than
    /// the live ones. A torn tail is cut, and reported in [`Recovered`].
    ///
    /// # Errors
    ///
    /// [`OpenError`]; nothing was deleted, and nothing was changed unless it is an `Io` error.
    pub fn open(
        disk: Arc<dyn Disk>,
        options: Options,
        replay: &mut Replay<'_>,
    ) -> Result<(Self, Recovered), OpenError> {
        Self::open_from(disk, options, &mut Records(replay))
    }

    /// [`Store::open`] for a caller that writes checkpoints ([`Store::begin_checkpoint`]): the pieces of
    /// the last one come first, and then the records after it.
    ///
    /// # Errors
    ///
    /// As of [`Store::open`].
    pub fn open_from(
        disk: Arc<dyn Disk>,
        options: Options,
        rebuild: &mut dyn Rebuild,
    ) -> Result<(Self, Recovered), OpenError> {
        Self::open_with(disk, options, rebuild, hands::spawn)
    }

    pub(crate) fn open_with(
        disk: Arc<dyn Disk>,
        options: Options,
        rebuild: &mut dyn Rebuild,
        set_to_work: impl FnOnce(Writer, Allocator, Arc<dyn DiskLock>) -> io::Result<Hands>,
    ) -> Result<(Self, Recovered), OpenError> {
        options.check()?;
        let lock = lock::take(&*disk)?;
        // So that the file is there, and this user's. Who copies the directory just now has it made.
        drop(disk.hold(Hold::Change));
        let directory = disk.describe("");
        let ready = recovery::recover(disk, options.segment_bytes, rebuild)?;
        let recovered = ready.recovered.clone();
        let store = OnDisk::start(ready, options, lock, &directory, set_to_work)?;
        Ok((Self(Kind::Disk(store)), recovered))
    }

    /// A store that keeps nothing: records are dropped once appended, and bodies are kept in memory
    /// until released. An append is durable at once, and [`Store::on_progress`] is never called.
    pub fn in_memory() -> Self {
        Self(Kind::Memory(Memory::default()))
    }

    /// Reserves room for one record of `bytes` ([`Record::bytes`]). Does not wait.
    ///
    /// # Errors
    ///
    /// `Full` and `Busy` pass; `Poisoned` and `Closed` stay; `TooLarge` is for this size alone.
    pub fn reserve(&self, bytes: u64, purpose: Purpose) -> Result<Reservation, ReserveError> {
        match &self.0 {
            Kind::Disk(store) => {
                store.shared.reserve(Space::charge(bytes), purpose)?;
                Ok(Reservation::new(bytes, Some(Arc::clone(&store.shared))))
            }
            Kind::Memory(memory) if memory.is_closed() => Err(ReserveError::Closed),
            Kind::Memory(_) => Ok(Reservation::new(bytes, None)),
        }
    }

    /// Waits while [`Store::reserve`] would answer `Busy` to a [`Purpose::Grow`] of `bytes`.
    ///
    /// Nothing is reserved: another caller may be faster, and then it is `Busy` again.
    ///
    /// # Errors
    ///
    /// As [`Store::reserve`], without `Busy`.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future has no effect.
    pub async fn room(&self, bytes: u64) -> Result<(), ReserveError> {
        self.room_for(bytes, Purpose::Grow).await
    }

    /// [`Store::room`] for either purpose.
    ///
    /// # Errors
    ///
    /// As [`Store::reserve`], without `Busy`.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future has no effect.
    pub async fn room_for(&self, bytes: u64, purpose: Purpose) -> Result<(), ReserveError> {
        match &self.0 {
            Kind::Disk(store) => store.shared.room(Space::charge(bytes), purpose).await,
            Kind::Memory(memory) if memory.is_closed() => Err(ReserveError::Closed),
            Kind::Memory(_) => Ok(()),
        }
    }

    /// Appends a record, and says where it is in the log. The order of calls is that of the log.
    ///
    /// It cannot fail: room was reserved. Whether it becomes durable, [`Progress`] tells. After
    /// [`Store::close`] it may never be written.
    ///
    /// # Panics
    ///
    /// If the record is larger than its reservation.
    pub fn append(&self, reservation: Reservation, record: Record<'_>) -> Lsn {
        let bytes = record.len_bytes();
        assert!(bytes <= reservation.bytes(), "a record of {bytes} bytes was not reserved");
        let charge = reservation.spend();
        match &self.0 {
            Kind::Disk(store) => store.shared.append(charge, record),
            Kind::Memory(memory) => memory.append(record),
        }
    }

    /// How far the log has come.
    pub fn progress(&self) -> Progress {
        match &self.0 {
            Kind::Disk(store) => store.shared.progress(),
            Kind::Memory(memory) => memory.progress(),
        }
    }

    /// Has `callback` called by the writer's thread after each write and each sync, in order, and
    /// when the store is poisoned. It must be quick: the log waits for it; if it panics, the store is
    /// poisoned, and it is not called again. Progress made before
    /// this call is not reported again: look at [`Store::progress`] afterwards.
    ///
    /// # Panics
    ///
    /// If it was called before.
    pub fn on_progress(&self, callback: Box<dyn Fn(Progress) + Send + Sync>) {
        match &self.0 {
            Kind::Disk(store) => store.shared.set_callback(callback),
            Kind::Memory(_) => drop(callback),
        }
    }

    /// Stops everything for good, as a write that failed does: the caller cannot be trusted any more. What
    /// was appended and is not yet on its way to the disk is not written.
    pub fn fail(&self) {
        match &self.0 {
            Kind::Disk(store) => store.shared.poison(),
            Kind::Memory(memory) => memory.close(),
        }
    }

    /// A body, if it is in memory.
    pub fn cached(&self, key: BodyKey) -> Option<Bytes> {
        match &self.0 {
            Kind::Disk(store) => store.shared.bodies.cached(key),
            Kind::Memory(memory) => memory.get(key),
        }
    }

    /// A body, if it is in memory, in the system's too: nothing waits for the disk. One of more than 64 KiB is not
    /// looked for in the system's, because to copy it takes a while.
    pub fn at_hand(&self, key: BodyKey) -> Option<Bytes> {
        match &self.0 {
            Kind::Disk(store) => store.shared.bodies.at_hand(key),
            Kind::Memory(memory) => memory.get(key),
        }
    }

    /// A body, from memory or by one read of the disk; `None` if it was released or never was.
    ///
    /// # Errors
    ///
    /// [`ReadError`] if the disk fails, or holds something else in its place: then it is in quarantine, and
    /// counted in [`Usage::quarantined`] until it is released.
    pub fn read(&self, key: BodyKey) -> Result<Option<Bytes>, ReadError> {
        match &self.0 {
            Kind::Disk(store) => store.shared.bodies.read(key),
            Kind::Memory(memory) => Ok(memory.get(key)),
        }
    }

    /// Forgets a body: nobody will ask for it again.
    pub fn release(&self, key: BodyKey) {
        match &self.0 {
            Kind::Disk(store) => store.shared.bodies.release(key),
            Kind::Memory(memory) => memory.release(key),
        }
    }

    /// What the bodies cost at this moment. Takes time with the number of segments, not of bodies.
    pub fn usage(&self) -> Usage {
        match &self.0 {
            Kind::Disk(store) => store.shared.bodies.usage(),
            Kind::Memory(memory) => memory.usage(),
        }
    }

    /// What the store has done since it was opened, and what it holds at this moment.
    pub fn activity(&self) -> Activity {
        match &self.0 {
            Kind::Disk(store) => store.shared.activity(),
            Kind::Memory(_) => Activity::default(),
        }
    }

    /// What steps are made of, if they are made by hand.
    #[cfg(feature = "faults")]
    pub(crate) fn stepped(&self) -> Option<&Stepped> {
        match &self.0 {
            Kind::Disk(OnDisk { hands: Hands::Stepped(stepped), .. }) => Some(stepped),
            Kind::Disk(_) | Kind::Memory(_) => None,
        }
    }

    /// What a checkpoint works with.
    pub(crate) fn on_disk(&self) -> Option<(Arc<Shared>, Arc<Keeper>)> {
        match &self.0 {
            Kind::Disk(store) => Some((Arc::clone(&store.shared), store.keeper.clone()?)),
            Kind::Memory(_) => None,
        }
    }

    /// Comes to an orderly end: writes what is pending, syncs, writes a last batch that vouches for
    /// all of it, and gives the directory back. Bodies can still be read. Calling it again does
    /// nothing but give the same answer; dropping the store does the same, as well as it can.
    ///
    /// Inside the callback of [`Store::on_progress`], or if the store is dropped there, it does not
    /// wait for the end that it begins.
    ///
    /// # Errors
    ///
    /// `Poisoned` if a write or a sync failed, now or before.
    pub fn close(&self) -> Result<(), CloseError> {
        match &self.0 {
            Kind::Disk(store) => store.close(),
            Kind::Memory(memory) => {
                memory.close();
                Ok(())
            }
        }
    }
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disk(store) => store.shared.fmt(f),
            Self::Memory(memory) => memory.fmt(f),
        }
    }
}
