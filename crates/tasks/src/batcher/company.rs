//! Guesses whether another request is about to come, so that nobody waits for company in vain.
//!
//! What is learned is the mean gap between requests. A request waits for the next one for as long as eight
//! such gaps: where requests come of themselves, hardly one takes longer, and batches fill.
//! Where few askers wait for their answers before they ask again, all of them are soon there and every wait
//! ends in silence. Then waits become more and more seldom.
//!
//! # Invariants
//!
//! - Who asks after a pause does not wait, nor who asks where few others do.
//! - A wait that ended in silence is not repeated at once.

use std::time::Duration;

use tokio::time::Instant;

use super::expected::WORTH_ENTRIES;
use super::gap::{MeanGap, WORTH};
use crate::trials::Trials;

/// Knows how closely requests follow one another.
#[derive(Debug)]
pub(super) struct Company {
    /// How long a request may wait in all.
    linger: Duration,
    /// Of which none counts for more than the linger.
    gap: MeanGap,
    last_came_at: Option<Instant>,
    waits: Trials,
    /// Whether the batch that is being filled waits.
    is_waiting: bool,
}

impl Company {
    /// Expects nobody yet; requests may wait for up to `linger`.
    pub(super) fn new(linger: Duration) -> Self {
        let (gap, waits) = (MeanGap::new(linger), Trials::default());
        Self { linger, gap, last_came_at: None, waits, is_waiting: false }
    }

    /// The first request of a batch has come: until when it waits for the next.
    pub(super) fn first(&mut self, came_at: Instant) -> Instant {
        let is_alone = self.last_came_at.is_none_or(|last| last + self.gap.quiet() < came_at);
        self.learn(came_at);
        self.is_waiting =
            !is_alone && self.gap.mean() * WORTH <= self.linger && self.waits.is_due();
        self.waits_until(came_at)
    }

    /// Another has come: until when the batch waits for the next.
    pub(super) fn next(&mut self, came_at: Instant) -> Instant {
        self.learn(came_at);
        self.waits_until(came_at)
    }

    /// The batch has left with so many requests, because no more fit, or because of the silence, or
    /// because its time was over.
    pub(super) fn left(&mut self, entries: usize, in_silence: bool) {
        if self.is_waiting {
            self.waits.note(!in_silence && entries >= WORTH_ENTRIES);
        }
    }

    fn learn(&mut self, came_at: Instant) {
        if let Some(last) = self.last_came_at.replace(came_at) {
            self.gap.learn(came_at.saturating_duration_since(last));
        }
    }

    fn waits_until(&self, came_at: Instant) -> Instant {
        if self.is_waiting { came_at + self.gap.quiet() } else { came_at }
    }
}
