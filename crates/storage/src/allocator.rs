//! The thread that keeps the next segments ready, so that the writer never allocates.
//!
//! A spare is made in two steps. Its space is taken and its name and size are synced: from then on
//! it can be promised. Then zeros are written over it, so that a later sync of it changes no
//! metadata of the file system (half the time of a sync, by measurement). A segment that nobody needs
//! any more becomes a spare by zeros and another name. Only taking new space can
//! find the disk full; then it is tried again after a while, for as long as the store is open.
//!
//! # Invariants
//!
//! - A spare is listed only when its space, its size and its name are durable, and, if it is a recycled
//!   segment, its zeros.
//! - A full disk deletes nothing but the spare that could not be finished.

use std::{io, sync::Arc};

use crate::{
    Disk, Options,
    checkpoint::Keeper,
    disk::{DiskFile, is_full},
    epoch::{Epoch, SegmentNumber},
    manifest::ManifestFile,
    open_files::OpenFiles,
    segment::SegmentFile,
    shared::{Chore, Shared},
    space::Warmth,
    writer::PoisonOnPanic,
};

/// Zeros are written, and synced, in pieces of this size, so that a sync of the log that falls in
/// between does not wait for many of them.
const WARMING_BYTES: usize = 1 << 20;

/// Makes the segments of one store.
#[derive(Debug, Clone)]
pub(crate) struct SegmentMaker {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) salt: u64,
    pub(crate) segment_bytes: u64,
    /// The files that are only read.
    pub(crate) files: Arc<OpenFiles>,
}

impl SegmentMaker {
    /// What keeps the manifest and the checkpoints of the same store.
    pub(crate) fn keeper(&self, manifest: ManifestFile) -> Keeper {
        Keeper::new(Arc::clone(&self.disk), self.salt, self.segment_bytes, manifest)
    }

    /// Makes a spare of this number, or finishes one that is there already.
    pub(crate) fn make(&self, number: SegmentNumber) -> io::Result<SegmentFile> {
        let name = number.file_name();
        match self.disk.create(&name) {
            Ok(file) => self.finish(number, file).inspect_err(|error| {
                if is_full(error) {
                    // Too little for a spare may be enough for somebody else.
                    self.disk.remove(&name).ok();
                }
            }),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                self.finish(number, self.disk.open(&name)?)
            }
            Err(error) => Err(error),
        }
    }

    /// Makes a spare of this number out of a segment that nobody needs.
    fn recycle(&self, retired: &SegmentFile, number: SegmentNumber) -> io::Result<SegmentFile> {
        write_zeros(&*retired.file, self.segment_bytes.max(retired.file.len()?), || false)?;
        let name = number.file_name();
        self.disk.rename(&retired.number.file_name(), &name)?;
        // By its new name a spare may be open that was there, and is not any more.
        self.files.close(&retired.number.file_name());
        self.files.close(&name);
        self.finish(number, self.disk.open(&name)?)
    }

    /// Removes a segment that nobody needs, and gives its space back.
    fn remove(&self, retired: &SegmentFile) -> io::Result<()> {
        let name = retired.number.file_name();
        self.files.close(&name);
        self.disk.remove(&name)
    }

    /// Takes the space of a spare, and makes its name and size durable.
    fn finish(&self, number: SegmentNumber, file: Arc<dyn DiskFile>) -> io::Result<SegmentFile> {
        file.allocate(self.segment_bytes)?;
        file.sync_data()?;
        self.disk.sync_dir()?;
        let path = self.disk.describe(&number.file_name()).into();
        Ok(SegmentFile { number, file, epoch: Epoch::new(self.salt, number), path })
    }
}

/// The allocator of one store.
#[derive(Debug)]
pub(crate) struct Allocator {
    shared: Arc<Shared>,
    maker: SegmentMaker,
    options: Options,
}

impl Allocator {
    pub(crate) fn new(shared: Arc<Shared>, maker: SegmentMaker, options: Options) -> Self {
        Self { shared, maker, options }
    }

    /// Works until the store is closed, or poisoned.
    pub(crate) fn run(self) {
        let _guard = PoisonOnPanic(Arc::clone(&self.shared));
        loop {
            let chore = self.shared.next_chore(self.options.allocation_retry);
            if !self.carry_out(chore) {
                return;
            }
        }
    }

    /// Does one thing that is to be done, without waiting for one; whether there was any.
    #[cfg(feature = "faults")]
    pub(crate) fn step(&self) -> bool {
        self.shared.chore_now().is_some_and(|chore| self.carry_out(chore))
    }

    /// Does what is to be done; whether it goes on after it.
    fn carry_out(&self, chore: Chore) -> bool {
        let done = match chore {
            Chore::Allocate(number) => allocate(&self.shared, &self.maker, number),
            Chore::Warm(spare) => self.warm(&spare),
            Chore::Remove(retired) => self.maker.remove(&retired),
            Chore::Stop => return false,
        };
        let Err(error) = done else { return true };
        tracing::error!(%error, "cannot make the next segment: the store takes nothing more; check the disk and restart");
        self.shared.poison();
        false
    }

    fn warm(&self, spare: &SegmentFile) -> io::Result<()> {
        let bytes = self.maker.segment_bytes;
        let warmed = write_zeros(&*spare.file, bytes, || self.shared.is_hurried());
        self.shared.end_warming();
        match warmed {
            Err(error) if is_full(&error) => Ok(()),
            other => other,
        }
    }
}

/// Overwrites `bytes` of a file with zeros, durably, unless it is `hurried`.
fn write_zeros(file: &dyn DiskFile, bytes: u64, hurried: impl Fn() -> bool) -> io::Result<()> {
    let zeros = vec![0; WARMING_BYTES];
    let mut at = 0;
    while at < bytes && !hurried() {
        let left = usize::try_from(bytes - at).unwrap_or(usize::MAX);
        let piece = &zeros[..left.min(WARMING_BYTES)];
        file.write_all_at(piece, at)?;
        file.sync_data()?;
        at += piece.len() as u64;
    }
    Ok(())
}

/// Makes the spares that are wanted, until there are enough or the disk is full.
pub(crate) fn top_up(shared: &Shared, maker: &SegmentMaker) -> io::Result<()> {
    while let Some(number) = shared.wanted_spare() {
        allocate(shared, maker, number)?;
    }
    Ok(())
}

/// Makes one spare. A full disk is noted, and is not an error.
fn allocate(shared: &Shared, maker: &SegmentMaker, number: SegmentNumber) -> io::Result<()> {
    // New space is had sooner than zeros are written; a full disk has none.
    let in_time = !shared.is_short_of_spares() || shared.activity().full;
    let retired = if in_time { shared.take_retired() } else { None };
    let (made, warmth) = match &retired {
        Some(retired) => (maker.recycle(retired, number), Warmth::Warm),
        None => (maker.make(number), Warmth::Cold),
    };
    match made {
        Ok(spare) => {
            if shared.add_spare(spare, warmth) {
                tracing::info!("the disk has room again");
            }
        }
        Err(error) if is_full(&error) => {
            if shared.set_full() {
                tracing::warn!(%error, directory = maker.disk.describe(""), "no room for the next segment: what makes the store larger is refused until there is");
            }
        }
        Err(error) => return Err(error),
    }
    Ok(())
}
