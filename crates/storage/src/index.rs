//! Where on the disk each body is, and how many live bodies a segment still holds.
//!
//! About 50 bytes of memory for a body, whatever its size: a backlog costs that and no more. The map
//! is kept in shards, because a map that grows moves all of its entries at once, and everybody waits.

use std::collections::{BTreeMap, HashMap};

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

/// How many maps share the keys: with a million bodies, one that grows moves 16,000.
const SHARDS: u64 = 64;

/// Key → location, and the sum of it by segment.
#[derive(Debug)]
pub(crate) struct Index {
    shards: Vec<HashMap<BodyKey, Location>>,
    live: BTreeMap<SegmentNumber, Live>,
}

impl Default for Index {
    fn default() -> Self {
        let shards = (0..SHARDS).map(|_| HashMap::new()).collect();
        Self { shards, live: BTreeMap::new() }
    }
}

impl Index {
    pub(crate) fn insert(&mut self, key: BodyKey, location: Location) {
        self.remove(key);
        self.shards[shard(key)].insert(key, location);
        let live = self.live.entry(location.segment).or_default();
        live.bodies += 1;
        live.bytes += u64::from(location.len);
    }

    pub(crate) fn get(&self, key: BodyKey) -> Option<Location> {
        self.shards[shard(key)].get(&key).copied()
    }

    pub(crate) fn remove(&mut self, key: BodyKey) {
        let Some(location) = self.shards[shard(key)].remove(&key) else { return };
        let live = self.live.entry(location.segment).or_default();
        live.bodies -= 1;
        live.bytes -= u64::from(location.len);
    }

    /// How many bodies it knows.
    pub(crate) fn len(&self) -> usize {
        self.shards.iter().map(HashMap::len).sum()
    }

    /// In how many parts [`Index::places`] tells.
    pub(crate) fn shards(&self) -> usize {
        self.shards.len()
    }

    /// Where the bodies of one part are.
    pub(crate) fn places(&self, shard: usize) -> Vec<(BodyKey, Location)> {
        self.shards[shard].iter().map(|(key, location)| (*key, *location)).collect()
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

fn shard(key: BodyKey) -> usize {
    usize::try_from(key.0 % SHARDS).expect("there are few shards")
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
}
