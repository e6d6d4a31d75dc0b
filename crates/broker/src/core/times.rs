//! The two times of a broker, and what it believes of the clocks that it is told.
//!
//! *Internal* time is what delays, leases and retention are counted in. While the broker runs it
//! goes at the rate of the clock that nobody sets, and a start goes on from the last record's time.
//! *Shown* time is what the wall clock says: what timestamps are told in. The two differ by an
//! offset, which each record bears, so that a wall clock that was wrong is corrected at once and
//! moves no deadline.
//!
//! How long the broker was stopped only the wall clock can say, which may be wrong at a start. What
//! looks short is believed at once: internal time goes on behind the stop. What looks long is a
//! *doubt* until the wall clock has gone steadily for a while, which *confirms* it. Then the stop
//! counts, but only for the retention of what was sent when the clock was last confirmed before it (a
//! *lapse*): a difference between two clocks says something if both are right. Leases and delays go
//! on as if there had been no stop, and what was sent since is not made older by it.
//!
//! ```text
//! confirmed ─┬─ the broker was stopped ─┬─ start ── steady for long enough ──► lapse: what was sent
//!            │◄──────── doubt ─────────►│                                      before is older by it
//!            doubted_from
//! ```
//!
//! # Invariants
//!
//! - Internal time never runs back, over restarts neither, and goes on whatever the wall clock does.
//! - A step of the wall clock while the broker runs moves no internal time.
//! - A doubt is in the log: a stop before it was believed does not lose it, and a clock that is
//!   right again takes it back.

use std::time::Duration;

use longshore_types::Timestamp;
use minicbor::{Decode, Encode};

use crate::clock::{ClockTrust, Reading};

/// The shown time follows the wall clock in steps of at least this: what time servers do to a clock
/// that goes well is smaller, and would be a new offset in every record.
const STEP_MIN: i64 = 1000;

/// A first start is not later than this, the end of the year 9999: time must be able to run on, and a
/// clock that shows more is broken.
const FIRST_START_MAX: Timestamp = Timestamp::from_millis(253_402_300_799_999);

/// What a record says of time beside its own: nothing, while nothing is wrong with the clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub(crate) struct ClockMark {
    /// Shown time is later than internal time by this many milliseconds.
    #[n(0)]
    pub(crate) offset: i64,
    /// By so many milliseconds the wall clock was ahead at a start, which is not believed yet. If
    /// negative it was behind what the log says: so much of the next stop was counted before.
    #[n(1)]
    pub(crate) doubt: i64,
    /// When the clock was last confirmed before the stop that there is a doubt about.
    #[n(2)]
    pub(crate) doubted_from: Option<Timestamp>,
    /// When the clock was last confirmed, if it is not now.
    #[n(3)]
    pub(crate) confirmed_at: Option<Timestamp>,
}

/// A stop that is believed: what was sent before is older by its length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Lapse {
    /// What was sent later is none of its concern.
    #[n(0)]
    pub(crate) from: Timestamp,
    /// For how many milliseconds it lasted.
    #[n(1)]
    pub(crate) millis: u64,
}

/// The two times.
#[derive(Debug)]
pub(crate) struct Times {
    trust: ClockTrust,
    now: Timestamp,
    mark: ClockMark,
    /// Whether there is a record that time goes on from.
    has_past: bool,
    /// The last reading since the start.
    read: Option<Read>,
    steps: u64,
}

/// What was read last, by the clock that nobody sets.
#[derive(Clone, Copy, Debug)]
struct Read {
    running: Timestamp,
    /// Since when the wall clock has gone as that clock does.
    steady_since: Timestamp,
}

/// What there is to say of the clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ClockState {
    pub(crate) mark: ClockMark,
    /// Steps of the wall clock since the start.
    pub(crate) steps: u64,
}

impl ClockState {
    /// By how much the wall clock is ahead of internal time.
    #[expect(
        clippy::cast_precision_loss,
        reason = "nobody needs the milliseconds of a million years"
    )]
    pub(crate) fn offset_seconds(self) -> f64 {
        self.mark.offset as f64 / 1000.0
    }

    /// Whether the wall clock has gone steadily for a while.
    pub(crate) const fn is_confirmed(self) -> bool {
        self.mark.confirmed_at.is_none()
    }

    /// How long the broker was stopped by a clock that is not believed yet.
    pub(crate) fn unconfirmed(self) -> Duration {
        Duration::from_millis(u64::try_from(self.mark.doubt).unwrap_or(0))
    }
}

impl Times {
    /// Times that go on from the last record, if there is one.
    pub(crate) fn after(last: Option<(Timestamp, ClockMark)>, trust: ClockTrust) -> Self {
        let has_past = last.is_some();
        let (now, mark) = last.unwrap_or_default();
        Self { trust, now, mark, has_past, read: None, steps: 0 }
    }

    /// Internal time, as of the last reading.
    pub(crate) const fn now(&self) -> Timestamp {
        self.now
    }

    /// What a record of now says of time.
    pub(crate) const fn mark(&self) -> ClockMark {
        self.mark
    }

    pub(crate) const fn state(&self) -> ClockState {
        ClockState { mark: self.mark, steps: self.steps }
    }

    /// What the clock that nobody sets will show when internal time is `due`.
    pub(crate) fn running_at(&self, due: Timestamp) -> Timestamp {
        self.read.map_or(due, |read| read.running + due.since(self.now))
    }

    /// When a doubt comes to be believed, if the clock stays as it is. `None` once it is: then only the
    /// log has yet to take it.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        let left = self.trust.confirmed_after.saturating_sub(self.steady()?);
        (self.mark.doubt > 0 && left > Duration::ZERO).then(|| self.now + left)
    }

    /// Takes in what the clocks show.
    pub(crate) fn advance(&mut self, reading: Reading) {
        match self.read {
            Some(read) => self.go_on(read, reading),
            None => self.start(reading),
        }
        if self.mark.doubt < 0 && self.is_confirmed() {
            // What the wall clock does from here on is no stop's doing.
            self.mark.doubted_from = None;
            if !self.is_small() {
                // Else no stop would count for as long as the clock had once been ahead.
                self.settle();
            }
        }
    }

    /// The stop that is to be believed now, once the log has it.
    pub(crate) fn confirmed(&self) -> Option<Lapse> {
        let millis = u64::try_from(self.mark.doubt).ok().filter(|millis| *millis > 0)?;
        let from = self.mark.doubted_from.filter(|_| self.is_confirmed())?;
        Some(Lapse { from, millis })
    }

    /// Nothing is in doubt any more: the wall clock shows what it should.
    pub(crate) fn settle(&mut self) {
        (self.mark.doubt, self.mark.doubted_from) = (0, None);
    }

    fn start(&mut self, Reading { running, wall }: Reading) {
        self.read = Some(Read { running, steady_since: running });
        if !self.has_past {
            (self.now, self.mark.confirmed_at) = (wall.min(FIRST_START_MAX), Some(Timestamp::ZERO));
            return;
        }
        let confirmed_at = *self.mark.confirmed_at.get_or_insert(self.now);
        let stopped = millis_between(self.shown(), wall);
        if stopped <= 0 && stopped > -STEP_MIN {
            return;
        }
        if self.mark.doubt <= 0 {
            self.mark.doubted_from = Some(confirmed_at);
        }
        self.shift(stopped);
        self.add_doubt(stopped);
        if self.mark.doubt > 0 && self.is_small() {
            // A clock that is back from too far ahead says how long all stops were, and not this one.
            let is_back = stopped <= 0;
            self.believe_at_once(if is_back {
                self.mark.doubt
            } else {
                stopped.min(self.mark.doubt)
            });
        }
    }

    /// Goes on behind a short stop. Nothing has happened yet since then that would be moved by it; what is in doubt of
    /// an earlier stop stays so, for leases were taken since.
    fn believe_at_once(&mut self, stopped: i64) {
        self.now = shifted(self.now, stopped);
        self.shift(-stopped);
        self.mark.doubt -= stopped;
        if self.mark.doubt == 0 {
            self.settle();
        }
    }

    fn go_on(&mut self, read: Read, Reading { running, wall }: Reading) {
        let running = running.max(read.running);
        let before = self.now;
        self.now = self.now + running.since(read.running);
        let step = millis_between(self.shown(), wall);
        let stepped = step.abs() >= STEP_MIN;
        let steady_since = if stepped { running } else { read.steady_since };
        self.read = Some(Read { running, steady_since });
        if stepped {
            self.mark.confirmed_at.get_or_insert(before);
            self.step(step);
        } else if self.is_confirmed() {
            self.mark.confirmed_at = None;
        }
    }

    /// The wall clock was set. If it was in doubt, this is what it was doubted for. If it was set back,
    /// a start that finds it where it had been must not take that for a stop.
    fn step(&mut self, by: i64) {
        self.steps += 1;
        self.shift(by);
        if self.mark.doubt != 0 || by < 0 {
            self.add_doubt(by);
        }
    }

    fn shift(&mut self, by: i64) {
        self.mark.offset = self.mark.offset.saturating_add(by);
    }

    /// Without a stop there is nothing that a clock can be too far ahead for.
    fn add_doubt(&mut self, by: i64) {
        let doubt = self.mark.doubt.saturating_add(by);
        self.mark.doubt = if self.mark.doubted_from.is_some() { doubt } else { doubt.min(0) };
        if self.mark.doubt == 0 {
            self.settle();
        }
    }

    fn is_small(&self) -> bool {
        self.mark.doubt.unsigned_abs() <= millis(self.trust.jump_max)
    }

    /// For how long the wall clock has gone steadily.
    fn steady(&self) -> Option<Duration> {
        self.read.map(|read| read.running.since(read.steady_since))
    }

    fn is_confirmed(&self) -> bool {
        self.steady().is_some_and(|steady| steady >= self.trust.confirmed_after)
    }

    /// Shown time, as of the last reading.
    fn shown(&self) -> Timestamp {
        shifted(self.now, self.mark.offset)
    }
}

/// The time `by` milliseconds later, or earlier.
pub(super) fn shifted(time: Timestamp, by: i64) -> Timestamp {
    Timestamp::from_millis(time.as_millis().saturating_add_signed(by))
}

/// Milliseconds from `earlier` to `later`; negative if it is the other way round.
fn millis_between(earlier: Timestamp, later: Timestamp) -> i64 {
    let ahead = i64::try_from(millis(later.since(earlier))).unwrap_or(i64::MAX);
    let behind = i64::try_from(millis(earlier.since(later))).unwrap_or(i64::MAX);
    ahead - behind
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: u64 = 60_000;
    const DAY: u64 = 24 * 60 * MINUTE;
    const START: u64 = 1_790_000_000_000;

    fn read(times: &mut Times, running: u64, wall: u64) {
        let of = Timestamp::from_millis;
        times.advance(Reading { running: of(running), wall: of(wall) });
    }

    #[test]
    fn a_stop_that_was_in_doubt_does_not_end_leases_that_were_taken_since_at_the_next_start() {
        const TEN_YEARS: u64 = 10 * 365 * 24 * 60 * MINUTE;
        let last = (Timestamp::from_millis(START), ClockMark::default());
        let mut times = Times::after(Some(last), ClockTrust::default());
        read(&mut times, 0, START + 14_000 + TEN_YEARS);
        read(&mut times, 1000, START + 15_000);
        let taken = times.now();
        read(&mut times, 6000, START + 20_000);
        let mut again = Times::after(Some((times.now(), times.mark())), ClockTrust::default());
        read(&mut again, 0, START + 22_000);
        assert_eq!(again.now().since(taken), Duration::from_secs(7), "5 s and a stop of 2 s");
        read(&mut again, 6 * MINUTE, START + 22_000 + 6 * MINUTE);
        assert_eq!(again.confirmed().map(|lapse| lapse.millis), Some(14_000));
    }

    #[test]
    fn c2_a_step_long_after_a_start_that_found_the_clock_a_little_behind_is_no_stop() {
        let last = (Timestamp::from_millis(START), ClockMark::default());
        let mut times = Times::after(Some(last), ClockTrust::default());
        let wall = |running: u64| START - 30_000 + running;
        read(&mut times, 0, wall(0));
        assert!(times.mark().doubt < 0, "the clock is behind the log");
        read(&mut times, 6 * MINUTE, wall(6 * MINUTE));
        read(&mut times, 7 * MINUTE, wall(7 * MINUTE) + 5 * DAY);
        read(&mut times, 14 * MINUTE, wall(14 * MINUTE) + 5 * DAY);
        assert_eq!(times.confirmed(), None);
        assert_eq!(times.state().unconfirmed(), Duration::ZERO);
        assert_eq!(times.now(), Timestamp::from_millis(START + 14 * MINUTE));
    }
}
