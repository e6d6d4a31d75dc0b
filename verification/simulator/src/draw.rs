//! Random numbers of a schedule: all of them follow from its seed, in the order in which they are asked for.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use longshore_types::RandomSource;

/// `SplitMix64`, and what is drawn by it. Clones draw from the same numbers.
#[derive(Clone, Debug)]
pub(crate) struct Draw(Arc<AtomicU64>);

impl Draw {
    /// The numbers of a seed, those for one purpose.
    pub(crate) fn new(seed: u64, purpose: u64) -> Self {
        let draw = Self(Arc::new(AtomicU64::new(seed ^ purpose.rotate_left(32))));
        // Seeds that follow one another begin far apart.
        let start = draw.next();
        draw.0.store(start, Relaxed);
        draw
    }

    /// A number from a range, which is not empty.
    pub(crate) fn within(&self, range: Range<u64>) -> u64 {
        range.start + self.next() % (range.end - range.start)
    }

    /// Whether something happens that does in so many of a hundred cases.
    pub(crate) fn chance(&self, percent: u64) -> bool {
        self.within(0..100) < percent
    }

    /// One of some, of which there is one at least.
    pub(crate) fn of<T: Copy>(&self, some: &[T]) -> T {
        some[self.index(some.len())]
    }

    /// An index of a list that is so long, and not empty.
    pub(crate) fn index(&self, len: usize) -> usize {
        let len = u64::try_from(len).expect("a list is shorter");
        usize::try_from(self.next() % len).expect("it is less than a length")
    }
}

impl RandomSource for Draw {
    fn next(&self) -> u64 {
        let state = self.0.fetch_add(0x9E37_79B9_7F4A_7C15, Relaxed);
        let mut z = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}
