//! When calls of one kind may be made of a queue that has throttled one. Pure: time and chance are passed in.
//!
//! ```text
//! open ── throttled ──▶ shut, for a pause ──▶ one call finds out ── answered ──▶ open
//!                         ▲                          │
//!                         └────── throttled ─────────┘  a longer pause
//! ```
//!
//! # Invariants
//!
//! - What was under way when the gate shut says nothing new: it opens nothing, and lengthens no back-off.
//! - After a pause one call is let through, and no other before its answer, or a second.
//! - Calls that are throttled within the budget are followed by short pauses, none of which is longer than the
//!   trouble lasts already: so it is noticed in time that it is over. Beyond the budget each pause is long.

use std::time::Duration;

use tokio::time::Instant;

use super::Throttling;
use crate::backoff::{Backoff, full_jitter};
use crate::id::RandomSource;

/// How long the call that finds out keeps others waiting. A refusal comes at once, and a receive that waits
/// for a message was let in.
const FINDS_OUT_WITHIN: Duration = Duration::from_secs(1);
/// How long an endpoint can have a call put off: beyond that nobody knows what it meant.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(60);
/// The budget: a call that was throttled costs as much as five earn that were not. So, in the long run, short
/// pauses follow a fifth of the calls at most.
const COST: u32 = 5;
const BUDGET_MAX: u32 = 10 * COST;

/// When calls of one kind may be made of a queue.
#[derive(Debug)]
pub(super) struct Gate {
    backoff: Backoff,
    shut_until: Option<Instant>,
    shut_at: Option<Instant>,
    /// How often it was shut since a call was answered otherwise.
    refusals: u32,
    /// When the first of these was.
    refused_since: Option<Instant>,
    /// Counts the times that it was shut.
    generation: u64,
    finds_out_until: Option<Instant>,
    budget: u32,
    /// Whether it opens when a message was deleted: too many are in flight.
    until_deleted: bool,
    /// What the endpoint said last.
    code: String,
}

/// What lets one call through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Ticket {
    generation: u64,
    finds_out: bool,
}

impl Gate {
    /// An open gate, whose pauses are those.
    pub(super) fn new(backoff: Backoff) -> Self {
        Self {
            backoff,
            shut_until: None,
            shut_at: None,
            refusals: 0,
            refused_since: None,
            generation: 0,
            finds_out_until: None,
            budget: BUDGET_MAX,
            until_deleted: false,
            code: String::new(),
        }
    }

    /// Whether nothing is left of what was throttled once.
    pub(super) fn is_as_new(&self) -> bool {
        self.refusals == 0 && self.shut_until.is_none() && self.budget == BUDGET_MAX
    }

    pub(super) fn code(&self) -> &str {
        &self.code
    }

    /// For how long no call is let through; `None` if one is.
    pub(super) fn shut_for(&self, now: Instant) -> Option<Duration> {
        let until = self.shut_until.max(self.finds_out_until)?;
        Some(until.saturating_duration_since(now)).filter(|left| !left.is_zero())
    }

    /// Lets a call through, or says how long not.
    pub(super) fn enter(&mut self, now: Instant) -> Result<Ticket, Duration> {
        if let Some(left) = self.shut_for(now) {
            return Err(left);
        }
        self.shut_until = None;
        let finds_out = self.refusals > 0;
        self.finds_out_until = finds_out.then(|| now + FINDS_OUT_WITHIN);
        Ok(Ticket { generation: self.generation, finds_out })
    }

    /// The call was answered, and not throttled.
    pub(super) fn note_answer(&mut self, ticket: Ticket) {
        self.budget = (self.budget + 1).min(BUDGET_MAX);
        if ticket.generation == self.generation && self.shut_until.is_none() {
            (self.refusals, self.refused_since) = (0, None);
            (self.finds_out_until, self.until_deleted) = (None, false);
        }
    }

    /// Nobody knows how the call ended: another may find out.
    pub(super) fn note_nothing(&mut self, ticket: Ticket) {
        if ticket.finds_out && ticket.generation == self.generation {
            self.finds_out_until = None;
        }
    }

    /// The call was throttled: says how long nothing is asked, and whether that is news.
    pub(super) fn note_throttled(
        &mut self,
        ticket: Ticket,
        how: &Throttling,
        now: Instant,
        random: &dyn RandomSource,
    ) -> (Duration, bool) {
        let asked = how.retry_after.unwrap_or_default().min(RETRY_AFTER_MAX);
        if ticket.generation != self.generation {
            self.shut_until = self.shut_until.max(Some(now + asked));
            return (self.shut_for(now).unwrap_or_default(), false);
        }
        self.generation += 1;
        self.refusals = self.refusals.saturating_add(1);
        self.until_deleted = how.is_over_limit();
        how.code.clone_into(&mut self.code);
        let pause = asked.max(self.pause(now, random));
        self.shut(now, pause);
        (pause, true)
    }

    /// Shuts the gate for the sake of other calls.
    pub(super) fn yield_for(&mut self, pause: Duration, code: &str, now: Instant) {
        if self.shut_until.is_none() {
            code.clone_into(&mut self.code);
        }
        self.shut_until = self.shut_until.max(Some(now + pause));
    }

    /// A message was deleted: if that was missing, a receive may find out soon.
    pub(super) fn note_deleted(&mut self) {
        if self.until_deleted
            && let (Some(at), Some(until)) = (self.shut_at, self.shut_until)
        {
            self.shut_until = Some(until.min(at + self.backoff.first));
        }
    }

    fn shut(&mut self, now: Instant, pause: Duration) {
        self.finds_out_until = None;
        (self.shut_at, self.shut_until) = (Some(now), Some(now + pause));
    }

    fn pause(&mut self, now: Instant, random: &dyn RandomSource) -> Duration {
        let lasts = now - *self.refused_since.get_or_insert(now);
        let Some(rest) = self.budget.checked_sub(COST) else {
            let half = self.backoff.last / 2;
            return half + full_jitter(half, random);
        };
        self.budget = rest;
        self.backoff.jittered(self.refusals, random).min(lasts.max(self.backoff.first))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backoff::tests::Fixed;

    const BACKOFF: Backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(20));
    const HALF: Fixed = Fixed(1 << 63);

    fn of(code: &str, retry_after: Option<u64>) -> Throttling {
        Throttling { code: code.to_owned(), retry_after: retry_after.map(Duration::from_secs) }
    }

    /// Lets a call through and has it throttled: how long the gate is shut, in milliseconds.
    fn throttle(gate: &mut Gate, now: Instant, retry_after: Option<u64>) -> u128 {
        let ticket = gate.enter(now).unwrap();
        let how = of("RequestThrottled", retry_after);
        gate.note_throttled(ticket, &how, now, &HALF).0.as_millis()
    }

    #[tokio::test(start_paused = true)]
    async fn pauses_double_and_begin_again_after_an_answer() {
        let (mut gate, mut now) = (Gate::new(BACKOFF), Instant::now());
        for millis in [500, 1000, 1500, 3000, 6000, 10_000, 10_000] {
            assert_eq!(throttle(&mut gate, now, None), millis);
            now += Duration::from_millis(u64::try_from(millis).unwrap());
        }
        let ticket = gate.enter(now).unwrap();
        gate.note_answer(ticket);
        assert_eq!(throttle(&mut gate, now, None), 500);
    }

    #[tokio::test(start_paused = true)]
    async fn the_endpoint_is_obeyed_where_it_asks_for_more_and_for_a_minute_at_most() {
        let now = Instant::now();
        for (asked, millis) in [(0, 500), (5, 5000), (3600, 60_000)] {
            assert_eq!(throttle(&mut Gate::new(BACKOFF), now, Some(asked)), millis);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_pause_one_call_finds_out_for_all() {
        let (mut gate, mut now) = (Gate::new(BACKOFF), Instant::now());
        throttle(&mut gate, now, None);
        assert_eq!(gate.enter(now), Err(Duration::from_millis(500)));
        now += Duration::from_millis(500);
        let first = gate.enter(now).unwrap();
        assert_eq!(gate.enter(now), Err(FINDS_OUT_WITHIN));
        gate.note_nothing(first);
        let second = gate.enter(now).unwrap();
        gate.note_answer(second);
        assert!(gate.enter(now).is_ok() && gate.enter(now).is_ok());
        // A call that takes long, as a receive does, was let in.
        throttle(&mut gate, now, None);
        now += Duration::from_millis(500);
        assert!(gate.enter(now).is_ok() && gate.enter(now).is_err());
        assert!(gate.enter(now + FINDS_OUT_WITHIN).is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_under_way_when_it_shut_says_nothing_new() {
        let (mut gate, now) = (Gate::new(BACKOFF), Instant::now());
        let tickets: Vec<_> = (0..3).map(|_| gate.enter(now).unwrap()).collect();
        let throttled = of("RequestThrottled", None);
        let first = gate.note_throttled(tickets[0], &throttled, now, &HALF);
        assert_eq!(first, (Duration::from_millis(500), true));
        assert_eq!(
            gate.note_throttled(tickets[1], &throttled, now, &HALF),
            (Duration::from_millis(500), false)
        );
        gate.note_answer(tickets[2]);
        assert_eq!(gate.shut_for(now), Some(Duration::from_millis(500)));
        assert_eq!(throttle(&mut gate, now + Duration::from_millis(500), None), 1000);
    }

    #[tokio::test(start_paused = true)]
    async fn beyond_the_budget_each_pause_is_long() {
        let (mut gate, mut now) = (Gate::new(BACKOFF), Instant::now());
        let mut pauses = Vec::new();
        // Two of three calls are throttled.
        for _ in 0..40 {
            for _ in 0..2 {
                let pause = throttle(&mut gate, now, None);
                pauses.push(pause);
                now += Duration::from_millis(u64::try_from(pause).unwrap());
            }
            let ticket = gate.enter(now).unwrap();
            gate.note_answer(ticket);
        }
        let short = pauses.iter().filter(|pause| **pause < 10_000).count();
        assert!(
            (17..=18).contains(&short),
            "10 of the budget and 40 / 5 that were earned: {short}"
        );
        assert!(pauses.iter().all(|pause| *pause <= 15_000), "{pauses:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn where_too_many_are_in_flight_a_delete_is_what_was_missing() {
        let (mut gate, mut now) = (Gate::new(BACKOFF), Instant::now());
        for _ in 0..6 {
            let ticket = gate.enter(now).unwrap();
            now += gate.note_throttled(ticket, &of("OverLimit", None), now, &HALF).0;
        }
        let ticket = gate.enter(now).unwrap();
        gate.note_throttled(ticket, &of("OverLimit", None), now, &HALF);
        assert_eq!(gate.shut_for(now), Some(Duration::from_secs(10)));
        gate.note_deleted();
        assert_eq!(gate.shut_for(now), Some(BACKOFF.first));
        // Of what was throttled a delete says nothing.
        now += BACKOFF.first;
        throttle(&mut gate, now, None);
        gate.note_deleted();
        assert_eq!(gate.shut_for(now), Some(Duration::from_secs(10)));
    }
}
