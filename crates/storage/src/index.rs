//! Where on the disk each body is, and how many live bodies a segment still holds.
//!
//! About 13 bytes of memory for a body, whatever its size: a backlog costs that and no more. Keys are given in
//! order and are dense, so the places of bodies whose keys are side by side are in one block, without the
//! keys. What is left of a block that few bodies live in goes to a map that has keys.
//!
//! # Invariants
//!
//! - A body is in a block or in the map of the rest, never in both.
//! - A block with fewer bodies than a sixteenth of its keys is the last that was begun: what stays long beside
//!   much that comes and goes costs no more than an entry of a map.
//! - No operation moves more than one block's worth of places, however many there are.

use std::collections::BTreeMap;
use std::iter;
use std::ops::Bound::{Excluded, Unbounded};

use crate::{BodyKey, epoch::SegmentNumber};

/// Where a body's frame begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Location {
    pub(crate) segment: SegmentNumber,
    pub(crate) offset: u32,
    /// Bytes of the body, without its header.
    pub(crate) len: u32,
}

/// What of a segment is still wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Live {
    pub(crate) bodies: u32,
    pub(crate) bytes: u64,
}

/// How many keys a block is for: one for each bit of what says which are there.
const BLOCK: u64 = 128;
/// With fewer places than this, a block costs more than the map.
const PLACES_MIN: usize = 8;

/// The places of those of 128 keys whose bodies live.
#[derive(Debug, Default)]
struct Block {
    /// A bit for each key, that of the first one last.
    there: u128,
    /// In the order of the keys.
    places: Vec<Location>,
}

impl Block {
    fn has(&self, at: u32) -> bool {
        self.there >> at & 1 == 1
    }

    /// How many of the keys before that one are there.
    fn rank(&self, at: u32) -> usize {
        (self.there & ((1 << at) - 1)).count_ones() as usize
    }

    fn get(&self, at: u32) -> Option<Location> {
        self.has(at).then(|| self.places[self.rank(at)])
    }

    /// Notes a place that is not there.
    fn insert(&mut self, at: u32, place: Location) {
        self.places.insert(self.rank(at), place);
        self.there |= 1 << at;
    }

    fn remove(&mut self, at: u32) -> Option<Location> {
        let place = self.has(at).then(|| self.places.remove(self.rank(at)))?;
        self.there &= !(1 << at);
        let len = self.places.len();
        if len.is_power_of_two() && len > 1 {
            self.places.shrink_to(len + len / 2);
        }
        Some(place)
    }

    /// The places from there on, each with its key in the block.
    fn from(&self, at: u32) -> impl Iterator<Item = (u32, Location)> + '_ {
        let mut left = self.there & !((1 << at) - 1);
        let places = self.places[self.rank(at)..].iter();
        places.map(move |place| {
            let at = left.trailing_zeros();
            left &= left - 1;
            (at, *place)
        })
    }
}

/// Key → location, and the sum of it by segment.
#[derive(Debug, Default)]
pub(crate) struct Index {
    blocks: BTreeMap<u64, Block>,
    /// The block that was begun last.
    begun: Option<u64>,
    rest: BTreeMap<BodyKey, Location>,
    live: BTreeMap<SegmentNumber, Live>,
}

impl Index {
    pub(crate) fn insert(&mut self, key: BodyKey, location: Location) {
        self.remove(key);
        let (number, at) = block_of(key);
        match self.blocks.get_mut(&number) {
            Some(block) => block.insert(at, location),
            None => self.begin(number).insert(at, location),
        }
        let live = self.live.entry(location.segment).or_default();
        live.bodies += 1;
        live.bytes += u64::from(location.len);
    }

    fn begin(&mut self, number: u64) -> &mut Block {
        if let Some(before) = self.begun.replace(number) {
            self.give_up_if_sparse(before);
        }
        self.blocks.entry(number).or_default()
    }

    /// What is left in a block that few bodies live in goes to the rest.
    fn give_up_if_sparse(&mut self, number: u64) {
        let is_sparse = |block: &Block| block.places.len() < PLACES_MIN;
        if self.begun == Some(number) || !self.blocks.get(&number).is_some_and(is_sparse) {
            return;
        }
        if let Some(block) = self.blocks.remove(&number) {
            self.rest.extend(block.from(0).map(|(at, place)| (key_of(number, at), place)));
        }
    }

    pub(crate) fn get(&self, key: BodyKey) -> Option<Location> {
        let (number, at) = block_of(key);
        let in_block = self.blocks.get(&number).and_then(|block| block.get(at));
        in_block.or_else(|| self.rest.get(&key).copied())
    }

    pub(crate) fn remove(&mut self, key: BodyKey) {
        let Some(location) = self.take(key) else { return };
        let live = self.live.entry(location.segment).or_default();
        live.bodies -= 1;
        live.bytes -= u64::from(location.len);
    }

    fn take(&mut self, key: BodyKey) -> Option<Location> {
        let (number, at) = block_of(key);
        match self.blocks.get_mut(&number).and_then(|block| block.remove(at)) {
            Some(place) => {
                self.give_up_if_sparse(number);
                Some(place)
            }
            None => self.rest.remove(&key),
        }
    }

    /// How many bodies it knows.
    pub(crate) fn len(&self) -> usize {
        self.live.values().map(|live| live.bodies as usize).sum()
    }

    /// Where the bodies behind that key are, or the first bodies, in the order of the keys: at most `count`.
    pub(crate) fn places_after(
        &self,
        key: Option<BodyKey>,
        count: usize,
    ) -> Vec<(BodyKey, Location)> {
        let Some(first) = key.map_or(Some(0), |key| key.0.checked_add(1)) else {
            return Vec::new();
        };
        let (number, at) = block_of(BodyKey(first));
        let in_blocks = self.blocks.range(number..).flat_map(move |(each, block)| {
            let from = if *each == number { at } else { 0 };
            block.from(from).map(|(at, place)| (key_of(*each, at), place))
        });
        let rest = self.rest.range((key.map_or(Unbounded, Excluded), Unbounded));
        let rest = rest.map(|(key, place)| (*key, *place));
        in_order_of_keys(in_blocks, rest).take(count).collect()
    }

    /// Forgets a segment without live bodies.
    pub(crate) fn forget_segment(&mut self, number: SegmentNumber) {
        if self.live.get(&number).is_some_and(|live| live.bodies == 0) {
            self.live.remove(&number);
        }
    }

    /// The live bodies of every segment that holds some, or did so lately.
    pub(crate) fn live(&self) -> &BTreeMap<SegmentNumber, Live> {
        &self.live
    }
}

/// In which block a key is, and where in it.
fn block_of(key: BodyKey) -> (u64, u32) {
    let at = u32::try_from(key.0 % BLOCK).expect("a block has few keys");
    (key.0 / BLOCK, at)
}

fn key_of(number: u64, at: u32) -> BodyKey {
    BodyKey(number * BLOCK + u64::from(at))
}

fn in_order_of_keys(
    left: impl Iterator<Item = (BodyKey, Location)>,
    right: impl Iterator<Item = (BodyKey, Location)>,
) -> impl Iterator<Item = (BodyKey, Location)> {
    let (mut left, mut right) = (left.peekable(), right.peekable());
    iter::from_fn(move || match (left.peek(), right.peek()) {
        (Some((one, _)), Some((other, _))) if other < one => right.next(),
        (Some(_), _) => left.next(),
        (None, _) => right.next(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_counts_only_the_bodies_that_are_still_wanted() {
        let mut index = Index::default();
        let location = Location { segment: SegmentNumber(3), offset: 64, len: 10 };
        index.insert(BodyKey(1), location);
        index.insert(BodyKey(2), Location { offset: 128, ..location });
        index.remove(BodyKey(1));
        index.remove(BodyKey(1));
        assert_eq!(index.live()[&SegmentNumber(3)], Live { bodies: 1, bytes: 10 });
        assert_eq!((index.get(BodyKey(1)), index.len()), (None, 1));
    }

    fn place(number: u64) -> Location {
        let offset = u32::try_from(number % 1000).unwrap();
        Location { segment: SegmentNumber(1 + offset % 7), offset, len: offset % 90 }
    }

    /// What is in an index, by asking it in every way.
    fn assert_same(index: &Index, model: &BTreeMap<BodyKey, Location>, keys: u64) {
        assert_eq!(index.len(), model.len());
        for key in (0..keys).map(BodyKey) {
            assert_eq!(index.get(key), model.get(&key).copied());
        }
        let (mut told, mut after) = (Vec::new(), None);
        loop {
            let next = index.places_after(after, 33);
            let Some((last, _)) = next.last() else { break };
            after = Some(*last);
            told.extend(next);
        }
        assert!(told.into_iter().eq(model.iter().map(|(key, place)| (*key, *place))));
        let bodies = index.live().values().map(|live| live.bodies as usize).sum::<usize>();
        let bytes = index.live().values().map(|live| live.bytes).sum::<u64>();
        let expected = model.values().map(|place| u64::from(place.len)).sum();
        assert_eq!((bodies, bytes), (model.len(), expected));
    }

    #[test]
    fn an_index_is_a_map_whatever_comes_and_goes() {
        for seed in 0..20_u64 {
            let (mut index, mut model) = (Index::default(), BTreeMap::new());
            for step in 0..6000_u64 {
                let number = (seed * 10_000 + step).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 24;
                let key = BodyKey(if number % 3 == 0 { step } else { number % 6000 });
                if number / 3 % 3 < 1 + seed % 2 {
                    index.insert(key, place(number));
                    model.insert(key, place(number));
                } else {
                    index.remove(key);
                    model.remove(&key);
                }
            }
            assert_same(&index, &model, 6000);
        }
    }

    #[test]
    fn places_of_dense_keys_take_no_more_than_their_bytes() {
        let mut index = Index::default();
        (0..100_000).for_each(|key| index.insert(BodyKey(key), place(key)));
        let capacity: usize = index.blocks.values().map(|block| block.places.capacity()).sum();
        assert!(capacity <= 100_000 + 128, "{capacity}");
        assert_eq!(size_of::<Location>(), 12);
    }

    #[test]
    fn few_bodies_that_stay_among_many_that_go_keep_no_blocks() {
        let mut index = Index::default();
        for key in 0..100_000 {
            index.insert(BodyKey(key), place(key));
            if key >= 50 && (key - 50) % 100 != 0 {
                index.remove(BodyKey(key - 50));
            }
        }
        assert!(index.blocks.len() < 10, "{}", index.blocks.len());
        let mut again = Index::default();
        index.places_after(None, usize::MAX).iter().for_each(|(key, at)| again.insert(*key, *at));
        assert_eq!(again.len(), index.len());
        assert!(again.blocks.len() <= 2, "{}", again.blocks.len());
    }

    #[test]
    fn a_block_gives_its_memory_back_as_its_bodies_go() {
        let mut index = Index::default();
        (0..256).for_each(|key| index.insert(BodyKey(key), place(key)));
        (0..112).for_each(|key| index.remove(BodyKey(key)));
        assert!(index.blocks[&0].places.capacity() <= 24, "{}", index.blocks[&0].places.capacity());
    }
}
