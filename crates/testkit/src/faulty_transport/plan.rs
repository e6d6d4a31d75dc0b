//! What happens to the next call: drawn at once, before it is made, so that what others do meanwhile changes
//! nothing about it.

use std::collections::BTreeMap;
use std::time::Duration;

use longshore_tasks::transport::Action;

use super::faults::{FaultKind, Faults, happens};
use crate::seeded::Seeded;

/// How late the answer to a receive is at most.
const RECEIVE_LATE_MAX: Duration = Duration::from_millis(500);

/// What happens to a whole call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Carried,
    NotSent,
    Throttled,
    AnswerLost,
    /// Of a receive: nothing is asked for.
    Empty,
    /// Of a receive: no answer ever comes.
    Hangs,
}

/// What happens to an entry of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EntryFate {
    Carried,
    /// Not done, and said to have failed.
    Fails,
    /// Done, and said to have failed.
    FailsAfter,
    Stale,
    /// Not done, and said to be.
    Lost,
}

/// What happens to a call.
#[derive(Clone, Debug)]
pub(super) struct Strike {
    pub(super) fate: Fate,
    pub(super) before: Duration,
    pub(super) after: Duration,
    pub(super) entries: Vec<EntryFate>,
}

/// What decides.
#[derive(Debug)]
pub(super) struct Plan {
    faults: Option<Faults>,
    random: Seeded,
    pub(super) counts: BTreeMap<FaultKind, u64>,
}

impl Plan {
    pub(super) fn none() -> Self {
        Self { faults: None, random: Seeded::new(0), counts: BTreeMap::new() }
    }

    pub(super) fn set(&mut self, faults: Option<Faults>) {
        if let Some(faults) = &faults {
            self.random = Seeded::new(faults.seed);
        }
        self.faults = faults;
    }

    fn meets(&mut self, share: f64, kind: FaultKind) -> bool {
        let meets = happens(&self.random, share);
        if meets {
            *self.counts.entry(kind).or_default() += 1;
        }
        meets
    }

    /// What happens to the next call of that action, with so many entries.
    pub(super) fn strike(&mut self, action: Action, is_fifo: bool, entries: usize) -> Strike {
        let Some(faults) = self.faults.clone() else { return Strike::none(entries) };
        let fate = self.fate(&faults, action);
        let (before, after) = self.delays(&faults, action);
        let entries = (0..entries).map(|_| self.entry(&faults, action, is_fifo)).collect();
        Strike { fate, before, after, entries }
    }

    fn fate(&mut self, faults: &Faults, action: Action) -> Fate {
        let is_receive = action == Action::ReceiveMessage;
        if self.meets(faults.not_sent, FaultKind::NotSent) {
            Fate::NotSent
        } else if self.meets(faults.throttling, FaultKind::Throttled) {
            Fate::Throttled
        } else if self.meets(faults.lost_answers, FaultKind::LostAnswer) {
            Fate::AnswerLost
        } else if is_receive && self.meets(faults.empty_receives, FaultKind::EmptyReceive) {
            Fate::Empty
        } else if is_receive && self.meets(faults.hung_receives, FaultKind::HungReceive) {
            Fate::Hangs
        } else {
            Fate::Carried
        }
    }

    fn delays(&mut self, faults: &Faults, action: Action) -> (Duration, Duration) {
        if !self.meets(faults.slow_calls, FaultKind::Slow) {
            return (Duration::ZERO, Duration::ZERO);
        }
        let late = self.random.up_to(faults.slow_max);
        match (self.random.chance(50), action == Action::ReceiveMessage) {
            (true, _) => (late, Duration::ZERO),
            (false, true) => (Duration::ZERO, late.min(RECEIVE_LATE_MAX)),
            (false, false) => (Duration::ZERO, late),
        }
    }

    fn entry(&mut self, faults: &Faults, action: Action, is_fifo: bool) -> EntryFate {
        let deletes = action == Action::DeleteMessageBatch && !is_fifo;
        if self.meets(faults.partial_failures, FaultKind::PartialFailure) {
            if self.random.chance(50) { EntryFate::Fails } else { EntryFate::FailsAfter }
        } else if action.names_receipts()
            && self.meets(faults.stale_handles, FaultKind::StaleHandle)
        {
            EntryFate::Stale
        } else if deletes && self.meets(faults.lost_deletes, FaultKind::LostDelete) {
            EntryFate::Lost
        } else {
            EntryFate::Carried
        }
    }

    /// Whether a message that was received comes again at once.
    pub(super) fn duplicates(&mut self) -> bool {
        let share = self.faults.as_ref().map_or(0.0, |faults| faults.duplicates);
        self.meets(share, FaultKind::Duplicate)
    }

    /// Puts what was received in another order, by chance.
    pub(super) fn reorder<T>(&mut self, received: &mut [T]) {
        let share = self.faults.as_ref().map_or(0.0, |faults| faults.reordering);
        if received.len() > 1 && self.meets(share, FaultKind::Reordered) {
            for last in (1..received.len()).rev() {
                received.swap(last, self.random.index_below(last + 1));
            }
        }
    }
}

impl Strike {
    fn none(entries: usize) -> Self {
        let (before, after) = (Duration::ZERO, Duration::ZERO);
        Self { fate: Fate::Carried, before, after, entries: vec![EntryFate::Carried; entries] }
    }
}
