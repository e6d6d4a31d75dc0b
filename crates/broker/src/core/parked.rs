//! The receives that wait for one queue's messages, in the order in which they came.
//!
//! # Invariants
//!
//! - Whoever came first is served first; each wait also has a deadline, found without a scan.
//! - So many wait for one queue at most; beyond, a receive is refused at once.

use std::collections::{BTreeMap, BTreeSet};

use longshore_types::Timestamp;

use super::{ReceiveSpec, Waiter};

/// A receive that waits.
#[derive(Debug)]
pub(crate) struct ParkedReceive<W> {
    pub(crate) waiter: W,
    pub(crate) spec: ReceiveSpec,
    pub(crate) deadline: Timestamp,
    /// Whether the queue's policy had a say in whether it may wait.
    pub(crate) by_policy: bool,
}

/// The receives that wait for one queue.
#[derive(Debug)]
pub(crate) struct Parked<W> {
    next: u64,
    by_arrival: BTreeMap<u64, ParkedReceive<W>>,
    by_deadline: BTreeSet<(Timestamp, u64)>,
}

impl<W> Default for Parked<W> {
    fn default() -> Self {
        Self { next: 0, by_arrival: BTreeMap::new(), by_deadline: BTreeSet::new() }
    }
}

impl<W: Waiter> Parked<W> {
    /// Lets `receive` wait, or gives it back if `waiting_max` do.
    pub(crate) fn push(
        &mut self,
        receive: ParkedReceive<W>,
        waiting_max: usize,
    ) -> Result<(), ParkedReceive<W>> {
        if self.by_arrival.len() >= waiting_max {
            self.drop_gone();
        }
        if self.by_arrival.len() >= waiting_max {
            return Err(receive);
        }
        self.next += 1;
        self.by_deadline.insert((receive.deadline, self.next));
        self.by_arrival.insert(self.next, receive);
        Ok(())
    }

    /// How many wait.
    pub(crate) fn len(&self) -> usize {
        self.by_arrival.len()
    }

    /// The first receive whose caller is still there; those before it are forgotten.
    pub(crate) fn first_present(&mut self) -> Option<&ParkedReceive<W>> {
        while self.by_arrival.first_key_value()?.1.waiter.is_gone() {
            self.pop();
        }
        self.by_arrival.first_key_value().map(|(_, receive)| receive)
    }

    /// Takes the first receive.
    pub(crate) fn pop(&mut self) -> Option<ParkedReceive<W>> {
        let (number, receive) = self.by_arrival.pop_first()?;
        self.by_deadline.remove(&(receive.deadline, number));
        Some(receive)
    }

    /// Takes the receives that wait by leave of the queue's policy.
    pub(crate) fn take_by_policy(&mut self) -> Vec<ParkedReceive<W>> {
        let by_policy = |receive: &ParkedReceive<W>| receive.by_policy;
        let numbers: Vec<_> =
            self.by_arrival.iter().filter(|(_, each)| by_policy(each)).map(|(at, _)| *at).collect();
        numbers.into_iter().filter_map(|number| self.take(number)).collect()
    }

    fn take(&mut self, number: u64) -> Option<ParkedReceive<W>> {
        let receive = self.by_arrival.remove(&number)?;
        self.by_deadline.remove(&(receive.deadline, number));
        Some(receive)
    }

    /// Takes a receive whose deadline has come.
    pub(crate) fn pop_due(&mut self, now: Timestamp) -> Option<ParkedReceive<W>> {
        let (_, number) = *self.by_deadline.first().filter(|(deadline, _)| *deadline <= now)?;
        self.by_deadline.pop_first();
        self.by_arrival.remove(&number)
    }

    /// The first deadline.
    pub(crate) fn next_deadline(&self) -> Option<Timestamp> {
        self.by_deadline.first().map(|(deadline, _)| *deadline)
    }

    fn drop_gone(&mut self) {
        let by_deadline = &mut self.by_deadline;
        self.by_arrival.retain(|number, receive| {
            let present = !receive.waiter.is_gone();
            if !present {
                by_deadline.remove(&(receive.deadline, *number));
            }
            present
        });
    }
}
