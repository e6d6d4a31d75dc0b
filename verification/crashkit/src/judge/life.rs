//! What is known of each message: who sent it, who was given it, who asked to delete it, and where it is.

use std::collections::{BTreeMap, BTreeSet};

use crate::history::{
    Accepted, Answer, Delivery, Entry, History, Micros, Queue, Request, Snapshot, Taken,
};

/// A delivery, with the receive that brought it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Given<'a> {
    /// As [`Taken::delivery`] names it.
    pub(super) id: (usize, usize),
    pub(super) receive: &'a Entry,
    pub(super) lease: Micros,
    pub(super) message: &'a Delivery,
}

/// A request about a delivery.
#[derive(Clone, Copy, Debug)]
pub(super) struct About<'a> {
    pub(super) entry: &'a Entry,
    pub(super) taken: &'a Taken,
    pub(super) answer: &'a Answer<()>,
}

/// One message, by the number in its body.
#[derive(Debug, Default)]
pub(super) struct Life<'a> {
    pub(super) number: u64,
    pub(super) sends: Vec<(&'a Entry, &'a Answer<Accepted>, Micros)>,
    pub(super) given: Vec<Given<'a>>,
    pub(super) deletes: Vec<About<'a>>,
    pub(super) changes: Vec<(About<'a>, Micros)>,
    /// Where it is now: in one place or in none, if all is well.
    pub(super) held: Vec<(Queue, &'a Delivery)>,
}

impl Life<'_> {
    /// Its sequence number in the FIFO queue, as somebody was told.
    pub(super) fn sequence(&self) -> Option<u128> {
        let told = self.sends.iter().find_map(|(_, answer, _)| match answer {
            Answer::Done(accepted) => accepted.sequence,
            Answer::Unknown | Answer::Refused => None,
        });
        let given = self.given.iter().map(|given| given.message);
        told.or_else(|| {
            given.chain(self.held.iter().map(|held| held.1)).find_map(|message| message.sequence)
        })
    }

    /// Every message id that somebody was told.
    pub(super) fn message_ids(&self) -> BTreeSet<&str> {
        let told = self.sends.iter().filter_map(|(_, answer, _)| match answer {
            Answer::Done(accepted) => Some(accepted.message_id.as_str()),
            Answer::Unknown | Answer::Refused => None,
        });
        let given = self.given.iter().map(|given| given.message);
        let seen = given.chain(self.held.iter().map(|held| held.1));
        told.chain(seen.map(|message| message.message_id.as_str())).collect()
    }

    /// When somebody first asked to delete it, in a way that may have done so.
    pub(super) fn first_delete(&self) -> Option<Micros> {
        let may_have = self.deletes.iter().filter(|delete| *delete.answer != Answer::Refused);
        may_have.map(|delete| delete.entry.start).min()
    }

    /// Until when a delivery surely is leased. Whatever may have shortened its lease counts as having done so; in a
    /// standard queue a superseded receipt handle does that as well as the latest one.
    pub(super) fn leased_until(&self, given: &Given<'_>) -> Micros {
        let after =
            self.changes.iter().filter(|(about, _)| about.entry.ended() >= given.receive.start);
        let changed = after.filter(|(about, _)| *about.answer != Answer::Refused);
        let ends = changed.map(|(about, lease)| about.entry.start + lease);
        ends.fold(given.receive.start + given.lease, Micros::min)
    }
}

/// What is known of all messages, by their numbers.
pub(super) fn gather<'a>(history: &'a History, snapshot: &'a Snapshot) -> BTreeMap<u64, Life<'a>> {
    let mut lives = Lives::default();
    for (&at, entry) in &history.0 {
        lives.add(at, entry);
    }
    for held in &snapshot.held {
        if let Some(number) = held.message.number {
            lives.of(number).held.push((held.queue, &held.message));
        }
    }
    lives.0
}

#[derive(Default)]
struct Lives<'a>(BTreeMap<u64, Life<'a>>);

impl<'a> Lives<'a> {
    fn of(&mut self, number: u64) -> &mut Life<'a> {
        let life = self.0.entry(number).or_default();
        life.number = number;
        life
    }

    fn add(&mut self, at: usize, entry: &'a Entry) {
        match &entry.request {
            Request::Send { number, delay, answer } => {
                self.of(*number).sends.push((entry, answer, *delay));
            }
            Request::Receive { lease, answer: Answer::Done(messages) } => {
                self.add_given(at, entry, *lease, messages);
            }
            Request::Receive { .. } => {}
            Request::Delete { taken, answer } => {
                self.of(taken.number).deletes.push(About { entry, taken, answer });
            }
            Request::ChangeVisibility { taken, lease, answer } => {
                let about = About { entry, taken, answer };
                self.of(taken.number).changes.push((about, *lease));
            }
        }
    }

    fn add_given(
        &mut self,
        at: usize,
        receive: &'a Entry,
        lease: Micros,
        messages: &'a [Delivery],
    ) {
        for (place, message) in messages.iter().enumerate() {
            if let Some(number) = message.number {
                self.of(number).given.push(Given { id: (at, place), receive, lease, message });
            }
        }
    }
}
