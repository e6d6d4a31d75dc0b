//! When a task that failed runs again.

use std::time::Duration;

use longshore_types::limits::VISIBILITY_TIMEOUT_MAX;

use crate::id::RandomSource;

/// When a task that failed runs again: after a random time between zero and `base` × 2ⁿ⁻¹ for the
/// n-th attempt, at most `cap`. "Full jitter", so that tasks which failed together do not come
/// back together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Attempts in all; the last one's failure is final. At least 1. 5 by default.
    pub attempts_max: u32,
    /// The bound of the first wait. 2 s by default.
    pub base: Duration,
    /// The bound of every wait. 15 min by default.
    pub cap: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        let (base, cap) = (Duration::from_secs(2), Duration::from_secs(900));
        Self { attempts_max: 5, base, cap }
    }
}

impl RetryPolicy {
    /// How long after the failed `attempt`, counted from 1, the next one is.
    pub fn pause_after(&self, attempt: u32, random: &dyn RandomSource) -> Duration {
        let bound = self.bound_after(attempt);
        // A fraction of 2^32 is fine enough for milliseconds, and exact.
        let fraction = random.next() >> 32;
        let millis = u64::try_from(bound.as_millis()).unwrap_or(u64::MAX);
        Duration::from_millis(millis.saturating_mul(fraction) >> 32)
    }

    fn bound_after(&self, attempt: u32) -> Duration {
        let doubled = 2_u32.saturating_pow(attempt.saturating_sub(1));
        self.base.saturating_mul(doubled).min(self.cap).min(VISIBILITY_TIMEOUT_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Fixed(u64);

    impl RandomSource for Fixed {
        fn next(&self) -> u64 {
            self.0
        }
    }

    #[test]
    fn the_bound_doubles_up_to_the_cap() {
        let policy = RetryPolicy::default();
        for (attempt, seconds) in [(1, 2), (2, 4), (3, 8), (9, 512), (10, 900), (4_000, 900)] {
            assert_eq!(policy.bound_after(attempt), Duration::from_secs(seconds), "{attempt}");
        }
    }

    #[test]
    fn the_pause_is_anywhere_below_the_bound() {
        let policy = RetryPolicy::default();
        assert_eq!(policy.pause_after(3, &Fixed(0)), Duration::ZERO);
        assert_eq!(policy.pause_after(3, &Fixed(1 << 63)), Duration::from_secs(4));
        assert_eq!(policy.pause_after(3, &Fixed(u64::MAX)), Duration::from_millis(7_999));
    }
}
