//! The one back-off: pauses that double, from a first one to a last one.
//!
//! [`Backoff`] is a value that says which pause is the n-th. [`BackoffState`] counts the pauses of one
//! loop and begins again when the loop succeeds. Neither waits: the caller sleeps, and stops sleeping when it
//! is told to shut down.

use std::time::Duration;

use crate::id::RandomSource;

/// Pauses that double from `first` to `last`, and stay there.
///
/// ```
/// use std::time::Duration;
/// use longshore_tasks::Backoff;
///
/// const ASK_AGAIN: Backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(5));
///
/// assert_eq!(ASK_AGAIN.pause(1), Duration::from_millis(100));
/// assert_eq!(ASK_AGAIN.pause(2), Duration::from_millis(200));
/// assert_eq!(ASK_AGAIN.pause(100), Duration::from_secs(5));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The first pause. Zero stays zero.
    pub first: Duration,
    /// The longest pause. If it is shorter than `first`, every pause is this one.
    pub last: Duration,
}

impl Backoff {
    /// Pauses from `first` to `last`.
    pub const fn new(first: Duration, last: Duration) -> Self {
        Self { first, last }
    }

    /// The `n`-th pause, counted from 1: `first` × 2ⁿ⁻¹, at most `last`.
    pub fn pause(&self, n: u32) -> Duration {
        let doubled = 2_u32.saturating_pow(n.saturating_sub(1));
        self.first.saturating_mul(doubled).min(self.last)
    }

    /// The `n`-th pause with full jitter: a random time from zero up to [`pause`](Self::pause), in
    /// whole milliseconds. What failed together does not come back together.
    pub fn jittered(&self, n: u32, random: &dyn RandomSource) -> Duration {
        full_jitter(self.pause(n), random)
    }

    /// The pauses of a loop that has not failed yet.
    pub const fn start(self) -> BackoffState {
        BackoffState { backoff: self, pauses: 0 }
    }
}

/// A random time from zero up to `bound`, in whole milliseconds.
pub(crate) fn full_jitter(bound: Duration, random: &dyn RandomSource) -> Duration {
    // A fraction of 2^32 is fine enough for milliseconds, and exact.
    let fraction = u128::from(random.next() >> 32);
    let millis = (bound.as_millis() * fraction) >> 32;
    Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
}

/// Where a loop is in its [`Backoff`].
///
/// ```
/// # use std::time::Duration;
/// # use longshore_tasks::Backoff;
/// let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(5)).start();
/// assert_eq!(backoff.next_pause(), Duration::from_millis(100));
/// assert_eq!(backoff.next_pause(), Duration::from_millis(200));
/// backoff.reset();
/// assert_eq!(backoff.next_pause(), Duration::from_millis(100));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackoffState {
    backoff: Backoff,
    pauses: u32,
}

impl BackoffState {
    /// How long to pause after another failure.
    pub fn next_pause(&mut self) -> Duration {
        self.count();
        self.backoff.pause(self.pauses)
    }

    /// How long to pause after another failure, with full jitter. See [`Backoff::jittered`].
    pub fn next_jittered(&mut self, random: &dyn RandomSource) -> Duration {
        self.count();
        self.backoff.jittered(self.pauses, random)
    }

    /// Begins again at the first pause: something succeeded.
    pub fn reset(&mut self) {
        self.pauses = 0;
    }

    fn count(&mut self) {
        self.pauses = self.pauses.saturating_add(1);
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// The same number each time.
    #[derive(Debug)]
    pub(crate) struct Fixed(pub(crate) u64);

    impl RandomSource for Fixed {
        fn next(&self) -> u64 {
            self.0
        }
    }

    const BACKOFF: Backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(5));

    #[test]
    fn a_pause_doubles_up_to_the_last() {
        for (n, millis) in
            [(0, 100), (1, 100), (2, 200), (6, 3200), (7, 5000), (40, 5000), (u32::MAX, 5000)]
        {
            assert_eq!(BACKOFF.pause(n), Duration::from_millis(millis), "{n}");
        }
    }

    #[test]
    fn a_last_pause_below_the_first_is_every_pause() {
        let shrunk = Backoff { last: Duration::from_millis(20), ..BACKOFF };
        assert_eq!(shrunk.pause(1), Duration::from_millis(20));
    }

    #[test]
    fn jitter_is_anywhere_below_the_pause() {
        for (random, millis) in [(0, 0), (1 << 63, 200), (u64::MAX, 399)] {
            let pause = BACKOFF.jittered(3, &Fixed(random));
            assert_eq!(pause, Duration::from_millis(millis), "{random}");
        }
    }

    #[test]
    fn a_state_counts_its_pauses_and_begins_again() {
        let mut state = BACKOFF.start();
        let millis: Vec<_> = (0..8).map(|_| state.next_pause().as_millis()).collect();
        assert_eq!(millis, [100, 200, 400, 800, 1600, 3200, 5000, 5000]);
        state.reset();
        assert_eq!(state.next_jittered(&Fixed(1 << 63)), Duration::from_millis(50));
        assert_eq!(state.next_pause(), Duration::from_millis(200));
    }
}
