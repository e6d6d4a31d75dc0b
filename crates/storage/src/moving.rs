//! Bodies that are moved on: few long-lived ones would keep a whole segment.
//!
//! The log may be three times as large as the bodies that live in it, and a few segments. If it is
//! larger, the emptiest segment is read, and its bodies are appended once more, by the caller: who knows
//! which are still wanted, and keeps others from releasing them meanwhile. The next checkpoint gives
//! the segment back.
//!
//! # Invariants
//!
//! - A body is at its old place until its new one is written, and readable all the time.
//! - A body that is not as it was written stays where it is, and its segment with it; the others are moved.

use bytes::Bytes;

use crate::{
    BodyKey, Store,
    epoch::SegmentNumber,
    index::{Live, Location},
    scan,
    shared::Shared,
};

/// The log may be larger than its bodies by this factor.
const GROWTH_MAX: u64 = 3;
/// And by so many segments: those of a log that is short.
const SEGMENTS_MIN: u64 = 6;

impl Store {
    /// The bodies of the segment that is worth least, if the log is much larger than what lives in it.
    /// Blocks. What cannot be read stays where it is.
    pub fn bodies_to_move(&self) -> Vec<(BodyKey, Bytes)> {
        let Some((shared, keeper)) = self.on_disk() else { return Vec::new() };
        let Some(number) = emptiest(&shared, keeper.segment_bytes) else { return Vec::new() };
        let places = live_places(&shared, number);
        let read = |(key, _): (BodyKey, Location)| Some((key, shared.bodies.read_if_whole(key)?));
        let bodies: Vec<_> = places.into_iter().filter_map(read).collect();
        if bodies.len() < shared.bodies.live_in(number).bodies as usize {
            shared.set_immovable(number);
        }
        bodies
    }

    /// Whether a body is there, and wanted.
    pub fn holds(&self, key: BodyKey) -> bool {
        match self.on_disk() {
            Some((shared, _)) => shared.bodies.holds(key),
            None => self.cached(key).is_some(),
        }
    }
}

/// The segment with the fewest bytes that live, if it is time to move some.
fn emptiest(shared: &Shared, segment_bytes: u64) -> Option<SegmentNumber> {
    let mut used = shared.used();
    used.pop_last();
    let live = |number: &SegmentNumber| shared.bodies.live_in(*number);
    let all: u64 = used.keys().map(|number| live(number).bytes).sum();
    let size = used.len() as u64 * segment_bytes;
    if size <= GROWTH_MAX * all + SEGMENTS_MIN * segment_bytes {
        return None;
    }
    let is_worth_it = |live: &Live| live.bodies > 0 && live.bytes <= segment_bytes / GROWTH_MAX;
    let movable = used.into_keys().filter(|number| !shared.is_immovable(*number));
    let candidates = movable.map(|number| (live(&number), number));
    let worth = candidates.filter(|(live, _)| is_worth_it(live));
    worth.min_by_key(|(live, _)| live.bytes).map(|(_, number)| number)
}

/// Where the bodies are that live in a segment: by reading it, since the index is by key.
fn live_places(shared: &Shared, number: SegmentNumber) -> Vec<(BodyKey, Location)> {
    let Some(segment) = shared.bodies.segment(number) else { return Vec::new() };
    let mut places = Vec::new();
    let walked = scan::walk_alone(&segment, &mut |_, offset, record| {
        for (body, at) in &record.bodies {
            let found = shared.bodies.place_of(body.key);
            let is_it = |place: &Location| {
                place.segment == number && u64::from(place.offset) == offset + *at as u64
            };
            places.extend(found.filter(is_it).map(|place| (body.key, place)));
        }
        Ok(())
    });
    if let Err(error) = walked {
        tracing::error!(%error, "a segment of the log cannot be read to its end");
    }
    places
}
