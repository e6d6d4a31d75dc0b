//! Reading segments from the first to the last: what recovery and verification have in common.
//!
//! [`walk`] visits every record of every batch in order, and ends where the log ends. Whether
//! what lies beyond that end was torn or damaged is judged in `tail`.
//!
//! # Invariants
//!
//! - Nothing is changed, and nothing is passed over: each record follows the one before it.
//! - Only one segment is in memory at a time.

use std::collections::VecDeque;

use crate::{
    Disk, Lsn, OpenError,
    batch::{self, DecodedBatch, Position},
    epoch::{Epoch, SegmentNumber},
    record::DecodedRecord,
    segment::{SEGMENT_HEADER_BYTES, SegmentFile, SegmentHeader},
};

/// What is called for each record, with its segment and the offset of its frame in it.
pub(crate) type Visit<'a> =
    dyn FnMut(&SegmentFile, u64, &DecodedRecord<'_>) -> Result<(), OpenError> + 'a;

/// Where a log ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct End {
    /// How many segments have been written to; the others are spares.
    pub(crate) used: usize,
    /// Where the last of them ends. Zero if there is none.
    pub(crate) offset: u64,
    /// Where in that segment the batches begin that no later one calls synced.
    pub(crate) unvouched: u64,
    /// The last batch is one without records, or there is none: all records are vouched for.
    pub(crate) vouched: bool,
    pub(crate) position: Position,
    pub(crate) batches: u64,
}

impl End {
    /// Before the first record of a log with `used` segments.
    fn start(used: usize) -> Self {
        let position = Position::START;
        Self { used, offset: 0, unvouched: 0, vouched: true, position, batches: 0 }
    }
}

/// Opens all segments among the files called `names`, in their order.
pub(crate) fn open_segments(
    disk: &dyn Disk,
    names: &[String],
    salt: u64,
) -> Result<Vec<SegmentFile>, OpenError> {
    let mut numbers: Vec<_> = names.iter().filter_map(|name| SegmentNumber::parse(name)).collect();
    numbers.sort_unstable();
    let mut expected = SegmentNumber::FIRST;
    for number in &numbers {
        if *number != expected {
            return Err(OpenError::Missing { file: disk.describe(&expected.file_name()) });
        }
        expected = number.next();
    }
    numbers.into_iter().map(|number| open_segment(disk, number, salt)).collect()
}

fn open_segment(
    disk: &dyn Disk,
    number: SegmentNumber,
    salt: u64,
) -> Result<SegmentFile, OpenError> {
    let path = disk.describe(&number.file_name());
    let file = disk.open(&number.file_name()).map_err(OpenError::io("open", &path))?;
    Ok(SegmentFile { number, file, epoch: Epoch::new(salt, number), path: path.into() })
}

/// Visits every record, and says where the log ends.
pub(crate) fn walk(segments: &[SegmentFile], visit: &mut Visit<'_>) -> Result<End, OpenError> {
    let headers = used_headers(segments)?;
    let mut end = End::start(headers.len());
    for (segment, header) in segments.iter().zip(&headers) {
        if segment.len()? < header.capacity {
            return Err(damaged(segment, segment.len()?, "it is shorter than it was made"));
        }
        if header.start != end.position {
            return Err(broken_chain(segments, segment, end.offset));
        }
        walk_segment(segment, &mut end, visit)?;
    }
    Ok(end)
}

/// The headers of the segments that have been written to. All spares come after them.
fn used_headers(segments: &[SegmentFile]) -> Result<Vec<SegmentHeader>, OpenError> {
    let headers = segments.iter().map(SegmentFile::header).collect::<Result<Vec<_>, _>>()?;
    let used = headers.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
    let with_header = headers.into_iter().take(used).zip(segments).map(|(header, segment)| {
        header.ok_or_else(|| damaged(segment, 0, "its header is wrong, and a later one is right"))
    });
    with_header.collect()
}

/// The segment before `next` ended too early, or is not the one before.
fn broken_chain(segments: &[SegmentFile], next: &SegmentFile, offset: u64) -> OpenError {
    let before = segments.iter().take_while(|segment| segment.number < next.number).last();
    let reason = "the next segment goes on from a later record";
    match before {
        Some(segment) => damaged(segment, offset, reason),
        None => damaged(next, 0, "it is not the beginning of a log"),
    }
}

fn walk_segment(
    segment: &SegmentFile,
    end: &mut End,
    visit: &mut Visit<'_>,
) -> Result<(), OpenError> {
    let bytes = segment.load()?;
    let mut offset = SEGMENT_HEADER_BYTES;
    let mut unvouched = Unvouched::default();
    while let Ok(batch) = batch::decode(segment.epoch, end.position, rest(&bytes, offset)) {
        for (record, start) in &batch.records {
            visit(segment, (offset + start) as u64, record)?;
        }
        end.position = batch.after;
        end.batches += 1;
        end.vouched = batch.records.is_empty();
        unvouched.add(offset as u64, &batch);
        offset += batch.len;
    }
    end.offset = offset as u64;
    end.unvouched = unvouched.start();
    Ok(())
}

/// The batches of a segment that no later one calls synced: the last one, at least.
#[derive(Debug, Default)]
struct Unvouched(VecDeque<(u64, Lsn)>);

impl Unvouched {
    fn add(&mut self, offset: u64, batch: &DecodedBatch<'_>) {
        while self.0.pop_front_if(|(_, last)| *last <= batch.synced_through).is_some() {}
        self.0.push_back((offset, batch.after.next.previous()));
    }

    /// Where the first of them begins. The header was written together with the first batch.
    fn start(&self) -> u64 {
        let first = self.0.front().map_or(0, |(offset, _)| *offset);
        if first == SEGMENT_HEADER_BYTES as u64 { 0 } else { first }
    }
}

/// What of `bytes` lies behind `offset`, which may be nothing.
pub(crate) fn rest(bytes: &[u8], offset: usize) -> &[u8] {
    bytes.get(offset..).unwrap_or_default()
}

/// The error for a segment that is not as it was written.
pub(crate) fn damaged(segment: &SegmentFile, offset: u64, reason: &str) -> OpenError {
    OpenError::Damaged { file: segment.path.to_string(), offset, reason: reason.to_owned() }
}
