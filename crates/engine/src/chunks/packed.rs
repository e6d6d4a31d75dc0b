//! Packed items that are no more than a place: times and keys.

use longshore_types::Timestamp;

use super::Item;
use crate::MessageKey;
use crate::group::GroupNumber;

/// A time packs into four bytes with a base up to 24 days away from it, and messages live for 14.
const REACH_MILLIS: u64 = 1 << 31;

/// The base of times around this one.
pub(crate) fn base_before(at: Timestamp) -> Timestamp {
    Timestamp::from_millis(at.as_millis().saturating_sub(REACH_MILLIS))
}

/// How far a time is behind a base, if that is not too far.
pub(crate) fn offset(at: Timestamp, base: Timestamp) -> Option<u32> {
    u32::try_from(at.as_millis().checked_sub(base.as_millis())?).ok()
}

/// The time so far behind a base.
fn at(offset: u32, base: Timestamp) -> Timestamp {
    Timestamp::from_millis(base.as_millis() + u64::from(offset))
}

/// A number in two halves, which are not aligned to eight bytes.
#[expect(clippy::cast_possible_truncation, reason = "each half has 32 bits")]
const fn halves(number: u64) -> [u32; 2] {
    [(number >> 32) as u32, number as u32]
}

/// The number of two halves.
fn from_halves([high, low]: [u32; 2]) -> u64 {
    u64::from(high) << 32 | u64::from(low)
}

/// A time and a message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spot {
    offset: u32,
    key: [u32; 2],
}

impl Item for Spot {
    type Full = (Timestamp, MessageKey);
    type Place = (Timestamp, MessageKey);
    type Base = Timestamp;

    fn place_of(full: &Self::Full) -> Self::Place {
        *full
    }

    fn base_of((time, _): &Self::Full) -> Timestamp {
        base_before(*time)
    }

    fn pack((time, key): &Self::Full, base: Timestamp) -> Option<Self> {
        Some(Self { offset: offset(*time, base)?, key: halves(key.get()) })
    }

    fn full(&self, base: Timestamp) -> Self::Full {
        (at(self.offset, base), MessageKey::new(from_halves(self.key)))
    }

    fn place(&self, base: Timestamp) -> Self::Place {
        self.full(base)
    }

    fn guess((_, first): Self::Place, (_, key): Self::Place) -> u64 {
        key.get().wrapping_sub(first.get())
    }
}

/// A message of a group, by its time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Member {
    group: [u32; 2],
    spot: Spot,
}

impl Item for Member {
    type Full = (GroupNumber, Timestamp, MessageKey);
    type Place = (GroupNumber, Timestamp, MessageKey);
    type Base = Timestamp;

    fn place_of(full: &Self::Full) -> Self::Place {
        *full
    }

    fn base_of((_, time, _): &Self::Full) -> Timestamp {
        base_before(*time)
    }

    fn pack((group, time, key): &Self::Full, base: Timestamp) -> Option<Self> {
        Some(Self { group: halves(group.get()), spot: Spot::pack(&(*time, *key), base)? })
    }

    fn full(&self, base: Timestamp) -> Self::Full {
        let (time, key) = self.spot.full(base);
        (GroupNumber::new(from_halves(self.group)), time, key)
    }

    fn place(&self, base: Timestamp) -> Self::Place {
        self.full(base)
    }

    fn guess((_, _, first): Self::Place, (_, _, key): Self::Place) -> u64 {
        key.get().wrapping_sub(first.get())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_take_few_bytes() {
        assert_eq!((size_of::<Spot>(), size_of::<Member>()), (12, 20));
    }

    #[test]
    fn a_time_packs_with_a_base_near_by_whatever_the_clock_says() {
        for millis in [0, 1, 1_700_000_000_000, u64::MAX] {
            let time = Timestamp::from_millis(millis);
            let base = base_before(time);
            assert_eq!(at(offset(time, base).unwrap(), base), time);
            assert!(millis < 1 << 33 || offset(Timestamp::from_millis(1), base).is_none());
        }
    }
}
