//! The machine's disk: the faulty disk of the store's own tests, with somebody who may act within any of its calls, and
//! the lies of a mutant.
//!
//! ```text
//! store ─► call ─► something else happens meanwhile? ─► lie? ─► FaultyDisk: fails, tears, forgets, is full
//! ```

use std::fmt;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use longshore_broker::simulated::disk::{Disk, DiskFile, DiskLock, FaultyDisk};

use crate::mutant::Mutant;

/// What a call is made on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    Segment,
    Manifest,
    Checkpoint,
    Other,
    Directory,
}

/// What happens within calls.
pub(crate) type Meanwhile = Box<dyn Fn() + Send>;

/// Who stands around a disk, whichever it is after a crash.
#[derive(Clone, Default)]
pub(crate) struct Around(Arc<Surroundings>);

#[derive(Default)]
struct Surroundings {
    mutant: Mutex<Mutant>,
    meanwhile: Mutex<Option<Meanwhile>>,
    /// Something happens meanwhile: within its own calls nothing does.
    inside: AtomicBool,
    /// What the last call that changes something was made on.
    last: Mutex<Option<Part>>,
}

impl Around {
    pub(crate) fn new(mutant: Mutant) -> Self {
        let around = Self::default();
        *lock(&around.0.mutant) = mutant;
        around
    }

    /// Has this happen within calls from now on, or nothing.
    pub(crate) fn set_meanwhile(&self, meanwhile: Option<Meanwhile>) {
        *lock(&self.0.meanwhile) = meanwhile;
    }

    /// What the last call was made on that changes something.
    pub(crate) fn last(&self) -> Option<Part> {
        *lock(&self.0.last)
    }

    fn mutant(&self) -> Mutant {
        *lock(&self.0.mutant)
    }

    /// A call is made on this part.
    fn call(&self, part: Part) {
        *lock(&self.0.last) = Some(part);
        if self.0.inside.swap(true, Relaxed) {
            return;
        }
        // Nobody changes who acts from within an act.
        if let Some(meanwhile) = &*lock(&self.0.meanwhile) {
            meanwhile();
        }
        self.0.inside.store(false, Relaxed);
        *lock(&self.0.last) = Some(part);
    }

    /// Whether a sync of this part is left out.
    fn lies(&self, part: Part) -> bool {
        let mutant = self.mutant();
        [
            (Mutant::AnswersBeforeTheSync, Part::Segment),
            (Mutant::SkipsDirectorySyncs, Part::Directory),
            (Mutant::NamesCheckpointsEarly, Part::Checkpoint),
            (Mutant::ReusesSegmentsEarly, Part::Manifest),
        ]
        .contains(&(mutant, part))
    }
}

impl fmt::Debug for Around {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Around").finish_non_exhaustive()
    }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A disk, and who stands around it.
#[derive(Clone, Debug)]
pub(crate) struct SimulatedDisk {
    pub(crate) inner: FaultyDisk,
    around: Around,
}

impl SimulatedDisk {
    pub(crate) fn new(inner: FaultyDisk, around: Around) -> Self {
        Self { inner, around }
    }

    fn file(&self, name: &str, inner: Arc<dyn DiskFile>) -> Arc<dyn DiskFile> {
        Arc::new(SimulatedFile { inner, part: part_of(name), around: self.around.clone() })
    }
}

/// Which part of a store a file of this name is.
fn part_of(name: &str) -> Part {
    match name {
        "manifest" => Part::Manifest,
        _ if name.starts_with("segment-") => Part::Segment,
        _ if name.starts_with("checkpoint-") => Part::Checkpoint,
        _ => Part::Other,
    }
}

impl Disk for SimulatedDisk {
    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        self.around.call(part_of(name));
        Ok(self.file(name, self.inner.create(name)?))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        Ok(self.file(name, self.inner.open(name)?))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.around.call(part_of(to));
        self.inner.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.around.call(part_of(name));
        self.inner.remove(name)
    }

    fn list(&self) -> io::Result<Vec<String>> {
        self.inner.list()
    }

    fn sync_dir(&self) -> io::Result<()> {
        self.around.call(Part::Directory);
        if self.around.lies(Part::Directory) { Ok(()) } else { self.inner.sync_dir() }
    }

    fn lock(&self) -> io::Result<Box<dyn DiskLock>> {
        self.inner.lock()
    }

    fn random(&self) -> io::Result<u64> {
        self.inner.random()
    }

    fn describe(&self, name: &str) -> String {
        self.inner.describe(name)
    }
}

#[derive(Debug)]
struct SimulatedFile {
    inner: Arc<dyn DiskFile>,
    part: Part,
    around: Around,
}

impl DiskFile for SimulatedFile {
    fn len(&self) -> io::Result<u64> {
        self.inner.len()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.inner.read_at(buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.around.call(self.part);
        self.inner.write_at(bytes, offset)
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        self.around.call(self.part);
        self.inner.allocate(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.around.call(self.part);
        if self.around.lies(self.part) {
            return Ok(());
        }
        let synced = self.inner.sync_data();
        if synced.is_err() && self.around.mutant() == Mutant::RetriesSyncs {
            return self.inner.sync_data();
        }
        synced
    }
}
