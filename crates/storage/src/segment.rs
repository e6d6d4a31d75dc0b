//! One segment: a file of a fixed size that begins with a header and holds batches.
//!
//! ```text
//! 0               8         12      16              24        28      32              40           48      64
//! ├─ magic ───────┼─ format ┼─ crc ─┼─ salt ────────┼─ number ┼─ prev ┼─ first_lsn ───┼─ capacity ─┼─ zeros ┼─ batch ─┼─ batch ─┼─ zeros …
//! ```
//!
//! `crc` covers the epoch and everything else of the header. `prev` and `first_lsn` tie the segment
//! to the one before it. `capacity` is the size of the file: a shorter one has lost its end. Until the
//! header is written, and synced, the file is a spare, all zeros. Only then the segment before is
//! *sealed* by its last batch, and only after that the first batch is written.
//!
//! # Invariants
//!
//! - A segment is synced before the first write to its successor: a torn tail is only ever in the
//!   last segment that has a header, or in the one right after it.
//! - A sealed segment has a successor with a header, and one with a successor that holds records is
//!   sealed (since format 2): a successor that was zeroed or removed is missed.

use std::{ops::Range, sync::Arc};

use crate::{
    Lsn, OpenError,
    batch::Position,
    disk::DiskFile,
    epoch::{Epoch, SegmentNumber},
    record::{read_u32, read_u64},
};

/// Bytes before the first batch.
pub(crate) const SEGMENT_HEADER_BYTES: usize = 64;
/// The latest format.
pub(crate) const FORMAT: u32 = 2;
/// The first one whose segments are sealed, and whose stores have a manifest.
pub(crate) const FORMAT_SEALED: u32 = 2;

const MAGIC: [u8; 8] = *b"LongshSg";

/// A segment's file, open.
#[derive(Debug, Clone)]
pub(crate) struct SegmentFile {
    pub(crate) number: SegmentNumber,
    pub(crate) file: Arc<dyn DiskFile>,
    pub(crate) epoch: Epoch,
    /// The path, for messages.
    pub(crate) path: Arc<str>,
}

impl SegmentFile {
    /// All of its bytes.
    pub(crate) fn load(&self) -> Result<Vec<u8>, OpenError> {
        self.load_range(0..self.len()?)
    }

    /// The bytes of a range, or as many as there are.
    pub(crate) fn load_range(&self, range: Range<u64>) -> Result<Vec<u8>, OpenError> {
        let mut bytes = vec![0; usize::try_from(range.end - range.start).unwrap_or(usize::MAX)];
        let read = self.file.read_full_at(&mut bytes, range.start);
        let read = read.map_err(OpenError::io("read", &*self.path))?;
        bytes.truncate(read);
        Ok(bytes)
    }

    pub(crate) fn len(&self) -> Result<u64, OpenError> {
        self.file.len().map_err(OpenError::io("look at", &*self.path))
    }

    /// The header, if the segment has been written to.
    pub(crate) fn header(&self) -> Result<Option<SegmentHeader>, OpenError> {
        let bytes = self.load_range(0..SEGMENT_HEADER_BYTES as u64)?;
        SegmentHeader::decode(self, &bytes)
    }
}

/// What a segment says about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
    pub(crate) format: u32,
    pub(crate) salt: u64,
    pub(crate) number: SegmentNumber,
    pub(crate) start: Position,
    /// The size that the file was made with.
    pub(crate) capacity: u64,
}

impl SegmentHeader {
    pub(crate) fn encode(&self, epoch: Epoch) -> [u8; SEGMENT_HEADER_BYTES] {
        let mut out = [0; SEGMENT_HEADER_BYTES];
        out[..8].copy_from_slice(&MAGIC);
        out[8..12].copy_from_slice(&self.format.to_le_bytes());
        out[16..24].copy_from_slice(&self.salt.to_le_bytes());
        out[24..28].copy_from_slice(&self.number.0.to_le_bytes());
        out[28..32].copy_from_slice(&self.start.prev.to_le_bytes());
        out[32..40].copy_from_slice(&self.start.next.0.to_le_bytes());
        out[40..48].copy_from_slice(&self.capacity.to_le_bytes());
        let crc = epoch.checksum(&[&out[..12], &out[16..]]);
        out[12..16].copy_from_slice(&crc.to_le_bytes());
        out
    }

    /// The header in `bytes`, if it is one of this segment's present life.
    fn decode(segment: &SegmentFile, bytes: &[u8]) -> Result<Option<Self>, OpenError> {
        let Some(header) = Self::fields(segment.epoch, bytes) else { return Ok(None) };
        let format = header.format;
        if format > FORMAT {
            let file = segment.path.to_string();
            return Err(OpenError::NewerFormat { file, found: format, known: FORMAT });
        }
        Ok((header.number == segment.number).then_some(header))
    }

    /// The salt in the header of any segment of a store, if `bytes` are one.
    pub(crate) fn salt_in(bytes: &[u8]) -> Option<u64> {
        let (salt, number) = (read_u64(bytes, 16)?, SegmentNumber(read_u32(bytes, 24)?));
        Self::fields(Epoch::new(salt, number), bytes).map(|header| header.salt)
    }

    fn fields(epoch: Epoch, bytes: &[u8]) -> Option<Self> {
        let bytes = bytes.get(..SEGMENT_HEADER_BYTES).filter(|bytes| bytes[..8] == MAGIC)?;
        if read_u32(bytes, 12)? != epoch.checksum(&[&bytes[..12], &bytes[16..]]) {
            return None;
        }
        Some(Self {
            format: read_u32(bytes, 8)?,
            salt: read_u64(bytes, 16)?,
            number: SegmentNumber(read_u32(bytes, 24)?),
            start: Position { next: Lsn(read_u64(bytes, 32)?), prev: read_u32(bytes, 28)? },
            capacity: read_u64(bytes, 40)?,
        })
    }
}
