//! How much may still be promised: the room in the log, and what is waiting to be written.
//!
//! A record cannot be cut in two, so the end of a segment may stay empty. Each segment is therefore
//! counted as one record of the largest size less than it holds; then whatever was promised fits,
//! in whatever order it is appended.
//!
//! ```text
//! active segment        spare          spare          spare
//! ├ written ┤ room ├m┤  ├ room ─┼─m┤   ├ room ─┼─m┤   ├ room ─┼─m┤      m: the largest record
//!                        └─ not for Purpose::Grow ──┴─ nor for Purpose::Keep ───┘
//! ```
//!
//! A little of the last segment is for starts alone: a store that is full must still open.
//!
//! # Invariants
//!
//! - Promised bytes (reserved, or appended and not yet written) never exceed the usable room: the
//!   writer always finds a segment, and never finds the disk full.
//! - `Grow` leaves two segments untouched, and `Keep` one, so that receives go on when the disk is
//!   full, and deletes when there were many receives.

use std::collections::VecDeque;

use crate::{
    Purpose, ReserveError,
    batch::{BATCH_HEADER_BYTES, BATCH_OVERHEAD_MAX},
    epoch::SegmentNumber,
    log::SEAL_BYTES,
    segment::{SEGMENT_HEADER_BYTES, SegmentFile},
};

/// Spare segments kept from what makes the store larger.
const HEADROOM_SEGMENTS: u64 = 2;
/// Spare segments that the allocator keeps ready.
const SPARE_SEGMENTS: u64 = HEADROOM_SEGMENTS + 1;

/// Retired segments that are kept, to make spares of them.
const RETIRED_SEGMENTS: usize = 2;

/// What is kept for starts is this part of the largest record: 2 MiB, some ten thousand starts.
const START_SHARE: u64 = 4;

/// What an empty batch is counted as.
pub(crate) const VOUCH_CHARGE: u64 = BATCH_HEADER_BYTES as u64;

/// Whether the zeros of a spare are on the disk, or only promised by the file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Warmth {
    /// Its space is taken, but not yet written.
    Cold,
    /// Zeros are being written.
    Warming,
    /// Written: a sync of it changes no metadata of the file system, and so costs half as much.
    Warm,
}

/// An empty segment at the end of the line.
#[derive(Debug)]
pub(crate) struct Spare {
    pub(crate) segment: SegmentFile,
    pub(crate) warmth: Warmth,
}

/// The account of room and promises.
#[derive(Debug)]
pub(crate) struct Space {
    segment_bytes: u64,
    record_bytes_max: u64,
    pending_bytes_max: u64,
    /// Bytes behind the last batch of the active segment.
    active_bytes: u64,
    promised: u64,
    spares: VecDeque<Spare>,
    next_number: SegmentNumber,
    /// Segments that nobody needs any more, still full of what they held.
    retired: VecDeque<SegmentFile>,
    full: bool,
}

impl Space {
    pub(crate) fn new(segment_bytes: u64, pending_bytes_max: usize, first: SegmentNumber) -> Self {
        Self {
            segment_bytes,
            record_bytes_max: segment_bytes / 4,
            pending_bytes_max: pending_bytes_max as u64,
            active_bytes: 0,
            promised: 0,
            spares: VecDeque::new(),
            next_number: first,
            retired: VecDeque::new(),
            full: false,
        }
    }

    /// What a record of `bytes` is counted as.
    pub(crate) fn charge(bytes: u64) -> u64 {
        bytes + BATCH_OVERHEAD_MAX
    }

    /// Promises room for a charge, or says why not.
    pub(crate) fn promise(&mut self, charge: u64, purpose: Purpose) -> Result<(), ReserveError> {
        self.check(charge, purpose)?;
        self.promised += charge;
        Ok(())
    }

    /// Whether [`Space::promise`] would succeed.
    pub(crate) fn check(&self, charge: u64, purpose: Purpose) -> Result<(), ReserveError> {
        if purpose == Purpose::Look {
            return Ok(());
        }
        self.check_size(charge)?;
        let promised = self.promised + charge;
        if promised > self.pending_bytes_max && self.promised > 0 {
            return Err(ReserveError::Busy);
        }
        if promised <= self.usable(purpose) {
            return Ok(());
        }
        Err(if self.full { ReserveError::Full } else { ReserveError::Busy })
    }

    fn check_size(&self, charge: u64) -> Result<(), ReserveError> {
        let bytes_max = self.record_bytes_max - BATCH_OVERHEAD_MAX;
        let bytes = charge - BATCH_OVERHEAD_MAX;
        if bytes > bytes_max { Err(ReserveError::TooLarge { bytes, bytes_max }) } else { Ok(()) }
    }

    /// What an empty segment takes.
    const fn empty_bytes(&self) -> u64 {
        self.segment_bytes - SEGMENT_HEADER_BYTES as u64 - SEAL_BYTES
    }

    fn usable(&self, purpose: Purpose) -> u64 {
        let spare_bytes = self.empty_bytes() - self.record_bytes_max;
        let active_bytes = self.active_bytes.saturating_sub(self.record_bytes_max);
        let all = active_bytes + self.spares.len() as u64 * spare_bytes;
        // Once somebody has gone into the headroom, the segment that it opened is its own too.
        let kept = match purpose {
            Purpose::Look | Purpose::Start => 0,
            Purpose::Shrink => self.record_bytes_max / START_SHARE,
            Purpose::Keep => spare_bytes,
            Purpose::Grow => HEADROOM_SEGMENTS * spare_bytes,
        };
        all.saturating_sub(kept)
    }

    /// Takes back a promise: it was kept, or is no longer wanted.
    pub(crate) fn settle(&mut self, charge: u64) {
        self.promised -= charge;
    }

    /// Promises room for an empty batch, if there is any beside all other promises.
    pub(crate) fn promise_vouch(&mut self) -> bool {
        let promised = self.promised + VOUCH_CHARGE;
        let fits = promised <= self.usable(Purpose::Shrink);
        if fits {
            self.promised = promised;
        }
        fits
    }

    /// Tells how much room the active segment has left.
    pub(crate) fn set_active_bytes(&mut self, bytes: u64) {
        self.active_bytes = bytes;
    }

    /// The number of the next segment to allocate, if one is wanted.
    pub(crate) fn wanted(&self) -> Option<SegmentNumber> {
        ((self.spares.len() as u64) < SPARE_SEGMENTS).then_some(self.next_number)
    }

    /// Adds an allocated segment: the one that was wanted. True if the disk had been full.
    pub(crate) fn add(&mut self, segment: SegmentFile, warmth: Warmth) -> bool {
        self.next_number = segment.number.next();
        self.spares.push_back(Spare { segment, warmth });
        std::mem::replace(&mut self.full, false)
    }

    /// Adds a segment that nobody needs any more.
    pub(crate) fn retire(&mut self, segment: SegmentFile) {
        self.retired.push_back(segment);
    }

    pub(crate) fn has_retired(&self) -> bool {
        !self.retired.is_empty()
    }

    pub(crate) fn take_retired(&mut self) -> Option<SegmentFile> {
        self.retired.pop_front()
    }

    /// Takes a retired segment, if there are more than the next spares will be made of.
    pub(crate) fn take_surplus(&mut self) -> Option<SegmentFile> {
        if self.retired.len() > RETIRED_SEGMENTS { self.take_retired() } else { None }
    }

    /// Notes that the disk is full. True if that is news.
    pub(crate) fn set_full(&mut self) -> bool {
        !std::mem::replace(&mut self.full, true)
    }

    /// What is promised and not yet settled, as it is counted.
    pub(crate) fn promised(&self) -> u64 {
        self.promised
    }

    pub(crate) fn is_full(&self) -> bool {
        self.full
    }

    /// The spare that the writer takes next.
    pub(crate) fn front(&self) -> Option<&Spare> {
        self.spares.front()
    }

    /// Takes the spare that [`Space::front`] showed: it is the active segment from now on.
    pub(crate) fn take_front(&mut self) -> Option<SegmentFile> {
        let spare = self.spares.pop_front()?;
        self.active_bytes = self.empty_bytes();
        Some(spare.segment)
    }

    /// The spare that is used next, if it is cold; it counts as warming from now on. Those behind it
    /// are not warmed yet: a store that stays small should not write what it may never need.
    pub(crate) fn begin_warming(&mut self) -> Option<SegmentFile> {
        let spare = self.spares.front_mut().filter(|spare| spare.warmth == Warmth::Cold)?;
        spare.warmth = Warmth::Warming;
        Some(spare.segment.clone())
    }

    /// Ends what [`Space::begin_warming`] began.
    pub(crate) fn end_warming(&mut self) {
        for spare in self.spares.iter_mut().filter(|spare| spare.warmth == Warmth::Warming) {
            spare.warmth = Warmth::Warm;
        }
    }
}
