//! How long a receive is put off for messages that come one by one: it costs the same for one and for ten, and
//! a long poll that waits at the queue takes each as soon as it is there.
//!
//! # Invariants
//!
//! - Never for longer than the worker may linger; not after a receive that came back full, since more waits
//!   then; nor after the first message since a silence, nor where few messages come.
//! - A wait that brought fewer than were to be expected becomes seldom: who sends again only when it was
//!   answered is hardly slowed down.

use std::time::Duration;

use tokio::time::Instant;

use super::patience::WORTH_MESSAGES;
use crate::batcher::{MeanGap, QUIET_GAPS, WORTH};
use crate::trials::Trials;

/// Messages that are waited for at most: if a receive comes back full, it is not known whether more wait.
const WAITED_FOR_MAX: u32 = 8;

/// Knows how closely messages follow one another.
#[derive(Debug)]
pub(super) struct PollLinger {
    linger: Duration,
    gap: MeanGap,
    ended_at: Option<Instant>,
    waits: Trials,
    /// How many messages the receive was put off for that is made now.
    waited_for: Option<u32>,
}

impl PollLinger {
    /// A receive may be put off for up to `linger`.
    pub(super) fn new(linger: Duration) -> Self {
        let (gap, waits) = (MeanGap::new(linger), Trials::default());
        Self { linger, gap, ended_at: None, waits, waited_for: None }
    }

    /// A receive has ended that asked for so many messages, and so many came: how long the next is put off.
    pub(super) fn of_next(&mut self, asked: usize, came: usize, now: Instant) -> Duration {
        let since = self.ended_at.replace(now).map(|last| now.saturating_duration_since(last));
        if let Some(hoped) = self.waited_for.take() {
            let enough = came >= WORTH_MESSAGES && came * 3 >= hoped as usize * 2;
            self.waits.note(enough || came >= asked);
        }
        let Some(since) = since.filter(|_| came > 0 && came < asked) else { return Duration::ZERO };
        let count = u32::try_from(came).unwrap_or(u32::MAX);
        let is_alone = since / count > self.gap.quiet();
        (0..came.min(QUIET_GAPS as usize)).for_each(|_| self.gap.learn(since / count));
        let expected = self.expected_within_linger();
        if is_alone || expected < WORTH || !self.waits.is_due() {
            return Duration::ZERO;
        }
        self.waited_for = Some(expected);
        self.linger.min(self.gap.mean() * expected)
    }

    fn expected_within_linger(&self) -> u32 {
        let expected = self.linger.as_nanos().checked_div(self.gap.mean().as_nanos());
        u32::try_from(expected.unwrap_or(0)).unwrap_or(u32::MAX).min(WAITED_FOR_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINGER: Duration = Duration::from_millis(50);

    /// Receives that end so many milliseconds after the last with so many of ten messages: how long the next
    /// is put off after each, in milliseconds.
    fn after(receives: &[(u64, usize)]) -> Vec<u128> {
        let (mut linger, mut now) = (PollLinger::new(LINGER), Instant::now());
        let put_off = |(millis, came): &(u64, usize)| {
            now += Duration::from_millis(*millis);
            linger.of_next(10, *came, now).as_millis()
        };
        receives.iter().map(put_off).collect()
    }

    #[test]
    fn where_messages_follow_one_another_closely_a_receive_waits_for_eight_of_them() {
        assert_eq!(after(&[(0, 1), (5, 1), (40, 8)]), [0, 40, 40]);
        assert_eq!(after(&[(0, 1), (10, 1), (50, 5)]), [0, 50, 50]);
        assert_eq!(after(&[(0, 1), (2, 1), (16, 8)]), [0, 16, 16]);
    }

    #[test]
    fn who_comes_alone_or_after_a_silence_or_with_a_backlog_is_not_waited_for() {
        assert_eq!(after(&[(0, 1), (30, 1), (30, 1), (30, 1)]), [0; 4]);
        assert_eq!(after(&[(0, 0), (20_000, 1), (20_000, 1)]), [0; 3]);
        assert_eq!(after(&[(0, 10), (5, 10), (5, 10)]), [0; 3]);
        assert_eq!(after(&[(0, 1), (5, 1), (40, 8), (3000, 1)]), [0, 40, 40, 0]);
        let mut off = PollLinger::new(Duration::ZERO);
        assert_eq!(
            off.of_next(10, 1, Instant::now()) + off.of_next(10, 1, Instant::now()),
            Duration::ZERO
        );
    }

    #[test]
    fn waits_that_bring_fewer_than_expected_become_seldom() {
        let (mut linger, mut now, mut put_off) = (PollLinger::new(LINGER), Instant::now(), 0);
        let mut wait = Duration::ZERO;
        for _ in 0..1000 {
            // Four who ask again as soon as they are answered: each wait brings them and nobody else.
            now += wait + Duration::from_millis(2);
            wait = linger.of_next(10, 4, now);
            put_off += u32::from(!wait.is_zero());
        }
        assert!(put_off <= 20, "{put_off}");
    }
}
