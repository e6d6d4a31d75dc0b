//! Receives that can be asked for again: what a `ReceiveRequestAttemptId` stands for.
//!
//! A client that never saw the answer to a receive repeats it with the same id, and is given the
//! same messages with the same receipts, as long as nobody has touched them.

use std::collections::BTreeSet;

use longshore_types::{Timestamp, limits};

use minicbor::{Decode, Encode};

use crate::MessageKey;
use crate::walked::Walked;

/// A receive that was answered.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Attempt {
    #[n(0)]
    pub(crate) received_at: Timestamp,
    /// The start of the broker that answered it.
    #[n(1)]
    pub(crate) epoch: u32,
    /// The end of its leases, for as long as they are as the receive left them.
    #[n(2)]
    pub(crate) until: Timestamp,
    /// The messages, each with the number of its delivery.
    #[n(3)]
    pub(crate) deliveries: Vec<(MessageKey, u32)>,
}

/// The receives of the last five minutes that bore an id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Attempts {
    by_id: Walked<String, Attempt>,
    ends: BTreeSet<(Timestamp, String)>,
}

impl Attempts {
    /// Begins to tell which attempts are remembered now.
    pub(crate) fn begin_walk(&mut self) {
        self.by_id.begin_walk();
    }

    pub(crate) fn end_walk(&mut self) {
        self.by_id.end_walk();
    }

    /// Those that are told next.
    pub(crate) fn walk(&mut self, count: usize) -> Vec<(String, Attempt)> {
        self.by_id.walk(count)
    }

    pub(crate) fn get(&self, id: &str) -> Option<&Attempt> {
        self.by_id.get(id)
    }

    pub(crate) fn get_mut(&mut self, id: &str) -> Option<&mut Attempt> {
        self.by_id.get_mut(id)
    }

    /// Remembers the attempt of that id instead of any earlier one.
    pub(crate) fn remember(&mut self, id: &str, attempt: Attempt) {
        let forgotten_at = end(&attempt);
        if let Some(before) = self.by_id.insert(id.to_owned(), attempt) {
            self.ends.remove(&(end(&before), id.to_owned()));
        }
        self.ends.insert((forgotten_at, id.to_owned()));
    }

    pub(crate) fn forget_due(&mut self, now: Timestamp) {
        while self.ends.first().is_some_and(|(end, _)| *end <= now) {
            if let Some((_, id)) = self.ends.pop_first() {
                self.by_id.remove(&id);
            }
        }
    }

    /// When the last of them is forgotten.
    pub(crate) fn last_end(&self) -> Option<Timestamp> {
        self.ends.last().map(|(end, _)| *end)
    }
}

fn end(attempt: &Attempt) -> Timestamp {
    attempt.received_at + limits::RECEIVE_ATTEMPT_VALID
}
