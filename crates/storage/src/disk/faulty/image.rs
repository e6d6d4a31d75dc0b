//! One file twice: what a reader sees now, and what the disk is sure to have.
//!
//! A change goes to the live image at once, and into a list; a sync carries the list over to the
//! durable image. A power cut leaves the durable image and as much of the list as [`PowerCut`] says.
//!
//! A sync that fails empties the list all the same, as Linux does: the pages count as clean, readers
//! go on seeing what was written, and no later sync brings it to the disk.
//!
//! # Invariants
//!
//! - Until a sync fails, the live image is the durable one with all of the list applied, in order.

use super::random::Random;

/// What a torn write is torn into.
const SECTOR_BYTES: usize = 512;

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

impl PowerCut {
    /// Whether the next change that cannot be torn is kept.
    pub(super) fn keeps(self, random: &mut Random) -> bool {
        match self {
            Self::Nothing => false,
            Self::Everything => true,
            Self::SomeWrites | Self::TornWrites => random.coin(),
        }
    }
}

/// The two images of a file, and what lies between them.
#[derive(Debug, Clone, Default)]
pub(super) struct Contents {
    live: Vec<u8>,
    durable: Vec<u8>,
    unsynced: Vec<Change>,
    syncs: u64,
}

/// What can be done to a file.
#[derive(Debug, Clone)]
pub(super) enum Change {
    /// Bytes at an offset.
    Write(usize, Vec<u8>),
    /// At least this size; what is new reads as zeros.
    Grow(usize),
}

impl Contents {
    /// A file that is on the disk as it stands.
    pub(super) fn synced(bytes: Vec<u8>) -> Self {
        Self { live: bytes.clone(), durable: bytes, unsynced: Vec::new(), syncs: 0 }
    }

    /// What a reader sees.
    pub(super) fn live(&self) -> &[u8] {
        &self.live
    }

    /// How often it was synced, by disks that lie about it too.
    pub(super) fn syncs(&self) -> u64 {
        self.syncs
    }

    pub(super) fn change(&mut self, change: Change) {
        change.apply(&mut self.live);
        self.unsynced.push(change);
    }

    /// Counts a sync, and does it unless the disk is `lying`.
    pub(super) fn sync(&mut self, lying: bool) {
        self.syncs += 1;
        if lying {
            return;
        }
        for change in self.unsynced.drain(..) {
            change.apply(&mut self.durable);
        }
    }

    /// Forgets what a failed sync should have brought to the disk.
    pub(super) fn fail_sync(&mut self) {
        self.unsynced.clear();
    }

    /// Changes one bit of both images: the disk rots.
    pub(super) fn flip_bit(&mut self, bit: usize) {
        self.live[bit / 8] ^= 1 << (bit % 8);
        self.durable[bit / 8] ^= 1 << (bit % 8);
    }

    /// The file after a power cut.
    pub(super) fn after(&self, cut: PowerCut, random: &mut Random) -> Self {
        let mut bytes = self.durable.clone();
        for change in &self.unsynced {
            match change {
                Change::Write(offset, written) if cut == PowerCut::TornWrites => {
                    tear(*offset, written, &mut bytes, random);
                }
                _ if cut.keeps(random) => change.apply(&mut bytes),
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
