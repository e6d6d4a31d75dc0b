//! One queue, and what its messages are at a time: found by looking at all of them.

use std::collections::BTreeSet;

use longshore_types::{QueueArn, Settings, Timestamp};

use crate::fifo::Fifo;
use crate::message::{Message, Receipt};
use crate::{Group, MessageNumber};

/// How many messages of a queue are what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Messages that a receive could have.
    pub available: usize,
    /// Messages that somebody has received and that have not come back.
    pub in_flight: usize,
    /// Messages whose delay has not ended.
    pub delayed: usize,
}

/// How much of a queue is not of noisy groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fairness {
    /// Groups that are noisy.
    pub noisy_group_count: usize,
    /// The messages of other groups, and those without a group.
    pub quiet: Counts,
    /// When the oldest of those was sent.
    pub oldest_quiet: Option<Timestamp>,
}

#[derive(Clone, Debug)]
pub(crate) struct Queue {
    pub(crate) arn: QueueArn,
    pub(crate) settings: Settings,
    /// In the order in which they came.
    pub(crate) messages: Vec<Message>,
    pub(crate) fifo: Option<Fifo>,
}

impl Queue {
    pub(crate) fn drop_expired(&mut self, now: Timestamp) {
        let retention = self.settings.retention;
        self.messages.retain(|message| !message.is_expired(retention, now));
        self.settle_turns();
    }

    pub(crate) fn settle_turns(&mut self) {
        if let Some(fifo) = &mut self.fifo {
            fifo.settle_turns(&self.messages);
        }
    }

    /// Whether the receipt is worth nothing: in a FIFO queue, unless it is that of a lease that
    /// has not ended.
    pub(crate) fn is_void(&self, message: &Message, receipt: Receipt, now: Timestamp) -> bool {
        let has_it = message.is_in_flight(now) && message.last_delivery == receipt.delivery;
        self.fifo.is_some() && !has_it
    }

    /// Of each group in turn, the messages up to the first that is not available.
    fn runs(&self, fifo: &Fifo, now: Timestamp) -> Vec<MessageNumber> {
        let mut numbers = Vec::new();
        for group in &fifo.turns {
            let of_group = self.messages.iter().filter(|message| message.group == Some(*group));
            let run = of_group.take_while(|message| message.is_available(now));
            numbers.extend(run.map(|message| message.number));
        }
        numbers
    }

    /// The available messages, those of noisy groups behind all others, and else oldest first.
    fn quiet_first(&self, now: Timestamp) -> Vec<MessageNumber> {
        let noisy = self.noisy_groups(now);
        let is_noisy = |message: &Message| message.group.is_some_and(|it| noisy.contains(&it));
        let available = self.messages.iter().filter(|message| message.is_available(now));
        let mut order: Vec<_> =
            available.map(|message| (is_noisy(message), message.sent_at, message.number)).collect();
        order.sort_unstable();
        order.into_iter().map(|(.., number)| number).collect()
    }

    /// The groups of a standard queue that hold more than their share of what is in flight: at
    /// least 30 messages, and more than 10 %.
    fn noisy_groups(&self, now: Timestamp) -> Vec<Group> {
        if self.fifo.is_some() {
            return Vec::new();
        }
        let in_flight = self.count(|message| message.is_in_flight(now));
        let is_noisy = |group: &Group| {
            let is_its = |message: &Message| message.group == Some(*group);
            let of_group = self.count(|message| message.is_in_flight(now) && is_its(message));
            of_group >= 30 && of_group * 100 > in_flight * 10
        };
        let mut groups: Vec<_> = self.messages.iter().filter_map(|message| message.group).collect();
        groups.sort_unstable();
        groups.dedup();
        groups.retain(is_noisy);
        groups
    }

    /// What receives take, in order.
    pub(crate) fn deliverable(&self, now: Timestamp) -> Vec<MessageNumber> {
        match &self.fifo {
            Some(fifo) => self.runs(fifo, now),
            None => self.quiet_first(now),
        }
    }

    pub(crate) fn find(&mut self, number: MessageNumber) -> Option<&mut Message> {
        self.messages.iter_mut().find(|message| message.number == number)
    }

    pub(crate) fn take(&mut self, number: MessageNumber) -> Option<Message> {
        let position = self.messages.iter().position(|message| message.number == number)?;
        Some(self.messages.remove(position))
    }

    fn count(&self, is: impl Fn(&Message) -> bool) -> usize {
        self.messages.iter().filter(|message| is(message)).count()
    }

    /// How many messages are what.
    pub(crate) fn counts(&self, now: Timestamp) -> Counts {
        self.counts_of(now, &|_| true)
    }

    fn counts_of(&self, now: Timestamp, which: &dyn Fn(&Message) -> bool) -> Counts {
        Counts {
            available: self.count(|message| which(message) && message.is_available(now)),
            in_flight: self.count(|message| which(message) && message.is_in_flight(now)),
            delayed: self.count(|message| which(message) && message.is_delayed(now)),
        }
    }

    pub(crate) fn fairness(&self, now: Timestamp) -> Fairness {
        let noisy = self.noisy_groups(now);
        let is_quiet = |message: &Message| message.group.is_none_or(|it| !noisy.contains(&it));
        let quiet_messages = self.messages.iter().filter(|message| is_quiet(message));
        Fairness {
            noisy_group_count: noisy.len(),
            quiet: self.counts_of(now, &is_quiet),
            oldest_quiet: quiet_messages.map(|message| message.sent_at).min(),
        }
    }

    pub(crate) fn groups_in_flight(&self, now: Timestamp) -> usize {
        let in_flight = self.messages.iter().filter(|message| message.is_in_flight(now));
        let groups: BTreeSet<_> = in_flight.map(|message| message.group).collect();
        if self.fifo.is_some() { groups.len() } else { 0 }
    }
}
