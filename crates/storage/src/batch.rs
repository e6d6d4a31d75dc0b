//! One batch: the records that one write brings to the disk.
//!
//! ```text
//! 0       4       8               16               24      28      32      36      40
//! ├─magic─┼─ crc ─┼─ first_lsn ───┼─synced_through─┼─ len ─┼─count─┼─ prev ┼─ seal ┼─ records ─┼─ zeros ─┤
//! ```
//!
//! `crc` covers the epoch and the header from byte 8 on; the records have their own. `len` counts
//! the records' bytes; zeros fill up to a multiple of 8, where the next batch begins. `first_lsn` is
//! the first record's, or the next record's if there are none; `prev` is the `crc` of the record
//! before. `synced_through` is the last record that was synced when the batch was written: what lies
//! at or before it can be damaged, but not torn. A batch without records says just that. One with
//! `seal` 1 is the last of its segment: the log goes on in the next one, which has its header by then.
//!
//! # Invariants
//!
//! - A batch is recovered whole or cut whole: none of it was reported durable before all of it was.
//! - `synced_through` is never ahead of the truth, and never ahead of the batch itself.

use crate::{
    Lsn,
    epoch::Epoch,
    record::{self, DecodedRecord, read_u32, read_u64},
};

/// Bytes before the records.
pub(crate) const BATCH_HEADER_BYTES: usize = 40;
/// Batches begin at multiples of this.
pub(crate) const ALIGNMENT: usize = 8;
/// What a record may cost beside its own frame: a batch of its own, and the zeros behind it.
pub(crate) const BATCH_OVERHEAD_MAX: u64 = (BATCH_HEADER_BYTES + ALIGNMENT) as u64;

const MAGIC: [u8; 4] = *b"LSbt";

/// The size of a batch of `records_len` bytes of records.
pub(crate) fn batch_bytes(records_len: usize) -> usize {
    BATCH_HEADER_BYTES + records_len.next_multiple_of(ALIGNMENT)
}

/// What a batch says about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BatchHeader {
    pub(crate) first_lsn: Lsn,
    pub(crate) synced_through: Lsn,
    /// Bytes of all records.
    pub(crate) len: u32,
    pub(crate) count: u32,
    pub(crate) prev: u32,
    /// The segment ends here, and the log goes on in the next one.
    pub(crate) seals: bool,
}

impl BatchHeader {
    /// A batch without records at `at`, before which all is synced.
    pub(crate) fn empty(at: Position, seals: bool) -> Self {
        let synced_through = at.next.previous();
        Self { first_lsn: at.next, synced_through, len: 0, count: 0, prev: at.prev, seals }
    }

    pub(crate) fn encode(&self, epoch: Epoch) -> [u8; BATCH_HEADER_BYTES] {
        let mut out = [0; BATCH_HEADER_BYTES];
        out[..4].copy_from_slice(&MAGIC);
        out[8..16].copy_from_slice(&self.first_lsn.0.to_le_bytes());
        out[16..24].copy_from_slice(&self.synced_through.0.to_le_bytes());
        out[24..28].copy_from_slice(&self.len.to_le_bytes());
        out[28..32].copy_from_slice(&self.count.to_le_bytes());
        out[32..36].copy_from_slice(&self.prev.to_le_bytes());
        out[36..].copy_from_slice(&u32::from(self.seals).to_le_bytes());
        let crc = epoch.checksum(&[&out[8..]]);
        out[4..8].copy_from_slice(&crc.to_le_bytes());
        out
    }

    /// The header at the start of `bytes`, if there is one of this epoch.
    pub(crate) fn decode(epoch: Epoch, bytes: &[u8]) -> Option<Self> {
        let header = bytes.get(..BATCH_HEADER_BYTES).filter(|header| header[..4] == MAGIC)?;
        if read_u32(header, 4)? != epoch.checksum(&[&header[8..]]) {
            return None;
        }
        Some(Self {
            first_lsn: Lsn(read_u64(header, 8)?),
            synced_through: Lsn(read_u64(header, 16)?),
            len: read_u32(header, 24)?,
            count: read_u32(header, 28)?,
            prev: read_u32(header, 32)?,
            seals: read_u32(header, 36)? == 1,
        })
    }
}

/// Where in the log a reader is: what the next record must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) next: Lsn,
    pub(crate) prev: u32,
}

impl Position {
    /// Before the first record.
    pub(crate) const START: Self = Self { next: Lsn(1), prev: 0 };
}

/// Each record, and where its frame begins, counted from the start of the batch.
type Placed<'a> = Vec<(DecodedRecord<'a>, usize)>;

/// A batch found in a segment. Everything in it was right, but for the bytes of bodies that are marked.
#[derive(Debug)]
pub(crate) struct DecodedBatch<'a> {
    pub(crate) records: Placed<'a>,
    pub(crate) synced_through: Lsn,
    /// It is the last of its segment.
    pub(crate) seals: bool,
    /// Bodies in it are not as they were written: it may be a torn tail.
    pub(crate) is_rotten: bool,
    /// Where the reader is after it.
    pub(crate) after: Position,
    /// Bytes of the batch, with the zeros behind it.
    pub(crate) len: usize,
}

/// Decodes the batch at the start of `bytes`. The error says what is wrong with it.
pub(crate) fn decode(
    epoch: Epoch,
    at: Position,
    bytes: &[u8],
) -> Result<DecodedBatch<'_>, &'static str> {
    let header = BatchHeader::decode(epoch, bytes).ok_or("no batch begins here")?;
    if (header.first_lsn, header.prev) != (at.next, at.prev) {
        return Err("a batch does not follow the one before it");
    }
    let records_len = header.len as usize;
    let len = batch_bytes(records_len);
    let batch = bytes.get(..len).ok_or("a batch is cut short")?;
    let (body, zeros) = batch.split_at(BATCH_HEADER_BYTES + records_len);
    if zeros.iter().any(|byte| *byte != 0) {
        return Err("a batch is followed by bytes that are not zero");
    }
    let (records, after) = decode_records(epoch, at, body, header.count)?;
    let BatchHeader { synced_through, seals, .. } = header;
    let is_rotten = records.iter().any(|(record, _)| record.is_rotten());
    Ok(DecodedBatch { records, synced_through, seals, is_rotten, after, len })
}

/// All records of `batch`, of which there must be exactly `count`.
fn decode_records(
    epoch: Epoch,
    mut at: Position,
    batch: &[u8],
    count: u32,
) -> Result<(Placed<'_>, Position), &'static str> {
    let mut records = Vec::new();
    let mut offset = BATCH_HEADER_BYTES;
    for _ in 0..count {
        let record = record::decode(epoch, at.next, at.prev, &batch[offset..])?;
        at = Position { next: record.lsn.next(), prev: record.crc };
        let start = offset;
        offset += record.len;
        records.push((record, start));
    }
    if offset == batch.len() { Ok((records, at)) } else { Err("a batch holds more than it says") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::epoch::SegmentNumber;

    #[test]
    fn a_header_comes_back_in_its_own_epoch_only() {
        let epoch = Epoch::new(1, SegmentNumber(1));
        let header = BatchHeader {
            first_lsn: Lsn(5),
            synced_through: Lsn(4),
            len: 30,
            count: 1,
            prev: 99,
            seals: true,
        };
        let bytes = header.encode(epoch);
        assert_eq!(BatchHeader::decode(epoch, &bytes), Some(header));
        assert_eq!(BatchHeader::decode(Epoch::new(1, SegmentNumber(2)), &bytes), None);
    }

    #[test]
    fn a_batch_without_records_leaves_the_reader_where_it_is() {
        let epoch = Epoch::new(1, SegmentNumber(1));
        let at = Position { next: Lsn(5), prev: 99 };
        let batch = BatchHeader::empty(at, false).encode(epoch);
        let decoded = decode(epoch, at, &batch).unwrap();
        assert_eq!((decoded.after, decoded.len), (at, BATCH_HEADER_BYTES));
    }
}
