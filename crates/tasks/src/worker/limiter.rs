//! Keeps tasks of one type to their rate: a run waits for its turn, or is told when to come again.
//!
//! ```text
//! a run ── its turn is near, and few wait ──▶ line ── first of it ──▶ GCRA ──▶ runs
//!   └──────────── far, or many wait ────────▶ comes again at a turn of its own
//! ```
//!
//! A run that waits holds a place of its worker, which tasks of other types may need. So it waits for a few
//! seconds at most, and of a worker that runs other types too only half of the places wait. The others are told turns
//! that follow one another, so that what is put off does not come back all at once; those turns are not kept
//! for them: whoever is there first runs.
//!
//! # Invariants
//!
//! - No more begin than the rate says, whoever waits, leaves or comes again.
//! - Who waits is served in the order of coming.
//! - Time is tokio's.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex as StdMutex, MutexGuard, PoisonError};
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};

use crate::rate_limit::RateLimit;

/// How long a run waits for its turn at most, if it can come again instead.
const WAIT_MAX: Duration = Duration::from_secs(5);

type Gcra = RateLimiter<NotKeyed, InMemoryState, TokioClock, NoOpMiddleware<Duration>>;

/// Keeps tasks of one type to their rate, for all workers of a process.
#[derive(Debug)]
pub(super) struct Limiter {
    gcra: Gcra,
    clock: TokioClock,
    spacing: Duration,
    /// Who waits: the first in line asks for a turn.
    line: Mutex<()>,
    waiting: AtomicUsize,
    turns: StdMutex<Turns>,
}

/// What is known of the turns to come.
#[derive(Debug)]
struct Turns {
    /// When the rate allows one more, as it was last heard.
    next: Instant,
    /// The last that somebody was told to come again at.
    last_told: Instant,
}

/// How long a run may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Patience {
    /// As long as it takes: put off, it would lose its place in a queue.
    Endless,
    /// A few seconds, if no more than so many wait.
    Short { waiting_max: usize },
}

/// Whether a run may begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admission {
    /// Now.
    Now,
    /// It has to come again after that time.
    Later(Duration),
}

/// The time since the limiter was made, as tokio tells it.
#[derive(Clone, Copy, Debug)]
struct TokioClock(Instant);

impl Clock for TokioClock {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}

/// A run that waits, and how many came before it. Dropped, it waits no more.
struct Waiting<'a> {
    waiting: &'a AtomicUsize,
    ahead: usize,
}

impl<'a> Waiting<'a> {
    fn begin(waiting: &'a AtomicUsize) -> Self {
        Self { waiting, ahead: waiting.fetch_add(1, Ordering::Relaxed) }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Limiter {
    /// A limiter of a rate that was checked.
    pub(super) fn new(limit: RateLimit) -> Self {
        let spacing = limit.spacing().filter(|spacing| !spacing.is_zero());
        let spacing = spacing.expect("a worker checks its rates at the start");
        let burst = limit.burst_count().try_into().expect("and their bursts");
        let quota = Quota::with_period(spacing).expect("it is not zero").allow_burst(burst);
        let now = Instant::now();
        let clock = TokioClock(now);
        Self {
            gcra: RateLimiter::direct_with_clock(quota, clock),
            clock,
            spacing,
            line: Mutex::default(),
            waiting: AtomicUsize::new(0),
            turns: StdMutex::new(Turns { next: now, last_told: now }),
        }
    }

    /// Waits for a turn, or says when to come again.
    ///
    /// # Cancel safety
    ///
    /// Dropped, it has taken no turn.
    pub(super) async fn admit(&self, patience: Patience) -> Admission {
        let waiting = Waiting::begin(&self.waiting);
        if waiting.ahead == 0 && self.ask().is_none() {
            return Admission::Now;
        }
        if let Patience::Short { waiting_max } = patience {
            let wait = self.wait_behind(waiting.ahead);
            if waiting.ahead >= waiting_max || wait > WAIT_MAX {
                return Admission::Later(self.tell_turn(wait));
            }
        }
        let _first = self.line.lock().await;
        while let Some(wait) = self.ask() {
            sleep(wait).await;
        }
        Admission::Now
    }

    /// Takes a turn, or says how long until there is one.
    fn ask(&self) -> Option<Duration> {
        let wait = self.gcra.check().err()?.wait_time_from(self.clock.now());
        self.turns().next = Instant::now() + wait;
        Some(wait)
    }

    /// How long a run waits with so many before it.
    fn wait_behind(&self, ahead: usize) -> Duration {
        let first = self.turns().next.saturating_duration_since(Instant::now());
        first + self.spacing.saturating_mul(u32::try_from(ahead).unwrap_or(u32::MAX))
    }

    /// A time to come again, after those that others were told.
    fn tell_turn(&self, wait: Duration) -> Duration {
        let now = Instant::now();
        let mut turns = self.turns();
        turns.last_told = (now + wait).max(turns.last_told + self.spacing);
        turns.last_told - now
    }

    fn turns(&self) -> MutexGuard<'_, Turns> {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures::FutureExt as _;
    use futures::future::join_all;

    use super::*;

    const SHORT: Patience = Patience::Short { waiting_max: 5 };

    fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_begins_at_once_and_the_rest_is_spread_in_the_order_of_coming() {
        let limiter = Arc::new(Limiter::new(RateLimit::per_second(2).burst(3)));
        let start = Instant::now();
        let runs = (0..6).map(|_| async {
            assert_eq!(limiter.admit(Patience::Endless).await, Admission::Now);
            start.elapsed().as_millis()
        });
        let begun: Vec<u128> = join_all(runs).await;
        assert_eq!(begun[..3], [0, 0, 0]);
        let late = [500, 1000, 1500];
        // The timer counts whole milliseconds.
        assert!(
            begun[3..].iter().zip(late).all(|(at, due)| (due..due + 5).contains(at)),
            "{begun:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn what_would_wait_long_is_told_turns_one_after_the_other() {
        let limiter = Limiter::new(RateLimit::per_minute(1));
        assert_eq!(limiter.admit(SHORT).await, Admission::Now);
        for turn in 1..4 {
            assert_eq!(limiter.admit(SHORT).await, Admission::Later(secs(60 * turn)));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_wait_than_may_and_a_run_that_leaves_makes_room() {
        let limiter = Limiter::new(RateLimit::per_second(1));
        assert_eq!(limiter.admit(SHORT).await, Admission::Now);
        let patience = Patience::Short { waiting_max: 1 };
        let mut first = Box::pin(limiter.admit(patience));
        assert_eq!((&mut first).now_or_never(), None);
        assert_eq!(limiter.admit(patience).await, Admission::Later(secs(2)));
        drop(first);
        assert_eq!(limiter.admit(patience).await, Admission::Now);
        assert_eq!(limiter.admit(Patience::Endless).await, Admission::Now, "no turn was lost");
    }
}
