//! A checkpoint: the caller's state as of one record, so that replaying can begin there, and what lies
//! before can be given up.
//!
//! ```text
//! begin (LSN S) ─► write, write, … ─► S is written ─► write_bodies ─► end (LSN E)
//! ─► E is durable ─► publish
//! ```
//!
//! The caller tells its state of when `begin` was called, a piece at a time, while it goes on
//! appending. The places of bodies are written as they are when it is their turn: what was sent or
//! released since S, the records between S and E tell. So a checkpoint counts only once all records
//! up to E are durable. It is written over the older of two files, and is the store's from when the
//! manifest names it.
//!
//! # Invariants
//!
//! - A segment is given up only when it lies before the one with record S + 1 and when it holds no
//!   body that is live at E; and only when the manifest that no longer names it is durable.
//! - Until a checkpoint is published, all that the one before needs stays as it is. None is published while
//!   somebody copies the directory.

pub(crate) mod pages;

use std::io::ErrorKind::{QuotaExceeded, StorageFull, WouldBlock};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::{
    Disk, Lsn, OpenError, Store,
    disk::{DiskFile, DiskLock, Hold, is_full},
    epoch::SegmentNumber,
    manifest::{CheckpointPlace, Manifest, ManifestFile},
    shared::Shared,
};
use pages::{Page, PageWriter};

/// A checkpoint of no state takes less than this.
const ROOM_BYTES_MIN: u64 = 16 << 10;
/// How many places are told at once: whoever looks for a body waits for as long as these take.
const PLACES_MAX: usize = 4096;
pub(crate) const NAMES: [&str; 2] = ["checkpoint-a", "checkpoint-b"];

/// Why no checkpoint came to be. The one before still counts, and the log with it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// The disk has no room for it.
    #[error("the disk has no room for the next checkpoint: free disk space; it is tried again")]
    Full,
    /// The manifest has no room for its segments: 8,183 runs of them.
    #[error(
        "messages that are kept lie in too many separate parts of the log for one manifest: delete or purge messages that are old; it is tried again"
    )]
    TooScattered,
    /// It would speak of records that are not on the disk yet.
    #[error("the log is not on the disk as far as the checkpoint goes")]
    TooEarly,
    /// The directory is being copied, with the checkpoint before this one.
    #[error("the directory is being copied: the next checkpoint waits for the end of that")]
    Held,
    /// A write or a sync of it failed: the store takes nothing more.
    #[error("the store has failed to write and takes nothing more: check the disk and restart")]
    Poisoned,
}

/// What the published checkpoint gave back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Published {
    /// Bytes of the checkpoint.
    pub bytes: u64,
    /// Segments that were given up.
    pub segments: usize,
}

/// The files that say what the store has.
#[derive(Debug)]
pub(crate) struct Keeper {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) salt: u64,
    pub(crate) segment_bytes: u64,
    kept: Mutex<ManifestFile>,
}

impl Keeper {
    pub(crate) fn new(
        disk: Arc<dyn Disk>,
        salt: u64,
        segment_bytes: u64,
        file: ManifestFile,
    ) -> Self {
        Self { disk, salt, segment_bytes, kept: Mutex::new(file) }
    }

    /// A panic elsewhere leaves it whole: it changes when it is written.
    pub(crate) fn kept(&self) -> MutexGuard<'_, ManifestFile> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has the next checkpoints find room, on a full disk too: as much as the last one took, as much again
    /// for what came since, and a little. A file that grew far beyond that gives its room back.
    pub(crate) fn make_room(&self) -> std::io::Result<()> {
        let place = self.kept().current().checkpoint;
        let len = place.map_or(0, |place| place.len);
        let room = 2 * len + (self.segment_bytes / 4).max(ROOM_BYTES_MIN);
        let next = next_slot(place);
        let mut file = self.open_or_create(NAMES[next])?;
        if file.len()? > 4 * room {
            drop(file);
            self.disk.remove(NAMES[next])?;
            file = self.open_or_create(NAMES[next])?;
        }
        for file in [file, self.open_or_create(NAMES[1 - next])?] {
            if file.len()? < room {
                file.allocate(room)?;
                file.sync_data()?;
            }
        }
        self.disk.sync_dir()
    }

    /// Has nobody begin a copy. Where there is no room for the file by which that is said, nobody copies.
    fn hold(&self) -> Result<Option<Box<dyn DiskLock>>, CheckpointError> {
        match self.disk.hold(Hold::Change) {
            Err(error) if matches!(error.kind(), StorageFull | QuotaExceeded) => Ok(None),
            Err(error) if error.kind() == WouldBlock => Err(CheckpointError::Held),
            Err(error) => {
                tracing::warn!(%error, "cannot tell whether the directory is being copied: make the file `hold` in it this user's");
                Err(CheckpointError::Held)
            }
            held => Ok(held.ok()),
        }
    }

    fn open_or_create(&self, name: &str) -> std::io::Result<Arc<dyn DiskFile>> {
        match self.disk.open(name) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => self.disk.create(name),
            other => other,
        }
    }
}

/// Hands every page of a checkpoint to `visit`, in order.
pub(crate) fn read(
    disk: &dyn Disk,
    salt: u64,
    place: &CheckpointPlace,
    visit: &mut dyn FnMut(Page) -> Result<(), OpenError>,
) -> Result<(), OpenError> {
    let path = path_of(disk, place);
    let file = disk.open(NAMES[place.slot % 2]).map_err(|error| {
        if error.kind() == std::io::ErrorKind::NotFound {
            return OpenError::Missing { file: path.clone() };
        }
        OpenError::io("open", &path)(error)
    })?;
    pages::read(&*file, &path, salt, place, visit)
}

/// The checkpoints that are whole, whether they count or not.
pub(crate) fn whole(disk: &dyn Disk, salt: u64) -> Vec<CheckpointPlace> {
    let place = |slot: usize| pages::find(&*disk.open(NAMES[slot]).ok()?, salt, slot);
    (0..NAMES.len()).filter_map(place).collect()
}

/// What to call the file of a checkpoint in a message.
pub(crate) fn path_of(disk: &dyn Disk, place: &CheckpointPlace) -> String {
    disk.describe(NAMES[place.slot % 2])
}

fn next_slot(place: Option<CheckpointPlace>) -> usize {
    place.map_or(0, |place| 1 - place.slot % 2)
}

/// One checkpoint that is being written. Dropping it leaves the one before in its place.
#[derive(Debug)]
pub struct Checkpoint {
    shared: Arc<Shared>,
    keeper: Arc<Keeper>,
    lsn: Lsn,
    slot: usize,
    pages: Option<PageWriter>,
    end: Option<End>,
}

/// What a checkpoint needs, as of its end.
#[derive(Debug)]
struct End {
    through: Lsn,
    first: SegmentNumber,
    older: Vec<SegmentNumber>,
    dead: Vec<SegmentNumber>,
}

impl Store {
    /// Begins a checkpoint of all records that have been appended. Does no input or output. `None` for a
    /// store that keeps nothing, or has no manifest because the disk had no room for one. One at a time.
    pub fn begin_checkpoint(&self) -> Option<Checkpoint> {
        let (shared, keeper) = self.on_disk()?;
        let lsn = shared.appended();
        let slot = next_slot(keeper.kept().current().checkpoint);
        Some(Checkpoint { shared, keeper, lsn, slot, pages: None, end: None })
    }

    /// Whether a checkpoint would pay: the log has grown by as much as one costs, or there are segments
    /// to be given up. On a full disk a single one is worth it.
    pub fn is_checkpoint_due(&self) -> bool {
        let Some((shared, keeper)) = self.on_disk() else { return false };
        let (first, cost) = {
            let kept = keeper.kept();
            let cost = kept.current().checkpoint.map_or(0, |place| place.len);
            (kept.current().first, cost / keeper.segment_bytes)
        };
        let used = shared.used();
        let replayed = used.range(first..).count() as u64;
        let dead = dead_before(&shared, used.last_key_value().map(|(number, _)| *number));
        replayed > cost.max(2) || dead > 2 * cost || (dead > 0 && shared.activity().full)
    }

    /// Whether no checkpoint can be made now, because somebody copies the directory: then one is not worth the work.
    pub fn is_held(&self) -> bool {
        self.on_disk().is_some_and(|(_, keeper)| keeper.hold().is_err())
    }
}

/// How many segments before the active one hold nothing that is live.
fn dead_before(shared: &Shared, active: Option<SegmentNumber>) -> u64 {
    let live = shared.bodies.live_segments();
    let used = shared.used();
    let dead = used.keys().filter(|number| Some(**number) < active && !live.contains(number));
    dead.count() as u64
}

impl Checkpoint {
    /// The last record whose effects it has.
    pub fn lsn(&self) -> Lsn {
        self.lsn
    }

    /// Writes a piece of the caller's state: of what it was when the checkpoint was begun. Blocks.
    ///
    /// # Errors
    ///
    /// [`CheckpointError::Full`], [`CheckpointError::Poisoned`].
    pub fn write(&mut self, piece: &[u8]) -> Result<(), CheckpointError> {
        let written = self.pages().and_then(|pages| pages.write_state(piece));
        written.map_err(|error| self.failed(&error))
    }

    /// Writes where all bodies are. After it comes [`Checkpoint::end`]. Blocks.
    ///
    /// # Errors
    ///
    /// [`CheckpointError::TooEarly`] if there are bodies of before the beginning that are not written yet, and
    /// so are nowhere; [`CheckpointError::Full`], [`CheckpointError::Poisoned`].
    pub fn write_bodies(&mut self) -> Result<(), CheckpointError> {
        if self.shared.progress().written < self.lsn {
            return Err(CheckpointError::TooEarly);
        }
        let mut told = None;
        loop {
            let places = self.shared.bodies.places_after(told, PLACES_MAX);
            let Some((last, _)) = places.last() else { return Ok(()) };
            told = Some(*last);
            let written = self.pages().and_then(|pages| pages.write_places(&places));
            written.map_err(|error| self.failed(&error))?;
        }
    }

    /// Says that the checkpoint counts once `through` is durable, a record appended since it was begun and
    /// since [`Checkpoint::write_bodies`]. Nothing may have been released since that is not yet in a
    /// record: the caller holds whatever keeps others from appending. Does no input or output.
    pub fn end(&mut self, through: Lsn) {
        assert!(through > self.lsn, "the record that ends a checkpoint comes after its beginning");
        let used = self.shared.used();
        let begins_before = |(_, first): &(&SegmentNumber, &Lsn)| **first <= self.lsn.next();
        let replayed = used.iter().rfind(begins_before).map(|(number, _)| *number);
        let first = replayed.or_else(|| used.keys().next().copied());
        let Some(first) = first else { return };
        let live = self.shared.bodies.live_segments();
        let before = used.range(..first).map(|(number, _)| *number);
        let (older, dead) = before.partition(|number| live.contains(number));
        self.end = Some(End { through, first, older, dead });
    }

    /// Whether the log is on the disk as far as the checkpoint goes, so that [`Checkpoint::publish`] waits for no
    /// sync of it.
    pub fn is_synced(&self) -> bool {
        self.end.as_ref().is_none_or(|end| self.shared.is_synced(end.through))
    }

    /// Makes the checkpoint the store's, and gives up what it does not need. Blocks; in relaxed mode until
    /// the log has been synced as far as the checkpoint goes.
    ///
    /// # Errors
    ///
    /// [`CheckpointError`].
    pub fn publish(mut self) -> Result<Published, CheckpointError> {
        let durable = self.shared.progress().durable;
        let Some(end) = self.end.take().filter(|end| end.through <= durable) else {
            return Err(CheckpointError::TooEarly);
        };
        let End { through, first, older, dead } = end;
        let durable = self.shared.wait_synced(through).ok_or(CheckpointError::Poisoned)?;
        let place = self.finish().map_err(|error| self.failed(&error))?;
        let newest = self.shared.active();
        let next = Manifest { durable, newest, first, older, checkpoint: Some(place) };
        if !next.fits() {
            return Err(CheckpointError::TooScattered);
        }
        let hold = self.keeper.hold()?;
        self.name(next)?;
        drop(hold);
        self.shared.counters.checkpointed(place.len);
        self.shared.retire(&dead);
        self.make_room_for_next()?;
        Ok(Published { bytes: place.len, segments: dead.len() })
    }

    fn finish(&mut self) -> std::io::Result<CheckpointPlace> {
        self.pages()?;
        let pages = self.pages.take().expect("it was made just now");
        let place = pages.finish(self.slot)?;
        self.keeper.disk.sync_dir()?;
        Ok(place)
    }

    /// Has the manifest name the checkpoint.
    fn name(&self, next: Manifest) -> Result<(), CheckpointError> {
        let written = self.keeper.kept().write(next);
        written.map_err(|failure| {
            tracing::error!(file = %failure.file, error = %failure.source, "cannot {} the manifest: the store takes nothing more; check the disk and restart", failure.action);
            self.shared.poison();
            CheckpointError::Poisoned
        })
    }

    /// A disk that is too full for the next checkpoint may have room again by then.
    fn make_room_for_next(&self) -> Result<(), CheckpointError> {
        match self.keeper.make_room() {
            Err(error) if !is_full(&error) => Err(self.failed(&error)),
            _ => Ok(()),
        }
    }

    fn pages(&mut self) -> std::io::Result<&mut PageWriter> {
        if self.pages.is_none() {
            let file = self.keeper.open_or_create(NAMES[self.slot])?;
            self.pages = Some(PageWriter::new(file, self.keeper.salt, self.lsn)?);
        }
        Ok(self.pages.as_mut().expect("it is there, or was made just now"))
    }

    /// Anything but a full disk is a disk that fails, and not to be trusted any more.
    fn failed(&self, error: &std::io::Error) -> CheckpointError {
        if is_full(error) {
            return CheckpointError::Full;
        }
        tracing::error!(%error, "cannot write a checkpoint: the store takes nothing more; check the disk and restart");
        self.shared.poison();
        CheckpointError::Poisoned
    }
}
