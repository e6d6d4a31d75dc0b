//! One message of the model, and what is told about it.

use std::time::Duration;

use longshore_types::Timestamp;

use crate::{Group, MessageNumber, QueueIndex};

/// A message and all that was ever decided about it.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) number: MessageNumber,
    /// Its group; in a FIFO queue every message has one.
    pub(crate) group: Option<Group>,
    /// Its place, in a FIFO queue.
    pub(crate) sequence: Option<u64>,
    pub(crate) sent_at: Timestamp,
    /// When its delay ends, or has ended.
    pub(crate) delayed_until: Timestamp,
    /// When its last lease ends, or has ended.
    pub(crate) hidden_until: Timestamp,
    pub(crate) first_received_at: Option<Timestamp>,
    /// Receives in all queues.
    pub(crate) receive_count: u32,
    /// Receives in this queue.
    pub(crate) receive_count_here: u32,
    pub(crate) last_delivery: u32,
    pub(crate) source: Option<QueueIndex>,
}

impl Message {
    pub(crate) fn sent(number: MessageNumber, now: Timestamp, delay: Duration) -> Self {
        Self {
            number,
            group: None,
            sequence: None,
            sent_at: now,
            delayed_until: now + delay,
            hidden_until: now,
            first_received_at: None,
            receive_count: 0,
            receive_count_here: 0,
            last_delivery: 0,
            source: None,
        }
    }

    pub(crate) fn is_expired(&self, retention: Duration, now: Timestamp) -> bool {
        self.sent_at + retention <= now
    }

    pub(crate) fn is_delayed(&self, now: Timestamp) -> bool {
        now < self.delayed_until
    }

    pub(crate) fn is_in_flight(&self, now: Timestamp) -> bool {
        now < self.hidden_until
    }

    pub(crate) fn is_available(&self, now: Timestamp) -> bool {
        !self.is_delayed(now) && !self.is_in_flight(now)
    }

    /// Counts a receive, hides the message, and says what the receiver is told.
    pub(crate) fn receive(&mut self, visibility: Duration, now: Timestamp) -> Delivery {
        self.receive_count += 1;
        self.receive_count_here += 1;
        self.last_delivery += 1;
        self.hidden_until = now + visibility;
        Delivery {
            number: self.number,
            delivery: self.last_delivery,
            receive_count: self.receive_count,
            sent_at: self.sent_at,
            first_received_at: *self.first_received_at.get_or_insert(now),
            source: self.source,
            sequence: self.sequence,
        }
    }

    /// The message as it arrives in the dead-letter queue of `source`: available at once, its
    /// receives there still to be counted, and all else as it was.
    pub(crate) fn moved(self, source: QueueIndex, now: Timestamp) -> Self {
        Self {
            delayed_until: now,
            hidden_until: now,
            receive_count_here: 0,
            source: Some(source),
            ..self
        }
    }
}

/// What a receive tells about a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The message.
    pub number: MessageNumber,
    /// Which delivery of the message this is.
    pub delivery: u32,
    /// How often the message was received, in all queues.
    pub receive_count: u32,
    /// When the message was sent.
    pub sent_at: Timestamp,
    /// When the message was first received.
    pub first_received_at: Timestamp,
    /// The queue that it was last dead-lettered from.
    pub source: Option<QueueIndex>,
    /// Its place in its FIFO queue.
    pub sequence: Option<u64>,
}

/// What a receiver hands back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The queue that delivered the message.
    pub queue: QueueIndex,
    /// The message.
    pub number: MessageNumber,
    /// Which delivery of the message it was.
    pub delivery: u32,
    /// When that was.
    pub received_at: Timestamp,
}
