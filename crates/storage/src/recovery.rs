//! Opening a store after an orderly close, a kill or a power cut: the same steps for all three.
//!
//! 1. Read `identity`, or make it in an empty directory.
//! 2. Open the segments: their numbers have no gap.
//! 3. Walk them: replay every record, and note where its bodies are.
//! 4. Judge what lies behind the end: nothing, a torn tail, or damage, which ends it here.
//! 5. Cut a torn tail with zeros; sync. Before this step, nothing was changed.
//! 6. Write the end of the log once more, as it was read, and sync it: a kill may have left records
//!    that the disk does not have yet. So may a sync that failed, and then a sync alone would do
//!    nothing: the kernel calls those pages clean ("Can Applications Recover from fsync Failures?",
//!    Rebello et al., USENIX ATC 2020).
//! 7. Hand over the end of the log. The allocator takes up the spares that there are.
//!
//! # Invariants
//!
//! - Recovery can be interrupted anywhere and begun again, with the same result.

use std::sync::Arc;

use crate::{
    BodyKey, Disk, Lsn, OpenError, ReplayError,
    allocator::SegmentMaker,
    identity,
    index::{Index, Location},
    log::{Active, Log},
    record::DecodedRecord,
    scan::{self, End},
    segment::SegmentFile,
    tail,
};

/// What opening a store found and did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recovered {
    /// The last record replayed.
    pub last: Lsn,
    /// How many records were replayed.
    pub records: u64,
    /// How many bodies are kept.
    pub bodies: u64,
    /// Bytes of torn tail that were cut. Nothing of them had been reported durable (in
    /// [`SyncMode::Always`](crate::SyncMode::Always)).
    pub torn_bytes: u64,
    /// Where they were: at most two pieces.
    pub torn: Vec<TornTail>,
}

/// A piece of the log that a crash left unfinished.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TornTail {
    /// The file.
    pub file: String,
    /// Where the piece began.
    pub offset: u64,
    /// How long it was.
    pub bytes: u64,
}

/// What is called for each record, in order: its place, its events, and a list to which the keys of
/// bodies that are no longer wanted are added.
pub type Replay<'a> = dyn FnMut(Lsn, &[u8], &mut Vec<BodyKey>) -> Result<(), ReplayError> + 'a;

/// A log ready to be written to.
#[derive(Debug)]
pub(crate) struct Ready {
    pub(crate) log: Log,
    pub(crate) index: Index,
    pub(crate) used: Vec<SegmentFile>,
    pub(crate) recovered: Recovered,
    pub(crate) maker: SegmentMaker,
}

/// Opens the log in `disk`, whose lock is held.
pub(crate) fn recover(
    disk: Arc<dyn Disk>,
    segment_bytes: u64,
    replay: &mut Replay<'_>,
) -> Result<Ready, OpenError> {
    let names = disk.list().map_err(OpenError::io("list", disk.describe("")))?;
    let salt = identity::open_or_create(&*disk, &names)?;
    let mut segments = scan::open_segments(&*disk, &names, salt)?;
    let mut replayer = Replayer { index: Index::default(), released: Vec::new(), replay };
    let end = scan::walk(&segments, &mut |segment, offset, record| {
        replayer.record(segment, offset, record)
    })?;
    let torn = cut_tail(&segments, &end)?;
    secure_end(&segments, &end)?;

    let index = replayer.index;
    let recovered = recovered(&end, &index, torn);
    segments.truncate(end.used);
    let log = Log::new(salt, active(&segments, &end)?, end.position, end.vouched);
    let maker = SegmentMaker { disk, salt, segment_bytes };
    Ok(Ready { log, index, used: segments, recovered, maker })
}

fn recovered(end: &End, index: &Index, torn: Vec<TornTail>) -> Recovered {
    let last = end.position.next.previous();
    Recovered {
        last,
        records: last.0,
        bodies: index.len() as u64,
        torn_bytes: torn.iter().map(|piece| piece.bytes).sum(),
        torn,
    }
}

fn cut_tail(segments: &[SegmentFile], end: &End) -> Result<Vec<TornTail>, OpenError> {
    let remains = tail::judge(segments, end)?;
    let mut torn = Vec::new();
    for piece in remains {
        tail::cut(&piece)?;
        let (file, offset, bytes) = (piece.segment.path.to_string(), piece.offset, piece.bytes);
        tracing::warn!(file, offset, bytes, "cut a torn tail, of which nothing had been durable");
        torn.push(TornTail { file, offset, bytes });
    }
    Ok(torn)
}

/// Makes durable what nobody vouches for: some of it may only be in the kernel's memory.
fn secure_end(segments: &[SegmentFile], end: &End) -> Result<(), OpenError> {
    let Some(last) = end.used.checked_sub(1).map(|last| &segments[last]) else { return Ok(()) };
    let bytes = last.load_range(end.unvouched..end.offset)?;
    let written = last.file.write_all_at(&bytes, end.unvouched);
    written.map_err(OpenError::io("write the end of", &*last.path))?;
    last.file.sync_data().map_err(OpenError::io("sync", &*last.path))
}

fn active(used: &[SegmentFile], end: &End) -> Result<Option<Active>, OpenError> {
    let Some(segment) = used.last().cloned() else { return Ok(None) };
    let capacity = segment.len()?;
    Ok(Some(Active { segment, offset: end.offset, capacity }))
}

/// Hands each record to the caller, and keeps the index of bodies beside.
struct Replayer<'a, 'r> {
    index: Index,
    released: Vec<BodyKey>,
    replay: &'a mut Replay<'r>,
}

impl Replayer<'_, '_> {
    fn record(
        &mut self,
        segment: &SegmentFile,
        offset: u64,
        record: &DecodedRecord<'_>,
    ) -> Result<(), OpenError> {
        for (body, at) in &record.bodies {
            self.index.insert(body.key, location(segment, offset + *at as u64, body.len)?);
        }
        let replayed = (self.replay)(record.lsn, record.events, &mut self.released);
        replayed.map_err(|source| OpenError::Replay {
            file: segment.path.to_string(),
            lsn: record.lsn,
            source,
        })?;
        self.released.drain(..).for_each(|key| self.index.remove(key));
        Ok(())
    }
}

fn location(segment: &SegmentFile, offset: u64, len: usize) -> Result<Location, OpenError> {
    let too_far = |_| scan::damaged(segment, offset, "the file is larger than a segment can be");
    let len = u32::try_from(len).map_err(too_far)?;
    let offset = u32::try_from(offset).map_err(too_far)?;
    Ok(Location { segment: segment.number, offset, len })
}
