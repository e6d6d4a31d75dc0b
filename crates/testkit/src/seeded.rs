//! Random numbers that a seed decides, so that what failed can be done again.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use longshore_tasks::RandomSource;

/// What the state moves on by: `SplitMix64`'s own number.
const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

/// A [`RandomSource`] that brings the same numbers for the same seed (`SplitMix64`). Not for secrets.
///
/// ```
/// use longshore_tasks::RandomSource;
/// use longshore_testkit::Seeded;
///
/// let (one, same) = (Seeded::new(7), Seeded::new(7));
/// assert_eq!(one.next(), same.next());
/// assert!(one.below(10) < 10);
/// assert!(one.one_of(&["a", "b"]).is_some());
/// ```
#[derive(Debug)]
pub struct Seeded(AtomicU64);

impl Seeded {
    /// The numbers of `seed`.
    pub const fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    /// A number below `bound`; 0 if `bound` is 0.
    pub fn below(&self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    /// Whether something happens that does so `percent` times in a hundred.
    pub fn chance(&self, percent: u8) -> bool {
        self.below(100) < u64::from(percent)
    }

    /// One of `choices`; `None` if there are none.
    pub fn one_of<'a, T>(&self, choices: &'a [T]) -> Option<&'a T> {
        choices.get(self.index_below(choices.len()))
    }

    /// A place in a list of `length`; 0 if it is empty.
    pub fn index_below(&self, length: usize) -> usize {
        let bound = u64::try_from(length).unwrap_or(u64::MAX);
        usize::try_from(self.below(bound)).unwrap_or(0)
    }

    /// A duration in whole milliseconds, up to `most`.
    pub fn up_to(&self, most: Duration) -> Duration {
        let millis = u64::try_from(most.as_millis()).unwrap_or(u64::MAX - 1);
        Duration::from_millis(self.below(millis.saturating_add(1)))
    }
}

impl RandomSource for Seeded {
    fn next(&self) -> u64 {
        let state = self.0.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}
