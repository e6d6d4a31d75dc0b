//! A histogram of durations that many threads fill and nobody waits for.
//!
//! The store counts its syncs in one; whoever is built on it may count with it as well.

use std::{
    iter,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

/// Upper bounds in microseconds: from a sync of a fast disk to a wait of nearly half a minute.
const BOUNDS: [u64; 16] = [
    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000,
    1_000_000, 2_500_000, 10_000_000, 25_000_000,
];

/// Counts durations by their size, without a lock.
#[derive(Debug, Default)]
pub struct Durations {
    /// The last one counts what is beyond every bound.
    counts: [AtomicU64; BOUNDS.len() + 1],
    total_us: AtomicU64,
}

impl Durations {
    /// Counts a duration; one of exactly a bound counts below it.
    pub fn observe(&self, took: Duration) {
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let place = BOUNDS.partition_point(|bound| *bound < us);
        self.counts[place].fetch_add(1, Relaxed);
        self.total_us.fetch_add(us, Relaxed);
    }

    /// What was counted. Whoever counts meanwhile may be in the counts and not yet in the total.
    pub fn spread(&self) -> Spread {
        let bounds = BOUNDS.iter().map(|bound| Some(Duration::from_micros(*bound)));
        let counts = self.counts.iter().map(|count| count.load(Relaxed));
        Spread {
            counts: bounds.chain(iter::once(None)).zip(counts).collect(),
            total: Duration::from_micros(self.total_us.load(Relaxed)),
        }
    }
}

/// How long something took, each time that it happened.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Spread {
    /// How often it took at most so long, and longer than the bound before; the last bound is none.
    pub counts: Vec<(Option<Duration>, u64)>,
    /// All of it together.
    pub total: Duration,
}

impl Spread {
    /// How often it happened.
    pub fn count(&self) -> u64 {
        self.counts.iter().map(|(_, count)| count).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_counts_under_the_first_bound_that_it_does_not_exceed() {
        let durations = Durations::default();
        for us in [0, 100, 101, 25_000_001] {
            durations.observe(Duration::from_micros(us));
        }
        let spread = durations.spread();
        let counted: Vec<_> = spread.counts.iter().filter(|(_, count)| *count > 0).collect();
        let bound = |us| Some(Duration::from_micros(us));
        assert_eq!(counted, [&(bound(100), 2), &(bound(250), 1), &(None, 1)]);
        assert_eq!((spread.count(), spread.total), (4, Duration::from_micros(25_000_202)));
    }
}
