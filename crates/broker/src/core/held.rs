//! Answers that wait for the disk.
//!
//! # Invariants
//!
//! - An answer leaves when the log is durable, and written, as far as it needs; never before.
//! - Once the log has failed no held answer leaves: its waiter is told of the failure instead.

use std::collections::BTreeMap;

use longshore_storage::{Lsn, Progress};
use longshore_wire::SqsError;

use super::{Delivered, Waiter};

/// How far the log must have come before an answer may leave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Need {
    /// Records that a power cut must not take back.
    pub(crate) durable: Lsn,
    /// Records that a kill of the process must not take back.
    pub(crate) written: Lsn,
}

impl Need {
    /// A need for all records up to `lsn` to be durable.
    pub(crate) const fn durable(lsn: Lsn) -> Self {
        Self { durable: lsn, written: lsn }
    }

    /// What satisfies both.
    #[must_use]
    pub(crate) fn and(self, other: Self) -> Self {
        Self { durable: self.durable.max(other.durable), written: self.written.max(other.written) }
    }

    fn is_met(self, progress: Progress) -> bool {
        self.durable <= progress.durable && self.written <= progress.written
    }
}

/// An answer that may leave.
#[derive(Debug)]
pub(crate) struct Ready<W> {
    waiter: W,
    answer: Result<Vec<Delivered>, SqsError>,
}

impl<W: Waiter> Ready<W> {
    /// Hands it over.
    pub(crate) fn leave(self) {
        self.waiter.answer(self.answer);
    }
}

#[derive(Debug)]
struct HeldAnswer<W> {
    need: Need,
    waiter: W,
    answer: Result<Vec<Delivered>, SqsError>,
}

impl<W> From<HeldAnswer<W>> for Ready<W> {
    fn from(HeldAnswer { waiter, answer, .. }: HeldAnswer<W>) -> Self {
        Self { waiter, answer }
    }
}

/// The answers that wait, by the record that they wait for.
#[derive(Debug)]
pub(crate) struct Held<W> {
    progress: Progress,
    /// The number tells answers apart that wait for the same record.
    next: u64,
    until_durable: BTreeMap<(Lsn, u64), HeldAnswer<W>>,
    until_written: BTreeMap<(Lsn, u64), HeldAnswer<W>>,
}

impl<W: Waiter> Held<W> {
    pub(crate) fn new(progress: Progress) -> Self {
        let until_durable = BTreeMap::new();
        Self { progress, next: 0, until_durable, until_written: BTreeMap::new() }
    }

    /// Hands `answer` to `waiter` once `need` is met: at once, if it is.
    pub(crate) fn hold(&mut self, need: Need, waiter: W, answer: Result<Vec<Delivered>, SqsError>) {
        if self.progress.poisoned {
            return waiter.answer(Err(failed()));
        }
        if need.is_met(self.progress) {
            return waiter.answer(answer);
        }
        self.next += 1;
        self.place(self.next, HeldAnswer { need, waiter, answer });
    }

    fn place(&mut self, number: u64, held: HeldAnswer<W>) {
        if held.need.durable > self.progress.durable {
            self.until_durable.insert((held.need.durable, number), held);
        } else {
            self.until_written.insert((held.need.written, number), held);
        }
    }

    /// Learns how far the log has come, and lets go what it satisfies, in order.
    #[must_use = "somebody waits for each"]
    pub(crate) fn progressed(&mut self, progress: Progress) -> Vec<Ready<W>> {
        let progress = later(self.progress, progress);
        self.progress = progress;
        if progress.poisoned {
            return self.fail();
        }
        let mut ready = Vec::new();
        while let Some((number, held)) = take_first(&mut self.until_durable, progress.durable) {
            if held.need.is_met(progress) {
                ready.push(held.into());
            } else {
                self.place(number, held);
            }
        }
        while let Some((_, held)) = take_first(&mut self.until_written, progress.written) {
            ready.push(held.into());
        }
        ready
    }

    fn fail(&mut self) -> Vec<Ready<W>> {
        let durable = std::mem::take(&mut self.until_durable).into_values();
        let written = std::mem::take(&mut self.until_written).into_values();
        let held = durable.chain(written);
        held.map(|held| Ready { waiter: held.waiter, answer: Err(failed()) }).collect()
    }
}

/// Reports can cross: both numbers only grow, and a failure stays one.
fn later(known: Progress, told: Progress) -> Progress {
    Progress {
        written: known.written.max(told.written),
        durable: known.durable.max(told.durable),
        poisoned: known.poisoned || told.poisoned,
    }
}

/// What a waiter is told once the log has failed. Whether its request was carried out is unknown,
/// which is what a server fault says.
pub(super) fn failed() -> SqsError {
    SqsError::InternalFailure
}

/// Takes out what waits longest for a record up to `lsn`.
fn take_first<T>(held: &mut BTreeMap<(Lsn, u64), T>, lsn: Lsn) -> Option<(u64, T)> {
    let first = held.first_entry().filter(|first| first.key().0 <= lsn)?;
    let ((_, number), held) = first.remove_entry();
    Some((number, held))
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use super::*;

    #[derive(Clone, Debug, Default)]
    struct Mailbox(Rc<RefCell<Vec<Result<(), SqsError>>>>);

    impl Waiter for Mailbox {
        fn is_gone(&self) -> bool {
            false
        }

        fn answer(self, answer: Result<Vec<Delivered>, SqsError>) {
            self.0.borrow_mut().push(answer.map(drop));
        }
    }

    fn progress(written: u64, durable: u64) -> Progress {
        Progress { written: Lsn(written), durable: Lsn(durable), poisoned: false }
    }

    fn held_for(need: Need) -> (Held<Mailbox>, Mailbox) {
        let mailbox = Mailbox::default();
        let mut held = Held::new(progress(0, 0));
        held.hold(need, mailbox.clone(), Ok(Vec::new()));
        (held, mailbox)
    }

    fn learn(held: &mut Held<Mailbox>, progress: Progress) {
        held.progressed(progress).into_iter().for_each(Ready::leave);
    }

    #[test]
    fn an_answer_waits_until_what_it_says_is_durable() {
        let (mut held, mailbox) = held_for(Need::durable(Lsn(3)));
        learn(&mut held, progress(3, 2));
        assert!(mailbox.0.borrow().is_empty(), "written is not durable");
        learn(&mut held, progress(3, 3));
        assert_eq!(*mailbox.0.borrow(), [Ok(())]);
    }

    #[test]
    fn a_receive_waits_for_its_own_record_to_be_written_and_no_longer() {
        let (mut held, mailbox) = held_for(Need { durable: Lsn(1), written: Lsn(2) });
        learn(&mut held, progress(1, 1));
        assert!(mailbox.0.borrow().is_empty(), "a kill could still take the receive back");
        learn(&mut held, progress(2, 1));
        assert_eq!(*mailbox.0.borrow(), [Ok(())]);
    }

    #[test]
    fn after_a_failure_no_answer_leaves_that_had_to_wait() {
        let (mut held, mailbox) = held_for(Need::durable(Lsn(1)));
        learn(&mut held, Progress { poisoned: true, ..progress(1, 0) });
        held.hold(Need::default(), mailbox.clone(), Ok(Vec::new()));
        assert_eq!(*mailbox.0.borrow(), [Err(failed()), Err(failed())]);
    }
}
