//! A histogram of durations that many threads fill and nobody waits for.

use std::iter;
use std::ops::AddAssign;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Upper bounds of calls, in microseconds: from a sync of a fast disk to a wait of nearly half a minute.
const OF_CALLS: &[u64] = &[
    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000,
    1_000_000, 2_500_000, 10_000_000, 25_000_000,
];
/// Upper bounds of what tasks take and wait for, in microseconds: from a millisecond to the 12 hours that
/// SQS keeps a message in flight.
const OF_TASKS: &[u64] = &[
    1_000,
    5_000,
    25_000,
    100_000,
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    30_000_000,
    60_000_000,
    300_000_000,
    900_000_000,
    3_600_000_000,
    14_400_000_000,
    43_200_000_000,
];

/// Counts durations by their size, without a lock.
///
/// ```
/// use std::time::Duration;
///
/// use longshore_metrics::Durations;
///
/// let runs = Durations::of_tasks();
/// runs.observe(Duration::from_secs(90));
/// let spread = runs.spread();
/// assert_eq!((spread.count(), spread.total), (1, Duration::from_secs(90)));
/// ```
#[derive(Debug)]
pub struct Durations {
    bounds: &'static [u64],
    /// The last one counts what is beyond every bound.
    counts: Box<[AtomicU64]>,
    total_us: AtomicU64,
}

/// Of calls.
impl Default for Durations {
    fn default() -> Self {
        Self::with_bounds(OF_CALLS)
    }
}

impl Durations {
    /// For what tasks take and wait for: bounds from a millisecond to 12 hours. Those of the default end
    /// at 25 s, and are for calls.
    pub fn of_tasks() -> Self {
        Self::with_bounds(OF_TASKS)
    }

    fn with_bounds(bounds: &'static [u64]) -> Self {
        let counts = (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect();
        Self { bounds, counts, total_us: AtomicU64::new(0) }
    }

    /// Counts a duration; one of exactly a bound counts below it.
    pub fn observe(&self, took: Duration) {
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let place = self.bounds.partition_point(|bound| *bound < us);
        self.counts[place].fetch_add(1, Relaxed);
        self.total_us.fetch_add(us, Relaxed);
    }

    /// What was counted. Whoever counts meanwhile may be in the counts and not yet in the total.
    pub fn spread(&self) -> Spread {
        let bounds = self.bounds.iter().map(|bound| Some(Duration::from_micros(*bound)));
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

/// Spreads of the same bounds add up; one that was never filled has none.
impl AddAssign for Spread {
    fn add_assign(&mut self, other: Self) {
        self.total += other.total;
        if self.counts.is_empty() {
            self.counts = other.counts;
            return;
        }
        for ((_, count), (_, more)) in self.counts.iter_mut().zip(other.counts) {
            *count += more;
        }
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

    #[test]
    fn bounds_rise_so_that_every_duration_has_one_place() {
        for durations in [Durations::default(), Durations::of_tasks()] {
            assert!(durations.bounds.is_sorted_by(|one, next| one < next));
        }
    }
}
