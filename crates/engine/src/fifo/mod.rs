//! What a FIFO queue owns beside what every queue has: its groups, its deduplication window, its
//! sequence counter, and the receives that can be asked for again.
//!
//! ```text
//! send ─► deduplication: known? the original ─► sequence: next number ─► groups: last of its group
//! receive ─► attempts: the same again? ─► groups: in turn, each from its head
//! ```
//!
//! A standard queue has none of it. All of it is state that events alone make, so that a replayed
//! log deduplicates, numbers and orders as the queue did before.
//!
//! # Invariants
//!
//! - Every message of the queue is a member of one group, and no other is.
//! - No operation looks at more messages than it delivers, and each costs O(log n).

pub(crate) mod attempts;
pub(crate) mod deduplication;
pub(crate) mod groups;
pub(crate) mod sequence;

use longshore_types::Timestamp;

use attempts::Attempts;
use deduplication::{DeduplicationScope, Window};
use groups::Groups;
use sequence::SequenceNumber;

/// What a FIFO queue owns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fifo {
    pub(crate) groups: Groups,
    pub(crate) window: Window,
    pub(crate) attempts: Attempts,
    /// The last number given; it only grows.
    pub(crate) last_sequence: SequenceNumber,
}

impl Fifo {
    pub(crate) fn new(scope: DeduplicationScope) -> Self {
        Self {
            groups: Groups::default(),
            window: Window::new(scope),
            attempts: Attempts::default(),
            last_sequence: SequenceNumber::default(),
        }
    }

    /// What is left after a purge: the scope, and how far the sequence has come.
    pub(crate) fn purged(&self) -> Self {
        Self { last_sequence: self.last_sequence, ..Self::new(self.window.scope()) }
    }

    /// Forgets what `now` makes too old to matter.
    pub(crate) fn advance(&mut self, now: Timestamp) {
        self.window.forget_due(now);
        self.attempts.forget_due(now);
    }

    /// When nothing but messages is left to remember, unless more is sent or received. What ends
    /// earlier is forgotten on the way, by whichever operation comes next.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.window.last_end().max(self.attempts.last_end())
    }
}
