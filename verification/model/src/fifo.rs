//! What a FIFO queue remembers beside its messages.

use std::time::Duration;

use longshore_types::Timestamp;

use crate::message::{Delivery, Message};
use crate::{Group, MessageNumber};

/// SQS remembers deduplication ids and receive attempts for five minutes.
const MINUTES_5: Duration = Duration::from_secs(300);

/// Which sort of queue one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A standard queue.
    Standard,
    /// A FIFO queue.
    Fifo {
        /// Whether deduplication ids are compared within a message group only.
        by_group: bool,
    },
}

/// A deduplication id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeduplicationId {
    /// One that the sender made up.
    Chosen(u64),
    /// The id of a message, which is what a dead-lettered message has.
    OfMessage(MessageNumber),
}

/// What became of a send to a FIFO queue: the message, or the one that it is a duplicate of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    /// The message.
    pub number: MessageNumber,
    /// Its place in the queue.
    pub sequence: u64,
}

#[derive(Clone, Debug)]
struct Known {
    group: Option<Group>,
    id: DeduplicationId,
    sent: Sent,
    at: Timestamp,
}

#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    pub(crate) id: u64,
    pub(crate) at: Timestamp,
    pub(crate) hidden_until: Timestamp,
    pub(crate) deliveries: Vec<Delivery>,
}

/// What a FIFO queue remembers.
#[derive(Clone, Debug)]
pub(crate) struct Fifo {
    by_group: bool,
    /// Groups that have messages, the next to be served first.
    pub(crate) turns: Vec<Group>,
    /// All ids since the last purge, old ones too.
    known: Vec<Known>,
    /// All attempts since the last purge, of each id the last.
    attempts: Vec<Attempt>,
    last_sequence: u64,
}

impl Fifo {
    pub(crate) fn of(kind: Kind) -> Option<Self> {
        let Kind::Fifo { by_group } = kind else { return None };
        let (turns, known, attempts) = (Vec::new(), Vec::new(), Vec::new());
        Some(Self { by_group, turns, known, attempts, last_sequence: 0 })
    }

    pub(crate) fn next_sequence(&mut self) -> u64 {
        self.last_sequence += 1;
        self.last_sequence
    }

    /// Groups without messages have no turn; a new one has the last.
    pub(crate) fn settle_turns(&mut self, messages: &[Message]) {
        self.turns.retain(|group| messages.iter().any(|message| message.group == Some(*group)));
        for group in messages.iter().filter_map(|message| message.group) {
            if !self.turns.contains(&group) {
                self.turns.push(group);
            }
        }
    }

    /// The group has been served.
    pub(crate) fn serve(&mut self, group: Option<Group>) {
        self.turns.retain(|other| Some(*other) != group);
        self.turns.extend(group);
    }

    pub(crate) fn original(
        &self,
        group: Option<Group>,
        id: DeduplicationId,
        now: Timestamp,
    ) -> Option<Sent> {
        let same = |known: &&Known| {
            known.id == id && (!self.by_group || known.group == group) && now < known.at + MINUTES_5
        };
        self.known.iter().find(same).map(|known| known.sent)
    }

    pub(crate) fn remember(
        &mut self,
        group: Option<Group>,
        id: DeduplicationId,
        sent: Sent,
        at: Timestamp,
    ) {
        if self.original(group, id, at).is_none() {
            self.known.push(Known { group, id, sent, at });
        }
    }

    pub(crate) fn attempt(&self, id: u64, now: Timestamp) -> Option<&Attempt> {
        let same = |attempt: &&Attempt| attempt.id == id && now < attempt.at + MINUTES_5;
        self.attempts.iter().find(same)
    }

    pub(crate) fn remember_attempt(&mut self, attempt: Attempt) {
        self.attempts.retain(|before| before.id != attempt.id);
        self.attempts.push(attempt);
    }

    /// A purge forgets all but how far the sequence has come.
    pub(crate) fn purge(&mut self) {
        self.turns.clear();
        self.known.clear();
        self.attempts.clear();
    }

    /// When each thing that is remembered is forgotten.
    pub(crate) fn ends(&self, now: Timestamp) -> Vec<Timestamp> {
        let known = self.known.iter().map(|known| known.at + MINUTES_5);
        let attempts = self.attempts.iter().map(|attempt| attempt.at + MINUTES_5);
        known.chain(attempts).filter(|end| *end > now).collect()
    }
}
