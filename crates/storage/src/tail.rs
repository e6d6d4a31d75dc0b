//! What lies behind the end of the log: nothing, a torn tail, or damage.
//!
//! A power cut may leave any part of what was not synced. A later batch that is whole, and that was
//! written when the missing record was already synced, bears witness that more than a torn tail is
//! missing: then something that had been durable is gone. Otherwise nothing of it had been promised
//! to anybody, and it is cut: overwritten with zeros, so that no later crash can bring it back.
//!
//! # Invariants
//!
//! - Cutting can be interrupted at any point and begun again: what is left bears no witness either.

use crate::{
    Lsn, OpenError,
    batch::{ALIGNMENT, BatchHeader},
    scan::{End, damaged, rest},
    segment::{SEGMENT_HEADER_BYTES, SegmentFile},
};

/// Zeros are written in pieces of this size.
const ZEROS_BYTES: usize = 8 << 10;
/// What is compared with zeros at once: a multiple of what batches are aligned to.
const PAGE_BYTES: usize = 4 << 10;

/// Bytes behind the end of the log that are not zero.
#[derive(Debug)]
pub(crate) struct Remains<'a> {
    pub(crate) segment: &'a SegmentFile,
    pub(crate) offset: u64,
    pub(crate) bytes: u64,
}

/// Finds what lies behind the end, in the last used segment and in the first spare, which is as far
/// as a write can have come. Fails if it is damage.
pub(crate) fn judge<'a>(
    segments: &'a [SegmentFile],
    end: &End,
) -> Result<Vec<Remains<'a>>, OpenError> {
    let mut remains = Vec::new();
    if let Some(last) = end.used.checked_sub(1) {
        remains.extend(look(&segments[last], end.offset, end)?);
    }
    if let Some(spare) = segments.get(end.used) {
        remains.extend(look(spare, 0, end)?);
    }
    Ok(remains)
}

fn look<'a>(
    segment: &'a SegmentFile,
    offset: u64,
    end: &End,
) -> Result<Option<Remains<'a>>, OpenError> {
    let bytes = segment.load()?;
    let behind = rest(&bytes, usize::try_from(offset).unwrap_or(usize::MAX));
    let Some(last) = last_not_zero(behind) else { return Ok(None) };
    if has_witness(segment, behind, end.position.next) {
        let reason = format!(
            "record {} cannot be read, and a later batch says it was durable",
            end.position.next
        );
        return Err(damaged(segment, offset, &reason));
    }
    Ok(Some(Remains { segment, offset, bytes: last as u64 + 1 }))
}

/// Whether a batch in `behind` says that `missing` was synced before it.
pub(crate) fn has_witness(segment: &SegmentFile, behind: &[u8], missing: Lsn) -> bool {
    let bears_witness = |at: usize| {
        BatchHeader::decode(segment.epoch, &behind[at..])
            .is_some_and(|header| header.synced_through >= missing)
    };
    let starts = (0..behind.len()).step_by(PAGE_BYTES).filter(|at| !is_zero(&behind[*at..]));
    let mut places =
        starts.flat_map(|at| (at..behind.len().min(at + PAGE_BYTES)).step_by(ALIGNMENT));
    places.any(bears_witness)
}

/// Where the last byte is that is not zero.
fn last_not_zero(bytes: &[u8]) -> Option<usize> {
    let page = (0..bytes.len()).step_by(PAGE_BYTES).rfind(|at| !is_zero(&bytes[*at..]))?;
    let end = bytes.len().min(page + PAGE_BYTES);
    bytes[page..end].iter().rposition(|byte| *byte != 0).map(|at| page + at)
}

/// Whether the first page of `bytes` is all zeros. Most of them are: a comparison of whole pages is
/// what keeps the look at an empty segment short.
fn is_zero(bytes: &[u8]) -> bool {
    const ZEROS: [u8; PAGE_BYTES] = [0; PAGE_BYTES];
    let page = &bytes[..bytes.len().min(PAGE_BYTES)];
    page == &ZEROS[..page.len()]
}

/// Overwrites remains with zeros, durably.
pub(crate) fn cut(remains: &Remains<'_>) -> Result<(), OpenError> {
    let segment = remains.segment;
    let zeros = [0; ZEROS_BYTES];
    let mut at = remains.offset;
    let end = remains.offset + remains.bytes;
    while at < end {
        let count = usize::try_from(end - at).unwrap_or(usize::MAX).min(ZEROS_BYTES);
        let cut = segment.file.write_all_at(&zeros[..count], at);
        cut.map_err(OpenError::io("cut the torn tail of", &*segment.path))?;
        at += count as u64;
    }
    segment.file.sync_data().map_err(OpenError::io("sync", &*segment.path))
}

const _: () = assert!(SEGMENT_HEADER_BYTES.is_multiple_of(ALIGNMENT), "batches begin aligned");
