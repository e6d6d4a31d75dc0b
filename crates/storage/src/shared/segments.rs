//! Which segments there are: those in use, those given up, and the spares that the allocator makes.

use std::{collections::BTreeMap, sync::PoisonError, time::Duration};

use super::{Chore, Shared};
use crate::{Lsn, epoch::SegmentNumber, segment::SegmentFile, space::Warmth};

impl Shared {
    /// The segment that is written to.
    pub(crate) fn active(&self) -> Option<SegmentNumber> {
        self.state().used.last_key_value().map(|(number, _)| *number)
    }

    /// The segments that hold records or bodies, each with its first record.
    pub(crate) fn used(&self) -> BTreeMap<SegmentNumber, Lsn> {
        self.state().used.clone()
    }

    /// Tells of a segment, and which record is its first.
    pub(crate) fn set_used(&self, number: SegmentNumber, first: Lsn) {
        let before = self.active();
        self.state().used.insert(number, first);
        // From now on it is only read.
        if let Some(before) = before {
            self.bodies.open_later(before);
        }
    }

    pub(crate) fn set_immovable(&self, number: SegmentNumber) {
        self.state().immovable.insert(number);
    }

    pub(crate) fn is_immovable(&self, number: SegmentNumber) -> bool {
        self.state().immovable.contains(&number)
    }

    /// Gives segments up: the allocator makes spares of them, or removes them.
    pub(crate) fn retire(&self, numbers: &[SegmentNumber]) {
        for number in numbers {
            let file = self.bodies.retire(*number);
            let mut state = self.state();
            state.used.remove(number);
            if let Some(file) = file {
                state.space.retire(file);
            }
        }
        self.allocate.notify_all();
    }

    /// Takes in segments that were given up before the store was opened.
    pub(crate) fn recycle(&self, files: Vec<SegmentFile>) {
        let mut state = self.state();
        for file in files {
            state.space.retire(file);
        }
    }

    /// Takes a segment that was given up.
    pub(crate) fn take_retired(&self) -> Option<SegmentFile> {
        self.state().space.take_retired()
    }

    /// Whether a spare is wanted so soon that there is no time to write zeros first.
    pub(crate) fn is_short_of_spares(&self) -> bool {
        self.state().space.front().is_none()
    }

    /// The spare to make next, unless there are enough or the disk is full.
    pub(crate) fn wanted_spare(&self) -> Option<SegmentNumber> {
        let state = self.state();
        state.space.wanted().filter(|_| !state.space.is_full())
    }

    /// Waits for something to do; after a full disk, at least for `retry`.
    pub(crate) fn next_chore(&self, retry: Duration) -> Chore {
        let mut state = self.state();
        if state.space.is_full() {
            let paused = self.allocate.wait_timeout_while(state, retry, |state| {
                !state.ending() && !state.space.has_retired()
            });
            state = paused.unwrap_or_else(PoisonError::into_inner).0;
        }
        loop {
            if let Some(chore) = state.chore() {
                return chore;
            }
            state = self.allocate.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// What is to be done now, if anything.
    #[cfg(feature = "faults")]
    pub(crate) fn chore_now(&self) -> Option<Chore> {
        self.state().chore()
    }

    /// Adds a segment that was made. True if the disk had been full.
    pub(crate) fn add_spare(&self, segment: SegmentFile, warmth: Warmth) -> bool {
        self.bodies.add_segment(segment.clone());
        let was_full = self.state().space.add(segment, warmth);
        self.room.notify_waiters();
        self.spare.notify_all();
        was_full
    }

    /// Notes that the disk is full. True if that is news.
    pub(crate) fn set_full(&self) -> bool {
        let news = self.state().space.set_full();
        self.room.notify_waiters();
        news
    }

    /// Whether warming should stop: the writer waits for that very segment, or all ends.
    pub(crate) fn is_hurried(&self) -> bool {
        let state = self.state();
        state.ending() || (state.hurry && state.front_is_warming())
    }

    pub(crate) fn end_warming(&self) {
        self.state().space.end_warming();
        self.spare.notify_all();
    }
}
