//! When a task that failed runs again.

use std::time::Duration;

use longshore_types::limits::VISIBILITY_TIMEOUT_MAX;

use crate::backoff::{Backoff, full_jitter};
use crate::id::RandomSource;

/// When a task that failed runs again: after a random time between zero and the n-th pause of its
/// back-off for the n-th attempt ("full jitter"), so that tasks which failed together do not come
/// back together.
///
/// ```
/// use std::time::Duration;
/// use longshore_tasks::{Backoff, RetryPolicy};
///
/// let policy = RetryPolicy::default()
///     .attempts(8)
///     .backoff(Backoff::new(Duration::from_secs(2), Duration::from_secs(15 * 60)));
/// assert_eq!(policy.attempts_max, 8);
/// assert_eq!(RetryPolicy::never().attempts_max, 1);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Attempts in all; the last one's failure is final. At least 1. 5 by default.
    pub attempts_max: u32,
    /// The bounds of the waits: 2 s, doubled up to 15 min, by default. SQS can hold a message back for
    /// 12 h, so a longer wait is cut to that.
    pub backoff: Backoff,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        let backoff = Backoff::new(Duration::from_secs(2), Duration::from_secs(900));
        Self { attempts_max: 5, backoff }
    }
}

impl RetryPolicy {
    /// One attempt: its failure is final.
    pub fn never() -> Self {
        Self::default().attempts(1)
    }

    /// How many attempts there are in all. 0 is taken as 1.
    #[must_use]
    pub fn attempts(mut self, attempts_max: u32) -> Self {
        self.attempts_max = attempts_max.max(1);
        self
    }

    /// The bounds of the waits between attempts.
    #[must_use]
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// How long after the failed `attempt`, counted from 1, the next one is.
    pub fn pause_after(&self, attempt: u32, random: &dyn RandomSource) -> Duration {
        full_jitter(self.bound_after(attempt), random)
    }

    fn bound_after(&self, attempt: u32) -> Duration {
        self.backoff.pause(attempt).min(VISIBILITY_TIMEOUT_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backoff::tests::Fixed;

    #[test]
    fn the_bound_doubles_up_to_the_last() {
        let policy = RetryPolicy::default();
        for (attempt, seconds) in [(1, 2), (2, 4), (3, 8), (9, 512), (10, 900), (4_000, 900)] {
            assert_eq!(policy.bound_after(attempt), Duration::from_secs(seconds), "{attempt}");
        }
    }

    #[test]
    fn no_wait_is_longer_than_a_message_can_be_in_flight() {
        let day = Duration::from_secs(86_400);
        let policy = RetryPolicy::default().backoff(Backoff::new(day, day));
        assert_eq!(policy.bound_after(1), VISIBILITY_TIMEOUT_MAX);
    }

    #[test]
    fn the_pause_is_anywhere_below_the_bound() {
        let policy = RetryPolicy::default();
        assert_eq!(policy.pause_after(3, &Fixed(0)), Duration::ZERO);
        assert_eq!(policy.pause_after(3, &Fixed(1 << 63)), Duration::from_secs(4));
        assert_eq!(policy.pause_after(3, &Fixed(u64::MAX)), Duration::from_millis(7_999));
    }

    #[test]
    fn there_is_always_one_attempt() {
        assert_eq!(RetryPolicy::default().attempts(0), RetryPolicy::never());
    }
}
