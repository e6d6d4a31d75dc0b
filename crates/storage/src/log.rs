//! What is written where: the end of the log, and the three things that can be done to it.
//!
//! Plain and without threads. [`Log::write`] puts one batch behind the last, [`Log::sync`] makes all
//! of it durable, [`Log::roll`] goes on to the next segment.
//!
//! ```text
//! sync the old one ─► write the next one's header, sync ─► seal the old one, sync ─► first batch
//! ```
//!
//! # Invariants
//!
//! - One batch is one write at the end of what was written before; nothing is ever overwritten.
//! - `synced` moves only when a sync came back without an error, and never beyond what was written
//!   before that sync began.
//! - There is always room for a seal behind the last batch.

use std::{io, sync::Arc};

use crate::{
    BodyKey, Lsn, OpenError,
    batch::{BATCH_HEADER_BYTES, BatchHeader, Position, batch_bytes},
    index::Location,
    record::PendingRecord,
    segment::{FORMAT, FORMAT_SEALED, SEGMENT_HEADER_BYTES, SegmentFile, SegmentHeader},
    shared::Shared,
};

/// What a seal takes.
pub(crate) const SEAL_BYTES: u64 = BATCH_HEADER_BYTES as u64;

/// A buffer larger than this is not kept for the next batch.
const BUFFER_BYTES_KEPT: usize = 1 << 20;

/// The end of a log.
#[derive(Debug)]
pub(crate) struct Log {
    salt: u64,
    active: Option<Active>,
    position: Position,
    synced: Lsn,
    /// Something was written since the last sync.
    dirty: bool,
    /// Bytes written since the log was opened.
    written_bytes: u64,
    /// The last batch is one without records, or there is none.
    vouched: bool,
    buffer: Vec<u8>,
}

/// The segment that is written to.
#[derive(Debug)]
pub(crate) struct Active {
    pub(crate) segment: SegmentFile,
    /// Where the next batch begins.
    pub(crate) offset: u64,
    pub(crate) capacity: u64,
    /// Of which format its header is.
    pub(crate) format: u32,
}

/// A write or a sync failed: on which file, and why.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) action: &'static str,
    pub(crate) file: Arc<str>,
    pub(crate) source: io::Error,
}

/// Where the bodies of a batch are.
pub(crate) type Placed = Vec<(BodyKey, Location)>;

impl Log {
    /// Goes on at `position`, everything before which is synced, and `vouched` for or not.
    pub(crate) fn new(
        salt: u64,
        active: Option<Active>,
        position: Position,
        vouched: bool,
    ) -> Self {
        let synced = position.next.previous();
        Self {
            salt,
            active,
            position,
            synced,
            dirty: false,
            written_bytes: 0,
            vouched,
            buffer: Vec::new(),
        }
    }

    /// Tells of the segment that was just begun, and which record is its first.
    pub(crate) fn tell_used(&self, shared: &Shared) {
        if let Some(active) = &self.active {
            shared.set_used(active.segment.number, self.position.next);
        }
    }

    /// Whether the log can go on in a segment that today's format has sealed.
    pub(crate) fn is_sealable(&self) -> bool {
        self.active.as_ref().is_some_and(Active::is_sealable)
    }

    /// Bytes that the active segment can still take.
    pub(crate) fn active_bytes(&self) -> u64 {
        self.active.as_ref().map_or(0, Active::room)
    }

    /// The last record that is written.
    pub(crate) fn written(&self) -> Lsn {
        self.position.next.previous()
    }

    /// Bytes written since the log was opened.
    pub(crate) const fn written_bytes(&self) -> u64 {
        self.written_bytes
    }

    /// Whether a sync has anything to do.
    pub(crate) const fn is_dirty(&self) -> bool {
        self.dirty
    }

    /// Whether the last batch has nothing behind it that vouches for it.
    pub(crate) fn is_unvouched(&self) -> bool {
        !self.vouched
    }

    /// How many of `records`, from the first on, fit into one batch in the active segment.
    pub(crate) fn fit(&self, records: &[PendingRecord]) -> usize {
        let room = self.active_bytes();
        let mut len = 0;
        records
            .iter()
            .take_while(|record| {
                len += record.frame_bytes();
                batch_bytes(len) as u64 <= room
            })
            .count()
    }

    /// Whether a batch without records fits.
    pub(crate) fn fits_empty(&self) -> bool {
        BATCH_HEADER_BYTES as u64 <= self.active_bytes()
    }

    /// Writes `records` (which [`Log::fit`]) as one batch. None of them: a batch that only vouches.
    pub(crate) fn write(&mut self, records: &[PendingRecord]) -> Result<Placed, Failure> {
        let active = self.active.as_mut().expect("the writer rolls before it writes");
        let batch = Encoder { synced: self.synced, active };
        let (placed, after) = batch.encode(self.position, records, &mut self.buffer);
        let written = active.segment.file.write_all_at(&self.buffer, active.offset);
        written.map_err(|source| active.failure("write", source))?;
        active.offset += self.buffer.len() as u64;
        self.written_bytes += self.buffer.len() as u64;
        self.position = after;
        self.dirty = true;
        self.vouched = records.is_empty();
        self.buffer.clear();
        self.buffer.shrink_to(BUFFER_BYTES_KEPT);
        Ok(placed)
    }

    /// Makes everything written durable.
    pub(crate) fn sync(&mut self) -> Result<(), Failure> {
        if let (Some(active), true) = (&self.active, self.dirty) {
            let synced = active.segment.file.sync_data();
            synced.map_err(|source| active.failure("sync", source))?;
        }
        self.dirty = false;
        self.synced = self.written();
        Ok(())
    }

    /// Goes on to `spare`, once the segment before it is synced, and sealed when `spare` has its header.
    pub(crate) fn roll(&mut self, spare: SegmentFile, capacity: u64) -> Result<(), Failure> {
        self.sync()?;
        let next = Active::begin(spare, self.salt, self.position, capacity)?;
        if let Some(last) = self.active.as_ref().filter(|last| last.is_sealable()) {
            seal(&last.segment, last.offset, self.position)?;
            self.written_bytes += SEAL_BYTES;
        }
        self.written_bytes += SEGMENT_HEADER_BYTES as u64;
        self.active = Some(next);
        Ok(())
    }
}

/// Writes behind the last batch of a segment that the log goes on in the next one, durably.
pub(crate) fn seal(segment: &SegmentFile, offset: u64, at: Position) -> Result<(), Failure> {
    let batch = BatchHeader::empty(at, true).encode(segment.epoch);
    write_durably(segment, &batch, offset)
}

fn write_durably(segment: &SegmentFile, bytes: &[u8], offset: u64) -> Result<(), Failure> {
    let failure = |action| {
        let file = Arc::clone(&segment.path);
        move |source| Failure { action, file, source }
    };
    segment.file.write_all_at(bytes, offset).map_err(failure("write"))?;
    segment.file.sync_data().map_err(failure("sync"))
}

impl Failure {
    /// The same, where it ends an opening.
    pub(crate) fn into_open_error(self) -> OpenError {
        OpenError::io(self.action, &*self.file)(self.source)
    }
}

impl Active {
    /// Gives a spare its header, durably.
    fn begin(
        segment: SegmentFile,
        salt: u64,
        start: Position,
        capacity: u64,
    ) -> Result<Self, Failure> {
        let number = segment.number;
        let header = SegmentHeader { format: FORMAT, salt, number, start, capacity };
        write_durably(&segment, &header.encode(segment.epoch), 0)?;
        Ok(Self { segment, offset: SEGMENT_HEADER_BYTES as u64, capacity, format: FORMAT })
    }

    /// One of an earlier format may be full to the last byte.
    fn is_sealable(&self) -> bool {
        self.format >= FORMAT_SEALED
    }

    fn room(&self) -> u64 {
        self.capacity.saturating_sub(self.offset + SEAL_BYTES)
    }

    fn failure(&self, action: &'static str, source: io::Error) -> Failure {
        Failure { action, file: Arc::clone(&self.segment.path), source }
    }
}

/// Turns records into the bytes of one write.
struct Encoder<'a> {
    synced: Lsn,
    active: &'a Active,
}

impl Encoder<'_> {
    /// Fills `out`, and says where the bodies will be and what follows the batch.
    fn encode(
        &self,
        at: Position,
        records: &[PendingRecord],
        out: &mut Vec<u8>,
    ) -> (Placed, Position) {
        out.clear();
        let batch_start = out.len();
        out.extend_from_slice(&[0; BATCH_HEADER_BYTES]);
        let (placed, after) = self.encode_records(at, records, out);
        let records_len = out.len() - batch_start - BATCH_HEADER_BYTES;
        let header = self.batch_header(at, records.len(), records_len);
        out[batch_start..batch_start + BATCH_HEADER_BYTES].copy_from_slice(&header);
        out.resize(batch_start + batch_bytes(records_len), 0);
        (placed, after)
    }

    fn encode_records(
        &self,
        mut at: Position,
        records: &[PendingRecord],
        out: &mut Vec<u8>,
    ) -> (Placed, Position) {
        let mut placed = Vec::new();
        for record in records {
            assert_eq!(record.lsn, at.next, "records are written in their order");
            let prev = record.encode(self.active.segment.epoch, at.prev, out, |key, start, len| {
                placed.push((key, self.location(start, len)));
            });
            at = Position { next: at.next.next(), prev };
        }
        (placed, at)
    }

    fn location(&self, start: usize, len: usize) -> Location {
        const SMALL: &str = "a segment is at most 1 GiB";
        let offset = u32::try_from(self.active.offset + start as u64).expect(SMALL);
        let len = u32::try_from(len).expect(SMALL);
        Location { segment: self.active.segment.number, offset, len }
    }

    fn batch_header(&self, at: Position, count: usize, len: usize) -> [u8; BATCH_HEADER_BYTES] {
        const SMALL: &str = "a batch is smaller than a segment";
        let header = BatchHeader {
            first_lsn: at.next,
            synced_through: self.synced,
            len: u32::try_from(len).expect(SMALL),
            count: u32::try_from(count).expect(SMALL),
            prev: at.prev,
            seals: false,
        };
        header.encode(self.active.segment.epoch)
    }
}
