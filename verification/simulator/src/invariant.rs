//! What must hold, by the numbers under which the project's notes on reliability list it.

use std::fmt;

/// What must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Invariant {
    /// I1: an acknowledged message is never lost.
    Lost,
    /// I2: what was deleted and acknowledged does not come back.
    CameBack,
    /// I3: nothing comes from nowhere, and a body is the one that was sent.
    FromNowhere,
    /// I4: a send of which nothing is known happened once or not at all.
    Doubled,
    /// I5: what was refused never appears.
    RefusedAppeared,
    /// I7: a message is in one queue at a time.
    Place,
    /// I8 and I9: a replay makes what was there, and a second one the same.
    Replay,
    /// I10: damage is named, and nothing else refuses the store.
    Opening,
    /// I13: a full disk refuses what makes the store larger, and service goes on when it has room.
    FullDisk,
    /// I14 and I15: nobody is given a message that is leased.
    Leases,
    /// I16: a receipt handle is given out once.
    Handles,
    /// I17: deliveries are counted.
    Counts,
    /// I20: nothing is delivered before its delay is over.
    Delays,
    /// I22: a message is dead-lettered when it was received too often, and not before.
    DeadLetters,
    /// I23 and I25: a group is delivered in its order, one after the other.
    GroupOrder,
    /// I24: sequence numbers go up.
    SequenceNumbers,
    /// I26: one deduplication id is one message for five minutes.
    Deduplication,
    /// I31: who waits for a message is woken by it.
    Waking,
    /// I33: once faults stop, everything is served and every queue comes to be empty.
    Liveness,
    /// I35: a purge takes what was there, and nothing that comes after it.
    Purges,
    /// I36: at rest the counts of a queue are right.
    QueueCounts,
    /// I37: no error but those that there is a reason for.
    Errors,
    /// I38: the disk is bounded by what lives.
    Bounds,
}

/// An invariant that does not hold, and how that is seen.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    pub(crate) invariant: Invariant,
    pub(crate) seen: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.invariant, self.seen)
    }
}
