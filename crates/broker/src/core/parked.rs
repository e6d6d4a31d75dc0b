//! The receives that wait for one queue's messages, in the order in which they came.
//!
//! # Invariants
//!
//! - Whoever came first is served first; each wait also has a deadline, found without a scan.
//! - So many wait for one queue at most; beyond, a receive is refused at once.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use longshore_types::Timestamp;

use super::{ReceiveSpec, Waiter};

/// How often all that wait are looked through, at most, for some whose callers have gone: with as many
/// as may wait, it takes a millisecond of everybody's time.
const LOOK_FOR_GONE_EVERY: Duration = Duration::from_millis(100);

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
    /// When it was last looked for those whose callers have gone.
    looked_at: Option<Timestamp>,
}

impl<W> Default for Parked<W> {
    fn default() -> Self {
        Self { next: 0, by_arrival: BTreeMap::new(), by_deadline: BTreeSet::new(), looked_at: None }
    }
}

impl<W: Waiter> Parked<W> {
    /// Lets `receive` wait from `now` on, or gives it back if `waiting_max` do.
    pub(crate) fn push(
        &mut self,
        receive: ParkedReceive<W>,
        waiting_max: usize,
        now: Timestamp,
    ) -> Result<(), ParkedReceive<W>> {
        if self.by_arrival.len() >= waiting_max {
            self.look_for_gone(now);
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

    fn look_for_gone(&mut self, now: Timestamp) {
        if self.looked_at.is_none_or(|at| now.since(at) >= LOOK_FOR_GONE_EVERY) {
            self.looked_at = Some(now);
            self.drop_gone();
        }
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

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;

    use longshore_wire::SqsError;

    use super::super::Delivered;
    use super::*;

    /// One that waits and counts how often it is asked whether it is still there.
    struct Asked(Rc<Cell<usize>>, bool);

    impl Waiter for Asked {
        fn is_gone(&self) -> bool {
            self.0.set(self.0.get() + 1);
            self.1
        }

        fn answer(self, _answer: Result<Vec<Delivered>, SqsError>) {}
    }

    fn push(parked: &mut Parked<Asked>, waiter: Asked, now: u64) -> bool {
        let now = Timestamp::from_millis(now);
        let spec = ReceiveSpec { count_max: 1, visibility: None, waits: true, attempt: None };
        let receive = ParkedReceive { waiter, spec, deadline: now, by_policy: false };
        parked.push(receive, 1000, now).is_ok()
    }

    #[test]
    fn at_the_bound_not_all_are_looked_through_for_each_that_is_refused() {
        let (mut parked, asked) = (Parked::default(), Rc::default());
        for _ in 0..1000 {
            assert!(push(&mut parked, Asked(Rc::clone(&asked), false), 0));
        }
        for _ in 0..1000 {
            assert!(!push(&mut parked, Asked(Rc::clone(&asked), false), 0));
        }
        assert!(asked.get() <= 2000, "asked {} times", asked.get());
    }

    #[test]
    fn at_the_bound_the_places_of_those_who_have_gone_are_found_soon() {
        let (mut parked, asked) = (Parked::default(), Rc::default());
        for number in 0..1000 {
            assert!(push(&mut parked, Asked(Rc::clone(&asked), number % 2 == 0), 0));
        }
        for _ in 0..500 {
            assert!(push(&mut parked, Asked(Rc::clone(&asked), false), 100));
        }
        assert!(!push(&mut parked, Asked(asked, false), 100));
    }
}
