//! The judge: a history and what the broker holds now, and which promises the two show to be broken. It is pure.
//!
//! ```text
//! life       what is known of each message, gathered from the history
//! presence   nothing lost, nothing back, nothing twice, nothing from nowhere
//! order      message groups, sequence numbers, deduplication
//! leases     leases, delays, receive counts
//! receipts   what a receipt handle deletes
//! ```
//!
//! # Invariants
//!
//! - What may have happened either way is never a finding: a request without an answer counts as carried out and as not.

mod leases;
mod life;
mod order;
mod presence;
mod receipts;
#[cfg(test)]
mod tests;

use std::fmt;

use crate::history::{History, Snapshot};

/// The promises, by the numbers that the project gives them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Invariant {
    /// I1.
    NothingLost,
    /// I2.
    NothingBack,
    /// I3.
    NothingFromNowhere,
    /// I4, I7.
    NothingTwice,
    /// I5.
    NothingRefused,
    /// I12.
    FailedWrites,
    /// I13.
    FullDisk,
    /// I14.
    Leases,
    /// I16.
    Receipts,
    /// I17.
    ReceiveCounts,
    /// I20.
    Delays,
    /// I23, I25.
    GroupOrder,
    /// I24.
    SequenceNumbers,
    /// I26.
    Deduplication,
    /// I33.
    Liveness,
    /// I8, I9.
    Recovery,
    /// I10.
    Verify,
}

impl Invariant {
    const fn promise(self) -> (&'static str, &'static str) {
        match self {
            Self::NothingLost => ("I1", "nothing that was acknowledged is lost"),
            Self::NothingBack => ("I2", "what was deleted does not come back"),
            Self::NothingFromNowhere => ("I3", "each message is one that was sent, byte for byte"),
            Self::NothingTwice => ("I4", "a message is there once, in one queue"),
            Self::NothingRefused => ("I5", "what was refused is not there"),
            Self::FailedWrites => ("I12", "after a failed write or sync the broker ends"),
            Self::FullDisk => ("I13", "a full disk refuses, serves what it has, and goes on"),
            Self::Leases => ("I14", "no message is delivered before its lease is over"),
            Self::Receipts => {
                ("I16", "a superseded receipt handle deletes nothing in a FIFO queue")
            }
            Self::ReceiveCounts => ("I17", "receive counts go up by each delivery"),
            Self::Delays => ("I20", "no message is delivered before its delay is over"),
            Self::GroupOrder => ("I25", "a message group is delivered in order, one after another"),
            Self::SequenceNumbers => ("I24", "sequence numbers go up"),
            Self::Deduplication => ("I26", "one deduplication id is one message"),
            Self::Liveness => ("I33", "once faults are over, every queue drains"),
            Self::Recovery => ("I8", "the broker starts again after every crash"),
            Self::Verify => ("I10", "verify finds the store whole"),
        }
    }
}

impl fmt::Display for Invariant {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (number, promise) = self.promise();
        write!(formatter, "{number} ({promise})")
    }
}

/// A promise that was broken, and how that shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Which promise.
    pub invariant: Invariant,
    /// What was seen.
    pub seen: String,
}

impl Finding {
    pub(crate) fn new(invariant: Invariant, seen: impl Into<String>) -> Self {
        Self { invariant, seen: seen.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.invariant, self.seen)
    }
}

/// What the faults of a run leave of the promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rules {
    /// Time goes on as it should from one start of the broker to the next.
    pub(crate) time_is_right: bool,
    /// Every receive survives: a power cut may take one of a standard queue back.
    pub(crate) receives_survive: bool,
}

impl Rules {
    /// After kills.
    pub(crate) const ALL: Self = Self { time_is_right: true, receives_survive: true };
}

/// The promises that are broken.
pub(crate) fn judge(history: &History, snapshot: &Snapshot, rules: Rules) -> Vec<Finding> {
    let lives = life::gather(history, snapshot);
    let mut findings = Vec::new();
    for life in lives.values() {
        presence::judge(life, snapshot.taken_at, rules, &mut findings);
        leases::judge(life, rules, &mut findings);
        receipts::judge(life, &mut findings);
        order::judge_identity(life, &mut findings);
    }
    presence::judge_strangers(history, snapshot, &mut findings);
    order::judge(history, &lives, &mut findings);
    findings
}
