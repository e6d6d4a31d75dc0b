//! Reading segments from the first to the last: what recovery and verification have in common.
//!
//! [`walk`] visits every record of every batch in order, and ends where the log ends. Whether
//! what lies beyond that end was torn or damaged is judged in `tail`.
//!
//! # Invariants
//!
//! - Nothing is changed, and nothing is passed over: each record follows the one before it, and no
//!   segment is missing that the manifest or a seal speaks of.
//! - A batch with rotten bodies is read only if it is known to have been synced. Any other may be a torn
//!   tail, and the log ends before it.
//! - Only one segment is in memory at a time.

use std::{collections::VecDeque, io, sync::Arc};

use crate::{
    Disk, Lsn, OpenError,
    batch::{self, DecodedBatch, Position},
    disk::DiskFile,
    epoch::{Epoch, SegmentNumber},
    manifest::Manifest,
    record::DecodedRecord,
    segment::{FORMAT_SEALED, SEGMENT_HEADER_BYTES, SegmentFile, SegmentHeader},
    tail,
};

/// What is called for each record, with its segment and the offset of its frame in it.
pub(crate) type Visit<'a> =
    dyn FnMut(&SegmentFile, u64, &DecodedRecord<'_>) -> Result<(), OpenError> + 'a;

/// How files are opened.
pub(crate) type Open<'a> = dyn Fn(&str) -> io::Result<Arc<dyn DiskFile>> + 'a;

/// Where a log ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct End {
    /// How many segments have been written to; the others are spares.
    pub(crate) used: usize,
    /// Where the last of them ends. Zero if there is none.
    pub(crate) offset: u64,
    /// Of which format that one is.
    pub(crate) format: u32,
    /// Where in that segment the batches begin that no later one calls synced.
    pub(crate) unvouched: u64,
    /// The last batch is one without records, or there is none: all records are vouched for.
    pub(crate) vouched: bool,
    /// Where the segment before is to be sealed, if the last one has no batch yet: those come after
    /// the seal.
    pub(crate) seal_at: Option<u64>,
    pub(crate) position: Position,
    pub(crate) batches: u64,
}

impl End {
    /// Before the first record of a log.
    fn start(position: Position) -> Self {
        Self {
            used: 0,
            offset: 0,
            format: 0,
            unvouched: 0,
            vouched: true,
            seal_at: None,
            position,
            batches: 0,
        }
    }
}

/// What was found in one segment.
#[derive(Debug, Clone, Copy)]
struct Part {
    format: u32,
    batches: u64,
    /// Behind the last batch that is no seal.
    offset: u64,
    sealed: bool,
    unvouched: u64,
    vouched: bool,
    after: Position,
}

/// The files of a store's directory.
pub(crate) struct Files<'a> {
    pub(crate) disk: &'a dyn Disk,
    /// Opens one by its name.
    pub(crate) open: &'a Open<'a>,
    pub(crate) names: &'a [String],
    pub(crate) salt: u64,
}

impl Files<'_> {
    /// All segments, each opened.
    pub(crate) fn segments(&self) -> impl Iterator<Item = Result<SegmentFile, OpenError>> + '_ {
        self.numbers().map(|number| self.segment(number))
    }

    fn numbers(&self) -> impl Iterator<Item = SegmentNumber> {
        self.names.iter().filter_map(|name| SegmentNumber::parse(name))
    }

    fn segment(&self, number: SegmentNumber) -> Result<SegmentFile, OpenError> {
        let path = self.disk.describe(&number.file_name());
        let file = (self.open)(&number.file_name()).map_err(OpenError::io("open", &path))?;
        Ok(SegmentFile { number, file, epoch: Epoch::new(self.salt, number), path: path.into() })
    }
}

/// Opens the segments of the log and its spares among its files, in their order, from
/// the first that is replayed on. A gap ends them: behind it there may only be spares.
pub(crate) fn open_segments(
    files: &Files<'_>,
    manifest: &Manifest,
) -> Result<Vec<SegmentFile>, OpenError> {
    let mut numbers: Vec<_> = files.numbers().collect();
    numbers.retain(|number| *number >= manifest.first);
    numbers.sort_unstable();
    let mut segments = Vec::new();
    let mut expected = manifest.first;
    for number in numbers {
        let segment = files.segment(number)?;
        if number == expected {
            segments.push(segment);
            expected = number.next();
        } else if segment.header()?.is_some() {
            return Err(missing(files.disk, expected));
        }
    }
    if manifest.newest.is_some_and(|newest| newest >= expected) {
        return Err(missing(files.disk, expected));
    }
    Ok(segments)
}

/// Opens the segments that are not replayed and hold bodies.
pub(crate) fn open_older(
    files: &Files<'_>,
    manifest: &Manifest,
) -> Result<Vec<SegmentFile>, OpenError> {
    let there = |number: &SegmentNumber| files.names.contains(&number.file_name());
    if let Some(number) = manifest.older.iter().find(|number| !there(number)) {
        return Err(missing(files.disk, *number));
    }
    let checked = |number: &SegmentNumber| {
        let segment = files.segment(*number)?;
        let Some(header) = segment.header()? else {
            return Err(damaged(&segment, 0, "its header is wrong, and it was in use"));
        };
        check_size(&segment, &header)?;
        Ok(segment)
    };
    manifest.older.iter().map(checked).collect()
}

/// Opens the segments that were given up, and not yet removed or made spares of.
pub(crate) fn open_stray(
    files: &Files<'_>,
    manifest: &Manifest,
) -> Result<Vec<SegmentFile>, OpenError> {
    let is_stray =
        |number: &SegmentNumber| *number < manifest.first && !manifest.older.contains(number);
    files.numbers().filter(is_stray).map(|number| files.segment(number)).collect()
}

fn missing(disk: &dyn Disk, number: SegmentNumber) -> OpenError {
    OpenError::Missing { file: disk.describe(&number.file_name()) }
}

/// Visits every record, and says where the log ends.
pub(crate) fn walk(
    disk: &dyn Disk,
    manifest: &Manifest,
    segments: &[SegmentFile],
    visit: &mut Visit<'_>,
) -> Result<End, OpenError> {
    let headers = used_headers(segments, manifest)?;
    let start = headers.first().map_or(Position::START, |header| header.start);
    if manifest.first == SegmentNumber::FIRST && start != Position::START {
        return Err(damaged(&segments[0], 0, "it is not the beginning of a log"));
    }
    let mut end = End::start(start);
    let mut before = None;
    for (at, (segment, header)) in segments.iter().zip(&headers).enumerate() {
        check_size(segment, header)?;
        if header.start != end.position {
            let last = &segments[end.used.saturating_sub(1)];
            return Err(damaged(last, end.offset, "the next segment goes on from a later record"));
        }
        let synced = known_synced(manifest, headers.get(at + 1));
        let part = walk_segment(segment, header, synced, visit)?;
        check_seal(&segments[end.used.saturating_sub(1)], before, part)?;
        end = end.after(before, part);
        before = Some(part);
    }
    check_next(disk, segments, &end, before)?;
    Ok(end)
}

/// What is known to have been synced: by the manifest, and by the header of the next segment, before
/// which all of this one was.
fn known_synced(manifest: &Manifest, next: Option<&SegmentHeader>) -> Lsn {
    let by_next = next.map_or(Lsn::ZERO, |next| next.start.next.previous());
    manifest.durable.max(by_next)
}

impl End {
    fn after(self, before: Option<Part>, part: Part) -> Self {
        let seal_at = before.filter(|before| part.batches == 0 && before.format >= FORMAT_SEALED);
        Self {
            used: self.used + 1,
            offset: part.offset,
            format: part.format,
            unvouched: part.unvouched,
            vouched: part.vouched,
            seal_at: seal_at.map(|before| before.offset),
            position: part.after,
            batches: self.batches + part.batches,
        }
    }
}

/// How a segment ends, as far as it can be read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ending {
    /// Behind the last batch that is no seal.
    pub(crate) offset: u64,
    /// What the next record would be.
    pub(crate) at: Position,
    pub(crate) has_batches: bool,
    /// Another segment follows.
    pub(crate) sealed: bool,
    /// It is from before there were seals, and does not say whether another follows.
    pub(crate) is_early: bool,
}

/// Looks how a segment ends. None, if it has no header.
pub(crate) fn ending(segment: &SegmentFile) -> Result<Option<Ending>, OpenError> {
    let Some(header) = segment.header()? else { return Ok(None) };
    let part = walk_segment(segment, &header, Lsn(u64::MAX), &mut |_, _, _| Ok(()))?;
    Ok(Some(Ending {
        offset: part.offset,
        at: part.after,
        has_batches: part.batches > 0,
        sealed: part.sealed,
        is_early: header.format < FORMAT_SEALED,
    }))
}

/// Visits every record of a segment that is not the last of its log, and says what is wrong with it.
pub(crate) fn walk_alone(segment: &SegmentFile, visit: &mut Visit<'_>) -> Result<(), OpenError> {
    let Some(header) = segment.header()? else {
        return Err(damaged(segment, 0, "its header is wrong, and it was in use"));
    };
    let part = walk_segment(segment, &header, Lsn(u64::MAX), visit)?;
    if part.sealed || header.format < FORMAT_SEALED {
        return Ok(());
    }
    Err(damaged(segment, part.offset, "no batch can be read here, and the log went on"))
}

/// The headers of the segments that have been written to. All spares come after them.
fn used_headers(
    segments: &[SegmentFile],
    manifest: &Manifest,
) -> Result<Vec<SegmentHeader>, OpenError> {
    let headers = segments.iter().map(SegmentFile::header).collect::<Result<Vec<_>, _>>()?;
    let used = headers.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
    let in_use = |segment: &SegmentFile| Some(segment.number) <= manifest.newest;
    let used = used.max(segments.iter().take_while(|segment| in_use(segment)).count());
    let with_header = headers.into_iter().take(used).zip(segments).map(|(header, segment)| {
        header.ok_or_else(|| damaged(segment, 0, "its header is wrong, and it was in use"))
    });
    with_header.collect()
}

pub(crate) fn check_size(segment: &SegmentFile, header: &SegmentHeader) -> Result<(), OpenError> {
    let len = segment.len()?;
    if len < header.capacity {
        return Err(damaged(segment, len, "it is shorter than it was made"));
    }
    Ok(())
}

/// Records in a segment came after the seal of the one before, which is `last`.
fn check_seal(last: &SegmentFile, before: Option<Part>, part: Part) -> Result<(), OpenError> {
    let unsealed = before.filter(|before| !before.sealed && before.format >= FORMAT_SEALED);
    match unsealed.filter(|_| part.batches > 0) {
        Some(before) => Err(damaged(last, before.offset, "its seal is gone, and the log goes on")),
        None => Ok(()),
    }
}

/// A segment that is sealed has one after it.
fn check_next(
    disk: &dyn Disk,
    segments: &[SegmentFile],
    end: &End,
    last: Option<Part>,
) -> Result<(), OpenError> {
    if !last.is_some_and(|last| last.sealed) {
        return Ok(());
    }
    match segments.get(end.used) {
        Some(next) => Err(damaged(next, 0, "its header is wrong, and the log goes on in it")),
        None => Err(missing(disk, segments[end.used - 1].number.next())),
    }
}

fn walk_segment(
    segment: &SegmentFile,
    header: &SegmentHeader,
    synced: Lsn,
    visit: &mut Visit<'_>,
) -> Result<Part, OpenError> {
    let bytes = segment.load()?;
    let mut offset = SEGMENT_HEADER_BYTES;
    let mut part = Part {
        format: header.format,
        batches: 0,
        offset: offset as u64,
        sealed: false,
        unvouched: 0,
        vouched: true,
        after: header.start,
    };
    let mut unvouched = Unvouched::default();
    while let Ok(batch) = batch::decode(segment.epoch, part.after, rest(&bytes, offset)) {
        if batch.seals {
            part.sealed = true;
            break;
        }
        if batch.is_rotten && !was_synced(segment, rest(&bytes, offset + batch.len), &batch, synced)
        {
            break;
        }
        for (record, start) in &batch.records {
            visit(segment, (offset + start) as u64, record)?;
        }
        unvouched.add(offset as u64, &batch);
        offset += batch.len;
        part = part.with(&batch, offset as u64);
    }
    Ok(Part { unvouched: unvouched.start(), ..part })
}

/// Whether a batch is known to have been synced, by what is known already or by a batch in `behind`.
fn was_synced(segment: &SegmentFile, behind: &[u8], batch: &DecodedBatch<'_>, synced: Lsn) -> bool {
    let last = batch.after.next.previous();
    last <= synced || tail::has_witness(segment, behind, last)
}

impl Part {
    fn with(self, batch: &DecodedBatch<'_>, offset: u64) -> Self {
        let (batches, vouched) = (self.batches + 1, batch.records.is_empty());
        Self { batches, offset, vouched, after: batch.after, ..self }
    }
}

/// The batches of a segment that no later one calls synced: the last one, at least.
#[derive(Debug, Default)]
struct Unvouched(VecDeque<(u64, Lsn)>);

impl Unvouched {
    fn add(&mut self, offset: u64, batch: &DecodedBatch<'_>) {
        if batch.is_rotten {
            // It is read because it was synced, and what has rotted is not written again.
            self.0.clear();
            let behind = offset + batch.len as u64;
            return self.0.push_back((behind, batch.after.next.previous()));
        }
        while self.0.pop_front_if(|(_, last)| *last <= batch.synced_through).is_some() {}
        self.0.push_back((offset, batch.after.next.previous()));
    }

    /// Where the first of them begins. Nobody vouches for the header of a segment without a batch, and
    /// in format 1 it was written together with the first batch.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(first: u64, synced: u64, is_rotten: bool) -> DecodedBatch<'static> {
        DecodedBatch {
            records: Vec::new(),
            synced_through: Lsn(synced),
            seals: false,
            is_rotten,
            after: Position { next: Lsn(first + 1), prev: 0 },
            len: 8,
        }
    }

    #[test]
    fn what_has_rotted_is_not_among_what_is_written_once_more() {
        let mut unvouched = Unvouched::default();
        unvouched.add(104, &batch(1, 0, false));
        assert_eq!(unvouched.start(), 104);
        unvouched.add(112, &batch(2, 0, true));
        assert_eq!(unvouched.start(), 120);
        unvouched.add(120, &batch(3, 2, false));
        assert_eq!(unvouched.start(), 120);
        unvouched.add(128, &batch(4, 3, false));
        assert_eq!(unvouched.start(), 128);
    }
}
