//! What the wall clock showed at an internal time: how far apart the two were, since when.
//!
//! # Invariants
//!
//! - It follows from the log's records alone.
//! - What a time was shown as stays so, but for what is older than the last [`OFFSETS_MAX`] changes.

use std::collections::BTreeMap;
use std::time::Duration;

use longshore_types::Timestamp;

use super::times::shifted;

/// Changes of the offset that are remembered. With more of them, what is older than all of these is
/// shown by the oldest that is left.
const OFFSETS_MAX: usize = 1024;

/// The offsets of shown from internal time.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Shown {
    /// From which internal time on which offset holds. Before all of them there was none.
    offsets: BTreeMap<Timestamp, i64>,
    /// The time of the last record.
    last: Timestamp,
}

impl Shown {
    /// Notes the offset that a record of `at` bears. A record of the same time that bore another
    /// keeps it.
    pub(super) fn note(&mut self, at: Timestamp, offset: i64) {
        let current = self.offsets.last_key_value().map_or(0, |(_, offset)| *offset);
        if offset != current {
            let from = if at > self.last { at } else { self.last + Duration::from_millis(1) };
            self.offsets.insert(from, offset);
            self.forget();
        }
        self.last = self.last.max(at);
    }

    /// Has the second oldest offset hold from the beginning, once there are too many.
    fn forget(&mut self) {
        if self.offsets.len() > OFFSETS_MAX {
            self.offsets.pop_first();
            let oldest = self.offsets.pop_first();
            self.offsets.extend(oldest.map(|(_, offset)| (Timestamp::ZERO, offset)));
        }
    }

    /// From which times on which offsets hold.
    pub(super) fn offsets(&self) -> Vec<(Timestamp, i64)> {
        self.offsets.iter().map(|(from, offset)| (*from, *offset)).collect()
    }

    /// What was told by [`Shown::offsets`] and [`Shown::last_record`].
    pub(super) fn restored(offsets: Vec<(Timestamp, i64)>, last: Timestamp) -> Self {
        Self { offsets: offsets.into_iter().collect(), last }
    }

    /// The time of the last record.
    pub(super) const fn last_record(&self) -> Timestamp {
        self.last
    }

    /// What the wall clock showed at an internal time.
    pub(super) fn at(&self, time: Timestamp) -> Timestamp {
        let offset = self.offsets.range(..=time).next_back();
        shifted(time, offset.map_or(0, |(_, offset)| *offset))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn what_a_time_was_shown_as_stays_so() {
        let mut shown = Shown::default();
        shown.note(at(100), 0);
        shown.note(at(100), -50);
        shown.note(at(200), -50);
        shown.note(at(300), 7);
        let showed = [100, 101, 299, 300].map(|time| shown.at(at(time)).as_millis());
        assert_eq!(showed, [100, 51, 249, 307]);
    }

    #[test]
    fn of_too_many_corrections_the_oldest_are_forgotten() {
        let mut shown = Shown::default();
        let count = 3 * OFFSETS_MAX as u64;
        for number in 1..=count {
            shown.note(at(10 * number), i64::try_from(number).unwrap());
        }
        assert_eq!(shown.offsets.len(), OFFSETS_MAX);
        assert_eq!(shown.at(at(10 * count)), at(11 * count));
        let oldest_left = count - OFFSETS_MAX as u64 + 1;
        assert_eq!(shown.at(at(5)), at(5 + oldest_left), "by the oldest that is left");
    }
}
