//! A disk in memory that fails, tears and forgets on request.
//!
//! Every file has what a reader sees now, and what a power cut would leave: the synced image, and a
//! list of writes since. [`FaultyDisk::power_cut`] makes a new disk of the synced image and of as
//! much of that list as [`PowerCut`] says; creations, renames and removals that were not synced are
//! kept or dropped likewise. [`FaultyDisk::kill`] makes a new disk that has everything.
//!
//! Everything random is drawn from the seed, so that a failure can be had again.

use std::{
    collections::BTreeMap,
    fmt, io,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
};

use super::{Disk, DiskFile, DiskLock};

/// What a torn write is torn into.
const SECTOR_BYTES: usize = 512;

/// A kind of call, to count it or to make one of them fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// Reading from a file.
    Read,
    /// Writing to a file.
    Write,
    /// Syncing a file.
    Sync,
    /// Syncing the directory.
    SyncDir,
    /// Taking space.
    Allocate,
    /// Creating, renaming or removing a file.
    Name,
}

/// What a power cut leaves of what was not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PowerCut {
    /// Nothing.
    Nothing,
    /// All of it.
    Everything,
    /// Some of the writes, each whole.
    SomeWrites,
    /// Some of the sectors of some of the writes.
    TornWrites,
}

/// A disk in memory that fails on request. Clones are the same disk.
#[derive(Clone)]
pub struct FaultyDisk(Arc<Inner>);

struct Inner {
    world: Mutex<World>,
    /// Wakes syncs that are held.
    released: Condvar,
}

#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
struct World {
    names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    name_changes: Vec<NameChange>,
    files: Vec<Contents>,
    random: Random,
    locked: bool,
    counts: BTreeMap<Operation, u64>,
    failures: Vec<(Operation, u64, io::ErrorKind)>,
    changes: u64,
    power_off_at: Option<u64>,
    off: bool,
    full: bool,
    lying: bool,
    short: bool,
    held: Option<usize>,
    syncs_waiting: usize,
}

#[derive(Debug, Clone)]
enum NameChange {
    Add(String, usize),
    Remove(String),
}

#[derive(Debug, Clone, Default)]
struct Contents {
    live: Vec<u8>,
    durable: Vec<u8>,
    unsynced: Vec<Change>,
    syncs: u64,
}

#[derive(Debug, Clone)]
enum Change {
    Write(usize, Vec<u8>),
    Grow(usize),
}

/// `SplitMix64`: enough to draw faults with, and the same everywhere.
#[derive(Debug, Clone)]
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn coin(&mut self) -> bool {
        self.next() & 1 == 1
    }
}

impl FaultyDisk {
    /// An empty disk without faults.
    pub fn new(seed: u64) -> Self {
        Self::with(BTreeMap::new(), Vec::new(), seed)
    }

    fn with(names: BTreeMap<String, usize>, files: Vec<Contents>, seed: u64) -> Self {
        let world = World {
            durable_names: names.clone(),
            names,
            name_changes: Vec::new(),
            files,
            random: Random(seed),
            locked: false,
            counts: BTreeMap::new(),
            failures: Vec::new(),
            changes: 0,
            power_off_at: None,
            off: false,
            full: false,
            lying: false,
            short: false,
            held: None,
            syncs_waiting: 0,
        };
        Self(Arc::new(Inner { world: Mutex::new(world), released: Condvar::new() }))
    }

    /// Makes the `nth` call of this kind from now on fail (1 for the next), once.
    pub fn fail(&self, operation: Operation, nth: u64, kind: io::ErrorKind) {
        let mut world = self.world();
        let at = world.count(operation) + nth;
        world.failures.push((operation, at, kind));
    }

    /// Turns the power off at the `nth` call from now on that would change something (1 for the
    /// next): a write is still begun, and may be found torn; nothing works any more after it.
    pub fn power_off_at(&self, nth: u64) {
        let mut world = self.world();
        world.power_off_at = Some(world.changes + nth);
    }

    /// Whether the power is off.
    pub fn is_off(&self) -> bool {
        self.world().off
    }

    /// How many calls would have changed something so far.
    pub fn changes(&self) -> u64 {
        self.world().changes
    }

    /// How many calls of this kind there were.
    pub fn count(&self, operation: Operation) -> u64 {
        self.world().count(operation)
    }

    /// Makes the disk full, or gives it space again. What is allocated can still be written.
    pub fn set_full(&self, full: bool) {
        self.world().full = full;
    }

    /// Makes every sync do nothing, and say that all is well.
    pub fn set_lying(&self, lying: bool) {
        self.world().lying = lying;
    }

    /// Makes reads and writes do only a part of what they are asked, and be interrupted.
    pub fn set_short(&self, short: bool) {
        self.world().short = short;
    }

    /// Makes syncs of one file wait until they are released.
    ///
    /// # Panics
    ///
    /// If there is no such file.
    pub fn hold_syncs(&self, name: &str) {
        let mut world = self.world();
        world.held = Some(world.names[name]);
    }

    /// Lets all syncs go on.
    pub fn release_syncs(&self) {
        self.world().held = None;
        self.0.released.notify_all();
    }

    /// How often one file was synced.
    ///
    /// # Panics
    ///
    /// If there is no such file.
    pub fn syncs_of(&self, name: &str) -> u64 {
        let world = self.world();
        world.files[world.names[name]].syncs
    }

    /// Waits until a sync is being held.
    pub fn wait_for_held_sync(&self) {
        let mut world = self.world();
        while world.syncs_waiting == 0 {
            world = self.0.released.wait(world).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The disk after a power cut, as a new one without faults. This one stays off.
    #[must_use]
    pub fn power_cut(&self, keep: PowerCut, seed: u64) -> Self {
        let mut random = Random(seed);
        let mut world = self.world();
        world.off = true;
        let names = world.names_after(keep, &mut random);
        let files = world.files.iter().map(|file| file.after(keep, &mut random)).collect();
        Self::with(names, files, seed)
    }

    /// The disk after the process was killed, as a new one without faults: nothing is lost, nothing
    /// more is synced, and the lock is free. This one is off.
    #[must_use]
    pub fn kill(&self, seed: u64) -> Self {
        let mut world = self.world();
        world.off = true;
        let killed = Self::with(world.names.clone(), world.files.clone(), seed);
        {
            let mut left = killed.world();
            left.durable_names = world.durable_names.clone();
            left.name_changes.clone_from(&world.name_changes);
        }
        killed
    }

    /// A second disk with the same contents, all of it synced. This one goes on.
    #[must_use]
    pub fn copy(&self) -> Self {
        let world = self.world();
        let files = world.files.iter().map(|file| Contents::synced(file.live.clone())).collect();
        Self::with(world.names.clone(), files, world.random.0)
    }

    /// Changes one bit of a file, on the disk and for every reader.
    ///
    /// # Panics
    ///
    /// If there is no such file, or it is shorter.
    pub fn flip_bit(&self, name: &str, bit: usize) {
        let mut world = self.world();
        let file = world.names[name];
        let file = &mut world.files[file];
        file.live[bit / 8] ^= 1 << (bit % 8);
        file.durable[bit / 8] ^= 1 << (bit % 8);
    }

    /// What a file holds.
    ///
    /// # Panics
    ///
    /// If there is no such file.
    pub fn contents(&self, name: &str) -> Vec<u8> {
        let world = self.world();
        world.files[world.names[name]].live.clone()
    }

    /// Replaces what a file holds, or makes it; all is synced at once.
    pub fn set_contents(&self, name: &str, bytes: Vec<u8>) {
        let mut world = self.world();
        world.files.push(Contents::synced(bytes));
        let file = world.files.len() - 1;
        world.names.insert(name.to_owned(), file);
        world.durable_names.insert(name.to_owned(), file);
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.0.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets a sync wait while syncs are held.
    fn wait_while_held<'a>(
        &self,
        mut world: MutexGuard<'a, World>,
        file: usize,
    ) -> MutexGuard<'a, World> {
        while world.held == Some(file) {
            world.syncs_waiting += 1;
            self.0.released.notify_all();
            world = self.0.released.wait(world).unwrap_or_else(PoisonError::into_inner);
            world.syncs_waiting -= 1;
        }
        world
    }
}

impl World {
    fn count(&self, operation: Operation) -> u64 {
        self.counts.get(&operation).copied().unwrap_or(0)
    }

    /// Counts a call, and fails it if that was asked for.
    fn call(&mut self, operation: Operation) -> io::Result<()> {
        if self.off {
            return Err(io::Error::other("the power is off"));
        }
        *self.counts.entry(operation).or_default() += 1;
        let count = self.count(operation);
        let asked = |(o, at, _): &&(Operation, u64, io::ErrorKind)| *o == operation && *at == count;
        match self.failures.iter().find(asked) {
            Some((_, _, kind)) => Err((*kind).into()),
            None => Ok(()),
        }
    }

    /// Counts a call that changes something, and turns the power off if it was to be the last.
    fn change(&mut self, operation: Operation) -> io::Result<()> {
        self.call(operation)?;
        self.changes += 1;
        self.off = self.power_off_at.is_some_and(|at| self.changes >= at);
        if self.off && operation != Operation::Write {
            return Err(io::Error::other("the power went off"));
        }
        Ok(())
    }

    /// How much of a read or write of `len` bytes is done at once.
    fn share(&mut self, len: usize) -> io::Result<usize> {
        if !self.short || len == 0 {
            return Ok(len);
        }
        if self.random.next().is_multiple_of(4) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let len = len as u64;
        Ok(usize::try_from(1 + self.random.next() % len).unwrap_or(1))
    }

    fn rename(&mut self, change: NameChange) {
        change.apply(&mut self.names);
        self.name_changes.push(change);
    }

    fn find(&self, name: &str) -> io::Result<usize> {
        self.names.get(name).copied().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn names_after(&self, keep: PowerCut, random: &mut Random) -> BTreeMap<String, usize> {
        let mut names = self.durable_names.clone();
        for change in &self.name_changes {
            if keep.keeps(random) {
                change.apply(&mut names);
            }
        }
        names
    }
}

impl PowerCut {
    fn keeps(self, random: &mut Random) -> bool {
        match self {
            Self::Nothing => false,
            Self::Everything => true,
            Self::SomeWrites | Self::TornWrites => random.coin(),
        }
    }
}

impl NameChange {
    fn apply(&self, names: &mut BTreeMap<String, usize>) {
        match self {
            Self::Add(name, file) => {
                names.retain(|_, other| other != file);
                names.insert(name.clone(), *file);
            }
            Self::Remove(name) => {
                names.remove(name);
            }
        }
    }
}

impl Contents {
    fn synced(bytes: Vec<u8>) -> Self {
        Self { live: bytes.clone(), durable: bytes, unsynced: Vec::new(), syncs: 0 }
    }

    fn change(&mut self, change: Change) {
        change.apply(&mut self.live);
        self.unsynced.push(change);
    }

    fn sync(&mut self) {
        for change in self.unsynced.drain(..) {
            change.apply(&mut self.durable);
        }
    }

    fn after(&self, keep: PowerCut, random: &mut Random) -> Self {
        let mut bytes = self.durable.clone();
        for change in &self.unsynced {
            match change {
                Change::Write(offset, written) if keep == PowerCut::TornWrites => {
                    tear(*offset, written, &mut bytes, random);
                }
                _ if keep.keeps(random) => change.apply(&mut bytes),
                Change::Write(..) | Change::Grow(_) => {}
            }
        }
        Self::synced(bytes)
    }
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Write(offset, written) => {
                let end = offset + written.len();
                bytes.resize(bytes.len().max(end), 0);
                bytes[*offset..end].copy_from_slice(written);
            }
            Self::Grow(len) => bytes.resize(bytes.len().max(*len), 0),
        }
    }
}

/// Applies those sectors of a write that luck decides for.
fn tear(offset: usize, written: &[u8], bytes: &mut Vec<u8>, random: &mut Random) {
    let mut at = 0;
    while at < written.len() {
        let sector_end = (offset + at + 1).next_multiple_of(SECTOR_BYTES);
        let end = written.len().min(sector_end - offset);
        if random.coin() {
            Change::Write(offset + at, written[at..end].to_vec()).apply(bytes);
        }
        at = end;
    }
}

impl Disk for FaultyDisk {
    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let mut world = self.world();
        if world.names.contains_key(name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        world.change(Operation::Name)?;
        world.files.push(Contents::default());
        let file = world.files.len() - 1;
        world.rename(NameChange::Add(name.to_owned(), file));
        Ok(Arc::new(FaultyFile { disk: self.clone(), file }))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let file = self.world().find(name)?;
        Ok(Arc::new(FaultyFile { disk: self.clone(), file }))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut world = self.world();
        let file = world.find(from)?;
        world.change(Operation::Name)?;
        world.rename(NameChange::Add(to.to_owned(), file));
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut world = self.world();
        world.find(name)?;
        world.change(Operation::Name)?;
        world.rename(NameChange::Remove(name.to_owned()));
        Ok(())
    }

    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.world().names.keys().cloned().collect())
    }

    fn sync_dir(&self) -> io::Result<()> {
        let mut world = self.world();
        world.change(Operation::SyncDir)?;
        if !world.lying {
            world.durable_names = world.names.clone();
            world.name_changes.clear();
        }
        Ok(())
    }

    fn lock(&self) -> io::Result<Box<dyn DiskLock>> {
        let mut world = self.world();
        if std::mem::replace(&mut world.locked, true) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(Box::new(FaultyLock(self.clone())))
    }

    fn random(&self) -> io::Result<u64> {
        Ok(self.world().random.next())
    }

    fn describe(&self, name: &str) -> String {
        format!("faulty:/{name}")
    }
}

impl fmt::Debug for FaultyDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultyDisk").finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct FaultyLock(FaultyDisk);

impl DiskLock for FaultyLock {}

impl Drop for FaultyLock {
    fn drop(&mut self) {
        self.0.world().locked = false;
    }
}

#[derive(Debug)]
struct FaultyFile {
    disk: FaultyDisk,
    file: usize,
}

impl DiskFile for FaultyFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.disk.world().files[self.file].live.len() as u64)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut world = self.disk.world();
        world.call(Operation::Read)?;
        let offset = place(offset);
        let len = world.files[self.file].live.len().saturating_sub(offset).min(buffer.len());
        let len = world.share(len)?;
        buffer[..len].copy_from_slice(&world.files[self.file].live[offset..][..len]);
        Ok(len)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let mut world = self.disk.world();
        let len = world.share(bytes.len())?;
        world.change(Operation::Write)?;
        let write = Change::Write(place(offset), bytes[..len].to_vec());
        world.files[self.file].change(write);
        if world.off { Err(io::Error::other("the power went off")) } else { Ok(len) }
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        let mut world = self.disk.world();
        let len = place(len);
        if world.full && world.files[self.file].live.len() < len {
            return Err(io::ErrorKind::StorageFull.into());
        }
        world.change(Operation::Allocate)?;
        world.files[self.file].change(Change::Grow(len));
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut world = self.disk.wait_while_held(self.disk.world(), self.file);
        world.change(Operation::Sync)?;
        world.files[self.file].syncs += 1;
        if !world.lying {
            world.files[self.file].sync();
        }
        Ok(())
    }
}

fn place(offset: u64) -> usize {
    usize::try_from(offset).expect("a disk in memory is smaller than memory")
}
