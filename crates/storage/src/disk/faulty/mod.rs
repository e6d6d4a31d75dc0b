//! A disk in memory that fails, tears and forgets on request.
//!
//! Every file has what a reader sees now, and what a power cut would leave: the synced image, and a
//! list of writes since (`image`); so has the directory (`names`). [`FaultyDisk::power_cut`] makes a
//! new disk of the synced images and of as much of those lists as [`PowerCut`] says.
//! [`FaultyDisk::kill`] makes a new disk that has everything. Which calls fail is a script (`faults`);
//! here are the disk itself and its switches, in `calls` what storage asks of it.
//!
//! Everything random is drawn from the seed, so that a failure can be had again.

mod calls;
mod faults;
mod image;
mod names;
mod random;

use std::{
    fmt, io,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
};

use self::{faults::Faults, image::Contents, names::Names, random::Random};
pub use self::{faults::Operation, image::PowerCut};

/// A disk in memory that fails on request. Clones are the same disk.
#[derive(Clone)]
pub struct FaultyDisk(Arc<Inner>);

struct Inner {
    world: Mutex<World>,
    /// Wakes syncs that are held.
    released: Condvar,
}

/// All that a disk is.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
struct World {
    names: Names,
    files: Vec<Contents>,
    faults: Faults,
    random: Random,
    locked: bool,
    /// How many copy it.
    copying: usize,
    /// Somebody changes its manifest.
    changing: bool,
    /// Writes that were made while nobody had the lock.
    unlocked_writes: u64,
    /// Nothing more can be allocated.
    full: bool,
    /// Syncs do nothing, and say that all is well.
    lying: bool,
    /// Reads and writes do a part of what they are asked.
    short: bool,
    /// The file whose syncs wait.
    held: Option<usize>,
    syncs_waiting: usize,
}

impl FaultyDisk {
    /// An empty disk without faults.
    pub fn new(seed: u64) -> Self {
        Self::with(Names::default(), Vec::new(), seed)
    }

    fn with(names: Names, files: Vec<Contents>, seed: u64) -> Self {
        let world = World {
            names,
            files,
            faults: Faults::default(),
            random: Random::new(seed),
            locked: false,
            copying: 0,
            changing: false,
            unlocked_writes: 0,
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
        self.world().faults.fail(operation, nth, kind);
    }

    /// Turns the power off at the `nth` call from now on that would change something (1 for the
    /// next): a write is still begun, and may be found torn; nothing works any more after it.
    pub fn power_off_at(&self, nth: u64) {
        self.world().faults.power_off_at(nth);
    }

    /// Whether the power is off.
    pub fn is_off(&self) -> bool {
        self.world().faults.is_off()
    }

    /// How many calls would have changed something so far.
    pub fn changes(&self) -> u64 {
        self.world().faults.changes()
    }

    /// How many calls of this kind there were.
    pub fn count(&self, operation: Operation) -> u64 {
        self.world().faults.count(operation)
    }

    /// How many writes were made while nobody had the lock.
    pub fn unlocked_writes(&self) -> u64 {
        self.world().unlocked_writes
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
        world.held = Some(world.file(name));
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
        world.files[world.file(name)].syncs()
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
        let mut random = Random::new(seed);
        let mut world = self.world();
        world.faults.power_off();
        let names = world.names.after(keep, &mut random);
        let files = world.files.iter().map(|file| file.after(keep, &mut random)).collect();
        Self::with(names, files, seed)
    }

    /// The disk after the process was killed, as a new one without faults: nothing is lost, nothing
    /// more is synced, and the lock is free. This one is off.
    #[must_use]
    pub fn kill(&self, seed: u64) -> Self {
        let mut world = self.world();
        world.faults.power_off();
        Self::with(world.names.clone(), world.files.clone(), seed)
    }

    /// A second disk with the same contents, all of it synced. This one goes on.
    #[must_use]
    pub fn copy(&self) -> Self {
        let world = self.world();
        let files = world.files.iter().map(|file| Contents::synced(file.live().to_vec())).collect();
        Self::with(world.names.synced(), files, world.random.seed())
    }

    /// Changes one bit of a file, on the disk and for every reader.
    ///
    /// # Panics
    ///
    /// If there is no such file, or it is shorter.
    pub fn flip_bit(&self, name: &str, bit: usize) {
        let mut world = self.world();
        let file = world.file(name);
        world.files[file].flip_bit(bit);
    }

    /// What a file holds.
    ///
    /// # Panics
    ///
    /// If there is no such file.
    pub fn contents(&self, name: &str) -> Vec<u8> {
        let world = self.world();
        world.files[world.file(name)].live().to_vec()
    }

    /// Replaces what a file holds, or makes it; all is synced at once.
    pub fn set_contents(&self, name: &str, bytes: Vec<u8>) {
        let mut world = self.world();
        let file = world.add(Contents::synced(bytes));
        world.names.add_synced(name, file);
    }

    /// The names of all files, sorted.
    pub fn names(&self) -> Vec<String> {
        self.world().names.list()
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.0.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl World {
    /// The file of this name, which the test knows to be there.
    fn file(&self, name: &str) -> usize {
        self.names.find(name).unwrap_or_else(|_| panic!("there is no file {name}"))
    }

    fn add(&mut self, contents: Contents) -> usize {
        self.files.push(contents);
        self.files.len() - 1
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
}

impl fmt::Debug for FaultyDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultyDisk").finish_non_exhaustive()
    }
}
