//! Guesses whether another request is about to come, so that nobody waits for company in vain.
//!
//! What is learned is the gap between a request and the next one that comes while it is unanswered. A
//! request waits for the next for as long as five such gaps: where requests come of themselves, less than
//! one in a hundred takes longer. Where each asker waits for its answer before it asks again, all of them
//! are soon there, the gap is small, and nobody waits for long.
//!
//! Answers that are quicker than the gap hide company: one asker who asks again at once looks like
//! many who ask in turn. So now and then a request waits to find out, more and more seldom if nobody comes.
//!
//! # Invariants
//!
//! - Who asks alone does not wait: neither the first after a pause, nor, but for one in many, one whose
//!   answer always comes before the next request.
//! - The gap is learned only from requests that overlap: how long an asker pauses between an answer and
//!   its next request says nothing about others.

use std::time::Duration;

use tokio::time::Instant;

/// Gaps without a request after which no more are expected: of requests that come at random, 0.7 % come
/// later.
const QUIET_GAPS: u32 = 5;
/// Requests that have to be expected within the linger, or else none is waited for.
const WORTH: u32 = 2;
/// The weight of what was learned before, against one new gap.
const MEMORY: u32 = 7;
/// Requests between two that wait to find out whether others come: at first and at last.
const FIND_OUT_EVERY: (u32, u32) = (16, 1024);

/// Knows how closely requests follow one another.
#[derive(Debug)]
pub(super) struct Company {
    /// How long a request may wait in all.
    linger: Duration,
    /// The mean gap between requests that overlapped; `None` before the first.
    gap: Option<Duration>,
    /// The mean gap between requests that did not.
    pace: Option<Duration>,
    last_came_at: Option<Instant>,
    /// Requests without company since one waited to find out, and how many there are to be.
    alone: u32,
    find_out_after: u32,
}

impl Company {
    /// Knows nothing yet; requests may wait for up to `linger`.
    pub(super) fn new(linger: Duration) -> Self {
        let find_out_after = FIND_OUT_EVERY.0;
        Self { linger, gap: None, pace: None, last_came_at: None, alone: 0, find_out_after }
    }

    /// Learns of a request; `overlaps` an earlier one that is not answered yet. Says until when another
    /// may be waited for: its own time, if none is expected.
    pub(super) fn note(&mut self, came_at: Instant, overlaps: bool) -> Instant {
        let last = self.last_came_at.replace(came_at);
        let Some(gap) = last.map(|last| came_at.saturating_duration_since(last)) else {
            return came_at;
        };
        let wait = if overlaps { self.together(gap) } else { self.apart(gap) };
        came_at + wait.unwrap_or_default()
    }

    /// A request overlaps the one before it: how long it waits for the next.
    fn together(&mut self, gap: Duration) -> Option<Duration> {
        self.gap = Some(self.learned(self.gap, gap));
        (self.alone, self.find_out_after) = (0, FIND_OUT_EVERY.0);
        self.quiet(self.gap)
    }

    /// The one before it was answered: how long it waits for the next.
    fn apart(&mut self, gap: Duration) -> Option<Duration> {
        let quiet = self.quiet(self.gap).filter(|quiet| gap <= *quiet);
        if quiet.is_some() {
            return quiet;
        }
        self.pace = Some(self.learned(self.pace, gap));
        self.alone += 1;
        if self.alone < self.find_out_after {
            return None;
        }
        (self.alone, self.find_out_after) = (0, (self.find_out_after * 2).min(FIND_OUT_EVERY.1));
        self.quiet(self.pace)
    }

    fn learned(&self, mean: Option<Duration>, gap: Duration) -> Duration {
        let gap = gap.min(self.linger);
        mean.map_or(gap, |mean| (mean * MEMORY + gap) / (MEMORY + 1))
    }

    /// How long a silence means that no more are coming; `None` if company is not worth waiting for.
    fn quiet(&self, gap: Option<Duration>) -> Option<Duration> {
        let gap = gap.filter(|gap| *gap * WORTH <= self.linger)?;
        Some(gap * QUIET_GAPS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINGER: Duration = Duration::from_millis(50);

    fn millis(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    /// How long each request would wait for the next; each comes so long after the one before.
    fn waits(gaps: &[(u64, bool)]) -> Vec<Duration> {
        let mut company = Company::new(LINGER);
        let mut now = Instant::now();
        company.note(now, false);
        let note = |(gap, overlaps): &(u64, bool)| {
            now += millis(*gap);
            company.note(now, *overlaps) - now
        };
        gaps.iter().map(note).collect()
    }

    #[test]
    fn who_asks_alone_waits_more_and_more_seldom_to_find_out_whether_others_come() {
        let told = waits(&[(9, false); 4000]);
        let waited: Vec<_> = (0..4000).filter(|place| !told[*place].is_zero()).collect();
        assert_eq!(waited, [15, 47, 111, 239, 495, 1007, 2031, 3055]);
        assert!(told.iter().all(|wait| *wait <= millis(45)));
    }

    #[test]
    fn who_asks_seldom_never_waits() {
        assert_eq!(waits(&[(26, false); 4000]), vec![Duration::ZERO; 4000]);
    }

    #[test]
    fn who_asks_after_others_have_gone_does_not_wait() {
        let waits = waits(&[(2, true), (2, true), (9, false), (3_600_000, false)]);
        assert_eq!(waits, [millis(10), millis(10), millis(10), Duration::ZERO]);
    }

    #[test]
    fn few_requests_are_not_worth_waiting_for() {
        assert_eq!(waits(&[(26, true); 20]), vec![Duration::ZERO; 20]);
        assert_eq!(waits(&[(25, true); 20]), vec![millis(125); 20]);
    }

    #[test]
    fn what_is_learned_follows_the_load() {
        let told = waits(&[[(1, true); 50], [(10, true); 50]].concat());
        assert_eq!(told[49], millis(5));
        assert!(told[99] > millis(48) && told[99] <= millis(50), "{told:?}");
    }
}
