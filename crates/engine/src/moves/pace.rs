//! How fast a task moves messages: each message has a time before which it does not go.
//!
//! These times are one interval apart. What comes late by no more than the slack is made up for at
//! once; what is lost beyond that stays lost, so that a task that had to wait does not rush.
//!
//! # Invariants
//!
//! - No second, wherever it begins, sees more messages than the rate. Messages `i` and `i + rate` are
//!   planned `rate` intervals apart, which is a second and the slack less 999 µs; the first goes at
//!   most the slack after its time and the second not before, in whole milliseconds: a second
//!   apart.

use longshore_types::Timestamp;
use minicbor::{Decode, Encode};

/// Messages a second where that is left to the broker: much faster than clients empty a queue, and
/// slow enough that the broker has nine tenths of its time for them.
const OWN_RATE: u32 = 20_000;
/// Up to this rate, a timer that fires a millisecond late costs little.
const SLOW_RATE: u32 = 50;
/// Less than a millisecond, so that what is planned between two of them is not late.
const SLACK_SLOW_MICROS: u64 = 999;
const SLACK_MICROS: u64 = 20_000;
/// What a task without a rate makes up for at most: a hundred messages in one turn.
const OWN_SLACK_MICROS: u64 = 5_000;

/// When the next message may go, and how the ones after it follow: all in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub(super) struct Pace {
    #[n(0)]
    next: u64,
    #[n(1)]
    interval: u64,
    #[n(2)]
    slack: u64,
}

impl Pace {
    /// The pace of a task that was started at `at`.
    pub(super) fn new(rate: Option<u32>, at: Timestamp) -> Self {
        let slack = match rate {
            Some(rate) if rate <= SLOW_RATE => SLACK_SLOW_MICROS,
            Some(_) => SLACK_MICROS,
            None => OWN_SLACK_MICROS,
        };
        let rate = u64::from(rate.unwrap_or(OWN_RATE)).max(1);
        let interval = (1_000_000 + slack - SLACK_SLOW_MICROS).div_ceil(rate);
        Self { next: micros(at), interval, slack }
    }

    /// How many messages may go at `now`.
    pub(super) fn allowance(&self, now: Timestamp) -> usize {
        let late = micros(now).checked_sub(self.next_at_least(now));
        late.map_or(0, |late| usize::try_from(late / self.interval).unwrap_or(0) + 1)
    }

    /// Notes that so many messages went at `now`.
    pub(super) fn spend(&mut self, count: usize, now: Timestamp) {
        self.next = self.next_at_least(now) + count as u64 * self.interval;
    }

    /// When the next message may go.
    pub(super) fn next_at(&self) -> Timestamp {
        Timestamp::from_millis(self.next.div_ceil(1000))
    }

    fn next_at_least(&self, now: Timestamp) -> u64 {
        self.next.max(micros(now).saturating_sub(self.slack))
    }
}

const fn micros(time: Timestamp) -> u64 {
    time.as_millis().saturating_mul(1000)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const START: Timestamp = Timestamp::from_millis(1_000_000);

    /// The times of `count` moves, where each timer fires `late(index)` after it should.
    fn moves(rate: Option<u32>, count: usize, late: impl Fn(usize) -> u64) -> Vec<u64> {
        let mut pace = Pace::new(rate, START);
        let (mut now, mut times) = (START, Vec::new());
        while times.len() < count {
            let due = pace.next_at().max(now);
            now = due + Duration::from_millis(late(times.len()));
            let allowed = pace.allowance(now);
            assert!(allowed > 0, "a message that is due may go");
            times.extend(std::iter::repeat_n(now.as_millis(), allowed));
            pace.spend(allowed, now);
            assert_eq!(pace.allowance(now), 0, "the allowance is spent");
        }
        times
    }

    #[test]
    fn no_second_sees_more_messages_than_the_rate_however_late_the_timers_are() {
        for rate in [1, 2, 3, 7, 49, 50, 51, 300, 333, 499, 500] {
            for late in [0, 1, 3, 19, 20, 25, 1500] {
                let bunched =
                    moves(Some(rate), 3000, |index| if index % 3 == 0 { late } else { 0 });
                let window = |pair: &[u64]| pair[rate as usize] - pair[0];
                let apart = bunched.windows(rate as usize + 1).map(window).min().unwrap();
                assert!(apart >= 1000, "{rate} a second, {late} ms late: {apart}");
            }
        }
    }

    #[test]
    fn a_task_comes_close_to_its_rate() {
        for (rate, late) in [(1, 0), (10, 1), (50, 1), (500, 0), (500, 5), (500, 15)] {
            let times = moves(Some(rate), 10 * rate as usize, |_| late);
            let took = times.last().unwrap() - times[0];
            assert!(took < 10_800, "{rate} a second: {took}");
        }
        let times = moves(Some(1), 3, |_| 0);
        assert_eq!(times, [1_000_000, 1_001_000, 1_002_000]);
    }

    #[test]
    fn a_task_without_a_rate_takes_bounded_turns() {
        let times = moves(None, 20_000, |_| 50);
        let largest = times.chunk_by(|one, other| one == other).map(<[u64]>::len).max();
        assert!(largest <= Some(100 + 1), "{largest:?}");
    }
}
