//! One queue: its messages, the three orders over them, its move tasks, and what a FIFO or a fair
//! queue has beside.
//!
//! Every message is in `messages` and in `sends`, which knows whether it is available. If it is not, it is
//! in exactly one of the other two orders, the one that its stage names. Two functions keep that true, `put`
//! and `take`, and `change` moves a message between the three.
//!
//! # Invariants
//!
//! - `advance(a); advance(b)` leaves the same queue as `advance(b)`, for `a <= b`.
//! - Nothing is done by looking at all messages, except to purge them.

use std::fmt;
use std::time::Duration;

use longshore_types::{Settings, Timestamp, limits};
use minicbor::{Decode, Encode};

use crate::fair::Fair;
use crate::fifo::Fifo;
use crate::fifo::deduplication::DeduplicationScope;
use crate::group::GroupNumber;
use crate::index::{Due, Sends};
use crate::lapse::Lapses;
use crate::message::{Delivery, Kept, MessageKey, Stage};
use crate::messages::Messages;
use crate::moves::Moves;
use crate::snapshot::Telling;

/// A queue's incarnation: a queue that is deleted and created again gets another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct QueueId(#[n(0)] u64);

impl QueueId {
    /// The id of that number.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for QueueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// How many messages a queue has, by what they are. Exact, unlike those of Amazon SQS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Messages that a receive could have; also those that the next receive will dead-letter.
    pub available: usize,
    /// Received messages whose visibility timeout has not ended.
    pub in_flight: usize,
    /// Messages whose delay has not ended.
    pub delayed: usize,
}

/// Which sort of queue one is; it stays so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueKind {
    /// Unordered, and honours every receipt.
    Standard,
    /// Ordered within message groups, deduplicated, and honours only the latest receipt.
    Fifo,
}

/// A queue, standard or FIFO.
///
/// Time must not go backwards between calls, and before a decision is asked for, the queue must
/// have been advanced to the time of the decision ([`Queue::apply`] does that by itself).
#[derive(Clone, Debug, PartialEq)]
pub struct Queue {
    pub(crate) id: QueueId,
    pub(crate) settings: Settings,
    pub(crate) in_flight_max: usize,
    pub(crate) messages: Messages,
    pub(crate) sends: Sends,
    pub(crate) delayed: Due,
    pub(crate) in_flight: Due,
    /// What makes the queue a FIFO queue.
    pub(crate) fifo: Option<Box<Fifo>>,
    /// What a standard queue has since a message with a group came to it.
    pub(crate) fair: Option<Box<Fair>>,
    /// The queue's message move tasks.
    pub(crate) moves: Moves,
    /// The stops of the broker that retention counts.
    pub(crate) lapses: Lapses,
    /// Who is being told what the queue held at one moment.
    pub(crate) telling: Telling,
}

impl Queue {
    /// An empty standard queue.
    pub fn new(id: QueueId, settings: Settings) -> Self {
        Self {
            id,
            settings,
            in_flight_max: limits::IN_FLIGHT_MAX,
            messages: Messages::default(),
            sends: Sends::default(),
            delayed: Due::default(),
            in_flight: Due::default(),
            fifo: None,
            fair: None,
            moves: Moves::default(),
            lapses: Lapses::default(),
            telling: Telling::default(),
        }
    }

    /// An empty FIFO queue, with the scope that its deduplication ids have for ever.
    pub fn fifo(id: QueueId, settings: Settings, scope: DeduplicationScope) -> Self {
        Self { fifo: Some(Box::new(Fifo::new(scope))), ..Self::new(id, settings) }
    }

    /// The same queue with another bound on messages in flight than the 120 000 of SQS.
    #[must_use]
    pub fn with_in_flight_max(mut self, in_flight_max: usize) -> Self {
        self.in_flight_max = in_flight_max;
        self
    }

    /// Which queue this is.
    pub const fn id(&self) -> QueueId {
        self.id
    }

    /// Which sort of queue this is.
    pub const fn kind(&self) -> QueueKind {
        if self.fifo.is_some() { QueueKind::Fifo } else { QueueKind::Standard }
    }

    /// Which stops of the broker its messages are older by.
    pub fn set_lapses(&mut self, lapses: Lapses) {
        self.lapses = lapses;
    }

    /// What the queue is set to.
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Moves what is due at `now`: delayed and in-flight messages whose time has come become
    /// available, and messages past their retention are gone, whatever they were.
    ///
    /// Returns the keys of the messages that are gone, so that their bodies can be released.
    pub fn advance(&mut self, now: Timestamp) -> Vec<MessageKey> {
        let expired = self.expire(now);
        while let Some(key) = self.delayed.due(now).or_else(|| self.in_flight.due(now)) {
            self.set_stage(key, Stage::Available);
        }
        if let Some(fifo) = &mut self.fifo {
            fifo.advance(now);
        }
        expired
    }

    fn expire(&mut self, now: Timestamp) -> Vec<MessageKey> {
        let mut expired = Vec::new();
        while let Some(key) = self.sends.due(self.settings.retention, &self.lapses, now) {
            self.take(key);
            expired.push(key);
        }
        expired
    }

    /// The next time at which [`Queue::advance`] changes something: a message becomes available,
    /// or is gone, or nothing of a FIFO queue's past is left to remember. `None` if there is nothing
    /// to wait for.
    pub fn next_due(&self) -> Option<Timestamp> {
        let expiry = self.sends.next_due(self.settings.retention, &self.lapses);
        let fifo = self.fifo.as_ref().and_then(|fifo| fifo.next_due());
        let due = [self.delayed.next_due(), self.in_flight.next_due(), expiry, fifo];
        due.into_iter().flatten().min()
    }

    /// What a receive tells about the message; `None` if it is not here or was never received.
    pub fn delivery(&self, key: MessageKey) -> Option<Delivery<'_>> {
        self.messages.get(key).filter(|message| message.receive_count > 0)?;
        Some(self.told(key))
    }

    /// What a receive tells, or would tell, about a message that is here.
    pub(crate) fn told(&self, key: MessageKey) -> Delivery<'_> {
        let sequence = self.fifo.as_ref().and_then(|fifo| fifo.groups.sequence_of(key));
        self.messages.known(key).told(self.messages.source_of(key), sequence)
    }

    /// Whether a receive now would meet a message. An available message of a FIFO queue can be
    /// behind one that is not.
    pub fn has_deliverable(&self) -> bool {
        let is_there = match &self.fifo {
            Some(fifo) => fifo.groups.ready().next().is_some(),
            None => self.sends.available_len() > 0,
        };
        is_there && self.in_flight.len() < self.in_flight_max
    }

    /// The message group of a message.
    pub(crate) fn group_of(&self, key: MessageKey) -> Option<&str> {
        match &self.fifo {
            Some(fifo) => fifo.groups.id_of(key),
            None => self.fair.as_ref()?.id_of(key),
        }
    }

    /// How many messages are available, in flight and delayed.
    pub fn counts(&self) -> Counts {
        Counts {
            available: self.sends.available_len(),
            in_flight: self.in_flight.len(),
            delayed: self.delayed.len(),
        }
    }

    /// When the oldest message of the queue was sent.
    pub fn oldest(&self) -> Option<Timestamp> {
        self.sends.oldest()
    }

    /// How old a message is at `now` that was sent to this queue then, as its retention counts.
    pub fn age(&self, sent_at: Timestamp, now: Timestamp) -> Duration {
        now.since(sent_at).saturating_add(self.lapses.since(sent_at))
    }

    /// How many message groups of a FIFO queue have messages in flight; 0 for a standard queue.
    /// Costs O(1).
    pub fn groups_in_flight(&self) -> usize {
        self.fifo.as_ref().map_or(0, |fifo| fifo.groups.in_flight_len())
    }

    /// The keys of all messages, in ascending order.
    pub fn keys(&self) -> impl Iterator<Item = MessageKey> + '_ {
        self.messages.keys()
    }

    /// Whether the queue has been advanced to `now`; a decision at `now` is wrong otherwise.
    pub(crate) fn is_advanced_to(&self, now: Timestamp) -> bool {
        self.next_due().is_none_or(|due| due > now)
    }

    /// A message that took the place of another would be the loss of that one.
    pub(crate) fn assert_unused(&self, key: MessageKey) {
        assert!(!self.messages.contains(key), "the key {key} was used twice");
    }

    /// Takes a message in; in a FIFO queue, as the last of its group.
    pub(crate) fn put(&mut self, key: MessageKey, message: &Kept, group: Option<&str>) {
        self.assert_unused(key);
        self.join(key, group);
        self.put_in_place(key, message);
    }

    /// Takes in a message that is one of its group already.
    pub(crate) fn put_in_place(&mut self, key: MessageKey, message: &Kept) {
        let is_available = message.stage == Stage::Available;
        self.sends.insert(message.sent_at, key, self.fair_group_of(key), is_available);
        self.enter(key, message.stage);
        self.messages.insert(key, message);
        self.look_at_head(key);
    }

    fn join(&mut self, key: MessageKey, group: Option<&str>) {
        if let Some(fifo) = &mut self.fifo {
            fifo.last_sequence = fifo.last_sequence.next();
            fifo.groups.join(key, group.unwrap_or_default(), fifo.last_sequence);
        } else if let Some(group) = group {
            self.fair.get_or_insert_default().join(key, group);
        }
    }

    /// The group of a message of a standard queue.
    pub(crate) fn fair_group_of(&self, key: MessageKey) -> Option<GroupNumber> {
        self.fair.as_ref()?.group_of(key)
    }

    /// Says anew whether the group of that message is ready.
    pub(crate) fn look_at_head(&mut self, key: MessageKey) {
        let group = self.fifo.as_ref().and_then(|fifo| fifo.groups.group_of(key));
        if let Some(group) = group {
            self.look_at_head_of(group);
        }
    }

    fn look_at_head_of(&mut self, group: GroupNumber) {
        let Some(fifo) = &mut self.fifo else { return };
        let head = fifo.groups.head(group).and_then(|head| self.messages.get(head));
        fifo.groups.set_ready(group, head.is_some_and(|head| head.stage == Stage::Available));
    }

    /// Removes a message, if it is here.
    pub(crate) fn take(&mut self, key: MessageKey) -> Option<Kept> {
        let message = self.messages.remove(key)?;
        let is_available = message.stage == Stage::Available;
        self.sends.remove(message.sent_at, key, self.fair_group_of(key), is_available);
        self.exit(key, message.stage);
        if let Some(fair) = &mut self.fair {
            fair.leave(key);
        }
        if let Some(group) = self.fifo.as_mut().and_then(|fifo| fifo.groups.leave(key)) {
            self.look_at_head_of(group);
        }
        Some(message)
    }

    /// Moves a message to another of the three orders, or to another time in the same one.
    pub(crate) fn set_stage(&mut self, key: MessageKey, stage: Stage) {
        self.change(key, |message| message.stage = stage);
    }

    /// Changes a message, and has it be where its stage says.
    pub(crate) fn change(&mut self, key: MessageKey, change: impl FnOnce(&mut Kept)) {
        let Some((before, after)) = self.messages.change(key, change) else { return };
        let is_available = after.stage == Stage::Available;
        if (before.stage == Stage::Available) != is_available {
            let group = self.fair_group_of(key);
            self.sends.set_available(before.sent_at, key, group, is_available);
        }
        self.exit(key, before.stage);
        self.enter(key, after.stage);
        self.look_at_head(key);
    }

    /// A message is at that stage now, as `sends` knows already.
    fn enter(&mut self, key: MessageKey, stage: Stage) {
        if let Some(fair) = &mut self.fair {
            fair.enter(key, stage);
        }
        match stage {
            Stage::Available => {}
            Stage::Delayed(until) => self.delayed.insert(until, key),
            Stage::InFlight(until) => {
                self.in_flight.insert(until, key);
                if let Some(fifo) = &mut self.fifo {
                    fifo.groups.count_lease(key);
                }
            }
        }
    }

    /// A message is at that stage no longer, as `sends` knows already.
    fn exit(&mut self, key: MessageKey, stage: Stage) {
        if let Some(fair) = &mut self.fair {
            fair.exit(key, stage);
        }
        match stage {
            Stage::Available => {}
            Stage::Delayed(until) => self.delayed.remove(until, key),
            Stage::InFlight(until) => {
                self.in_flight.remove(until, key);
                if let Some(fifo) = &mut self.fifo {
                    fifo.groups.uncount_lease(key);
                }
            }
        }
    }
}
