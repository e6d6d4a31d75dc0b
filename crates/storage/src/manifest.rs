//! The file `manifest`: what must be in the directory for the store to be whole.
//!
//! ```text
//! 0               8         12      16              24              32        36       40                48              56       60      64      68      72
//! ├─ magic ───────┼─ format ┼─ crc ─┼─ generation ──┼─ durable ─────┼─ newest ┼─ first ┼─ checkpoint LSN ┼─ its length ──┼─its crc┼─ file ┼─ runs ┼─ zero ┼─ run ─┼─ …
//! ```
//!
//! It has two halves of 64 KiB, which are written in turn, each a whole manifest: a crash while one
//! is written leaves the other. The one with the greater `generation` counts. Its space is taken
//! once, so that it can be written on a full disk too.
//!
//! `first` is the segment that replaying begins with, `newest` the last that was in use when this
//! was written (0: none); those after it are known by the seals of those before. `run`s (first
//! number, count) are the segments before `first` that still hold bodies. `durable` is a record that
//! the log must reach. The checkpoint is in the file `checkpoint-a` (1) or `checkpoint-b` (2).
//!
//! # Invariants
//!
//! - What a manifest names is durable before the manifest is; what it names no longer is given up
//!   only when the manifest is durable.

use std::sync::Arc;

use crate::{
    Disk, Lsn, OpenError,
    disk::DiskFile,
    epoch::{Epoch, SegmentNumber},
    log::Failure,
    record::{read_u32, read_u64},
    segment::FORMAT,
};

const NAME: &str = "manifest";
const MAGIC: [u8; 8] = *b"LongshMf";
const HEADER_BYTES: usize = 72;
const RUN_BYTES: usize = 8;
const HALF_BYTES: usize = 64 << 10;
const RUNS_MAX: usize = (HALF_BYTES - HEADER_BYTES) / RUN_BYTES;

/// Where a checkpoint is, and of which record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CheckpointPlace {
    /// Which of the two files: 0 or 1.
    pub(crate) slot: usize,
    /// The last record that it has the effects of.
    pub(crate) lsn: Lsn,
    pub(crate) len: u64,
    pub(crate) crc: u32,
}

/// What a whole store has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Manifest {
    /// The log reaches this record.
    pub(crate) durable: Lsn,
    /// The last segment that was in use.
    pub(crate) newest: Option<SegmentNumber>,
    /// The first segment to replay.
    pub(crate) first: SegmentNumber,
    /// The segments before it that hold bodies, in ascending order.
    pub(crate) older: Vec<SegmentNumber>,
    pub(crate) checkpoint: Option<CheckpointPlace>,
}

impl Manifest {
    /// That of a store without a record, and of one from before there were manifests.
    pub(crate) fn of_whole_log(newest: Option<SegmentNumber>, durable: Lsn) -> Self {
        let first = SegmentNumber::FIRST;
        Self { durable, newest, first, older: Vec::new(), checkpoint: None }
    }

    /// Whether it has room for all that it names.
    pub(crate) fn fits(&self) -> bool {
        runs(&self.older).len() <= RUNS_MAX
    }

    fn encode(&self, epoch: Epoch, generation: u64) -> Vec<u8> {
        let runs = runs(&self.older);
        let mut out = vec![0; HEADER_BYTES];
        out[..8].copy_from_slice(&MAGIC);
        out[8..12].copy_from_slice(&FORMAT.to_le_bytes());
        out[16..24].copy_from_slice(&generation.to_le_bytes());
        out[24..32].copy_from_slice(&self.durable.0.to_le_bytes());
        out[32..36].copy_from_slice(&self.newest.map_or(0, |newest| newest.0).to_le_bytes());
        out[36..40].copy_from_slice(&self.first.0.to_le_bytes());
        if let Some(place) = &self.checkpoint {
            out[40..48].copy_from_slice(&place.lsn.0.to_le_bytes());
            out[48..56].copy_from_slice(&place.len.to_le_bytes());
            out[56..60].copy_from_slice(&place.crc.to_le_bytes());
            out[60] = if place.slot == 0 { 1 } else { 2 };
        }
        let count = u32::try_from(runs.len()).expect("there is room for few runs only");
        out[64..68].copy_from_slice(&count.to_le_bytes());
        for (first, count) in runs {
            out.extend_from_slice(&first.0.to_le_bytes());
            out.extend_from_slice(&count.to_le_bytes());
        }
        let crc = checksum(epoch, &out);
        out[12..16].copy_from_slice(&crc.to_le_bytes());
        out
    }

    /// The manifest in a half, with its generation.
    fn decode(epoch: Epoch, half: &[u8]) -> Option<(u64, Self)> {
        let count = read_u32(half, 64)? as usize;
        let len = HEADER_BYTES.checked_add(count.checked_mul(RUN_BYTES)?)?;
        let half = half.get(..len).filter(|half| half[..8] == MAGIC)?;
        if read_u32(half, 12)? != checksum(epoch, half) {
            return None;
        }
        let newest = SegmentNumber(read_u32(half, 32)?);
        let older = half[HEADER_BYTES..].chunks_exact(RUN_BYTES).flat_map(numbers_of).collect();
        let manifest = Self {
            durable: Lsn(read_u64(half, 24)?),
            newest: (newest.0 > 0).then_some(newest),
            first: SegmentNumber(read_u32(half, 36)?),
            older,
            checkpoint: checkpoint(half),
        };
        Some((read_u64(half, 16)?, manifest))
    }
}

fn checkpoint(half: &[u8]) -> Option<CheckpointPlace> {
    let slot = usize::from(*half.get(60)?).checked_sub(1)?;
    let lsn = Lsn(read_u64(half, 40)?);
    Some(CheckpointPlace { slot, lsn, len: read_u64(half, 48)?, crc: read_u32(half, 56)? })
}

fn checksum(epoch: Epoch, half: &[u8]) -> u32 {
    epoch.checksum(&[&half[..12], &half[16..]])
}

/// Numbers that follow each other, as the first and how many there are.
fn runs(numbers: &[SegmentNumber]) -> Vec<(SegmentNumber, u32)> {
    let mut runs: Vec<(SegmentNumber, u32)> = Vec::new();
    for number in numbers {
        match runs.last_mut() {
            Some((first, count)) if first.0 + *count == number.0 => *count += 1,
            _ => runs.push((*number, 1)),
        }
    }
    runs
}

fn numbers_of(run: &[u8]) -> impl Iterator<Item = SegmentNumber> + use<> {
    let (first, count) = (read_u32(run, 0).unwrap_or(0), read_u32(run, 4).unwrap_or(0));
    (first..first.saturating_add(count)).map(SegmentNumber)
}

/// The manifest of an open store.
#[derive(Debug)]
pub(crate) struct ManifestFile {
    file: Arc<dyn DiskFile>,
    path: Arc<str>,
    epoch: Epoch,
    generation: u64,
    current: Manifest,
    /// The other half does not check: a crash has torn it, or it has rotted.
    pub(crate) is_half: bool,
}

impl ManifestFile {
    /// Makes the file anew. The name of the store's first one is made durable here.
    pub(crate) fn create(
        disk: &dyn Disk,
        names: &[String],
        salt: u64,
        manifest: Manifest,
    ) -> Result<Self, OpenError> {
        let path = disk.describe(NAME);
        let failed = |action| OpenError::io(action, path.clone());
        if names.iter().any(|name| name == NAME) {
            disk.remove(NAME).map_err(failed("remove the unfinished"))?;
        }
        let file = disk.create(NAME).map_err(failed("create"))?;
        file.allocate(2 * HALF_BYTES as u64).map_err(failed("make room for"))?;
        file.write_all_at(&vec![0; 2 * HALF_BYTES], 0).map_err(failed("write"))?;
        let epoch = epoch(salt);
        let path: Arc<str> = path.as_str().into();
        let current = manifest.clone();
        let mut made = Self { file, path, epoch, generation: 0, current, is_half: false };
        made.write(manifest).map_err(Failure::into_open_error)?;
        disk.sync_dir().map_err(OpenError::io("sync the directory of", disk.describe(NAME)))?;
        Ok(made)
    }

    /// Reads the file, which must be there.
    pub(crate) fn open(disk: &dyn Disk, names: &[String], salt: u64) -> Result<Self, OpenError> {
        let path = disk.describe(NAME);
        if !names.iter().any(|name| name == NAME) {
            return Err(OpenError::Missing { file: path });
        }
        let file = disk.open(NAME).map_err(OpenError::io("open", &path))?;
        let mut bytes = vec![0; 2 * HALF_BYTES];
        file.read_full_at(&mut bytes, 0).map_err(OpenError::io("read", &path))?;
        let epoch = epoch(salt);
        let halves = bytes.chunks(HALF_BYTES).map(|half| Manifest::decode(epoch, half));
        let whole: Vec<_> = halves.flatten().collect();
        let is_half = whole.len() == 1 && whole[0].0 > 1;
        let newest = whole.into_iter().max_by_key(|(generation, _)| *generation);
        let Some((generation, current)) = newest else {
            let reason = "neither half has a right checksum".to_owned();
            return Err(OpenError::Damaged { file: path, offset: 0, reason });
        };
        Ok(Self { file, path: path.into(), epoch, generation, current, is_half })
    }

    pub(crate) const fn current(&self) -> &Manifest {
        &self.current
    }

    /// Puts `next` in the place of the current manifest, durably.
    pub(crate) fn write(&mut self, next: Manifest) -> Result<(), Failure> {
        let generation = self.generation + 1;
        self.put(generation, &next)?;
        (self.generation, self.current) = (generation, next);
        Ok(())
    }

    /// Makes durable what was read: a kill, or a sync that failed, may have left it in the kernel's memory
    /// alone. The next one goes over the other half.
    pub(crate) fn secure(&self) -> Result<(), Failure> {
        self.put(self.generation, &self.current)
    }

    fn put(&self, generation: u64, manifest: &Manifest) -> Result<(), Failure> {
        let offset = (generation % 2) * HALF_BYTES as u64;
        let bytes = manifest.encode(self.epoch, generation);
        let failure = |action| {
            let file = Arc::clone(&self.path);
            move |source| Failure { action, file, source }
        };
        self.file.write_all_at(&bytes, offset).map_err(failure("write"))?;
        self.file.sync_data().map_err(failure("sync"))
    }

    /// Explains an error by the half that is gone, if it names something that is not there: then the
    /// manifest may be older than the directory.
    pub(crate) fn explain(&self, error: OpenError) -> OpenError {
        if !self.is_half || !matches!(error, OpenError::Missing { .. }) {
            return error;
        }
        let offset = ((self.generation + 1) % 2) * HALF_BYTES as u64;
        let reason = format!("one half of it is not readable, and by the other {error}");
        OpenError::Damaged { file: self.path.to_string(), offset, reason }
    }
}

/// No segment has the number 0.
fn epoch(salt: u64) -> Epoch {
    Epoch::new(salt, SegmentNumber(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Manifest {
        Manifest {
            durable: Lsn(900),
            newest: Some(SegmentNumber(12)),
            first: SegmentNumber(9),
            older: [2, 3, 4, 7].map(SegmentNumber).to_vec(),
            checkpoint: Some(CheckpointPlace { slot: 1, lsn: Lsn(800), len: 77, crc: 5 }),
        }
    }

    #[test]
    fn a_manifest_comes_back_as_it_was_and_any_changed_bit_is_noticed() {
        let mut bytes = sample().encode(epoch(3), 8);
        assert_eq!(Manifest::decode(epoch(3), &bytes), Some((8, sample())));
        assert_eq!(Manifest::decode(epoch(4), &bytes), None, "that of another store");
        for bit in 0..bytes.len() * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Manifest::decode(epoch(3), &bytes), None, "bit {bit}");
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
    }

    #[test]
    fn a_manifest_has_room_for_many_runs_and_says_when_there_are_more() {
        let every_other = |count: usize| (0..).map(|i| SegmentNumber(2 * i + 1)).take(count);
        let full = Manifest { older: every_other(RUNS_MAX).collect(), ..sample() };
        assert!(full.fits() && full.encode(epoch(3), 1).len() <= HALF_BYTES);
        assert!(!Manifest { older: every_other(RUNS_MAX + 1).collect(), ..full }.fits());
    }
}
