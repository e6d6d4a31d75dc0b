//! One message: what a queue keeps of it, and what it tells about it.
//!
//! A queue keeps what a `Kept` says of each of its messages, under the message's key. Outside the queue a
//! message appears as a [`Message`] when it is dead-lettered, as a [`Redriven`] when a move task
//! brings it, and as a [`Delivery`] when it has been received.

use std::sync::Arc;

use longshore_types::{MessageId, QueueArn, Timestamp};
use minicbor::{Decode, Encode};

use crate::SequenceNumber;
use crate::decide::move_task::Moving;

/// What stands for a message within one broker; storage keeps the body under it.
///
/// A key is never used again, not even after its message is gone, and a message keeps its key when
/// it moves to another queue. Of two messages sent in the same millisecond, the one with the
/// smaller key is the older.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct MessageKey(#[n(0)] u64);

impl MessageKey {
    /// The key of that number.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl std::fmt::Display for MessageKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A message on its way from one queue to another: all that it takes along.
///
/// The receives that count towards `maxReceiveCount` are missing on purpose: they are counted anew
/// in each queue.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Message {
    /// The message's key.
    #[n(0)]
    pub key: MessageKey,
    /// The id that SQS shows.
    #[n(1)]
    pub id: MessageId,
    /// Bytes of body and message attributes.
    #[n(2)]
    pub bytes: u32,
    /// When it was sent: its place in the order and the start of its retention.
    #[n(3)]
    pub sent_at: Timestamp,
    /// When it was received for the first time, in whichever queue.
    #[n(4)]
    pub first_received_at: Option<Timestamp>,
    /// How often it was received, over all queues.
    #[n(5)]
    pub receive_count: u32,
    /// The number of its last delivery; the next one is greater.
    #[n(6)]
    pub delivery: u32,
    /// Its message group, if it has one.
    #[n(7)]
    pub group: Option<String>,
}

/// A message that a move task brings to a queue, where it is sent anew. Its body and its attributes
/// stay where they are, under its key.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Redriven {
    /// The message's key, which it keeps.
    #[n(0)]
    pub key: MessageKey,
    /// Its new id.
    #[n(1)]
    pub id: MessageId,
    /// Bytes of body and message attributes.
    #[n(2)]
    pub bytes: u32,
    /// The number of its last delivery before the move.
    #[n(3)]
    pub delivery: u32,
    /// Its message group, if it has one.
    #[n(4)]
    pub group: Option<String>,
}

/// What a receive tells about a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivery<'a> {
    /// The id that SQS shows.
    pub id: MessageId,
    /// Bytes of body and message attributes.
    pub bytes: u32,
    /// When it was sent.
    pub sent_at: Timestamp,
    /// When it was received for the first time, in whichever queue. Says nothing as long as
    /// `receive_count` is zero.
    pub first_received_at: Timestamp,
    /// How often it was received, over all queues, this receive included.
    pub receive_count: u32,
    /// Which delivery of the message this is; each receive gives a greater one.
    pub number: u32,
    /// The queue that it was last dead-lettered from.
    pub dead_letter_source: Option<&'a QueueArn>,
    /// Its place in its FIFO queue; `None` in a standard one.
    pub sequence: Option<SequenceNumber>,
    /// Whether a move task brought it, since when it has another id than its sender was told.
    pub redriven: bool,
}

/// Where a message is in its life. Available messages have no deadline; the others do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub(crate) enum Stage {
    /// A receive can have it.
    #[n(0)]
    Available,
    /// Not to be received before that time.
    #[n(1)]
    Delayed(#[n(0)] Timestamp),
    /// Leased by a receiver until that time.
    #[n(2)]
    InFlight(#[n(0)] Timestamp),
}

/// What a queue keeps of a message; [`Messages`](crate::messages::Messages) packs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) id: MessageId,
    pub(crate) sent_at: Timestamp,
    /// Says nothing as long as `receive_count` is zero.
    pub(crate) first_received_at: Timestamp,
    pub(crate) stage: Stage,
    pub(crate) bytes: u32,
    /// Receives over all queues: what SQS reports. Only a redrive sets it back: how many deliveries there were
    /// before that follows from it.
    pub(crate) receive_count: u32,
    /// Receives in this queue: what `maxReceiveCount` is compared with.
    pub(crate) redrive_count: u32,
    /// The number of the last delivery. It is the count of receives, until the message is redriven:
    /// that counts as a delivery to nobody, and begins the receives anew.
    pub(crate) delivery: u32,
    /// Shared by the messages that came together.
    pub(crate) dead_letter_source: Option<Arc<QueueArn>>,
}

impl Kept {
    /// A message sent at `sent_at`, that a receive can have from `available_at` on.
    pub(crate) fn sent(
        id: MessageId,
        bytes: u32,
        sent_at: Timestamp,
        available_at: Timestamp,
    ) -> Self {
        let delayed = available_at > sent_at;
        Self {
            id,
            sent_at,
            first_received_at: Timestamp::ZERO,
            stage: if delayed { Stage::Delayed(available_at) } else { Stage::Available },
            bytes,
            receive_count: 0,
            redrive_count: 0,
            delivery: 0,
            dead_letter_source: None,
        }
    }

    /// Counts a receive at `now`.
    pub(crate) fn count_receive(&mut self, now: Timestamp) {
        if self.receive_count == 0 {
            self.first_received_at = now;
        }
        self.receive_count = self.receive_count.saturating_add(1);
        self.redrive_count = self.redrive_count.saturating_add(1);
        self.delivery = self.delivery.saturating_add(1);
    }

    fn first_received_at(&self) -> Option<Timestamp> {
        (self.receive_count > 0).then_some(self.first_received_at)
    }

    /// The message as it leaves for another queue.
    pub(crate) fn leaving(&self, key: MessageKey, group: Option<&str>) -> Message {
        Message {
            key,
            id: self.id,
            bytes: self.bytes,
            sent_at: self.sent_at,
            first_received_at: self.first_received_at(),
            receive_count: self.receive_count,
            delivery: self.delivery,
            group: group.map(ToOwned::to_owned),
        }
    }

    /// The message as it arrives from `source`: available at once, and its receives in this queue
    /// still to be counted.
    pub(crate) fn arriving(message: &Message, sent_at: Timestamp, source: Arc<QueueArn>) -> Self {
        Self {
            id: message.id,
            sent_at,
            first_received_at: message.first_received_at.unwrap_or_default(),
            stage: Stage::Available,
            bytes: message.bytes,
            receive_count: message.receive_count,
            redrive_count: 0,
            delivery: message.delivery,
            dead_letter_source: Some(source),
        }
    }

    /// The message as its queue's move task takes it.
    pub(crate) fn moving(&self, key: MessageKey, group: Option<&str>) -> Moving {
        let dead_letter_source = self.dead_letter_source.clone();
        let group = group.map(ToOwned::to_owned);
        Moving { key, delivery: self.delivery, dead_letter_source, bytes: self.bytes, group }
    }

    /// The message as a move task brings it at `now`.
    pub(crate) fn redriven(message: &Redriven, now: Timestamp, available_at: Timestamp) -> Self {
        let delivery = message.delivery.saturating_add(1);
        Self { delivery, ..Self::sent(message.id, message.bytes, now, available_at) }
    }

    /// The number of the last delivery before the message was redriven for the last time: who had it
    /// then has no say any more. Zero if it never was.
    pub(crate) fn delivery_before_redrive(&self) -> u32 {
        self.delivery.saturating_sub(self.receive_count)
    }

    /// What a receive tells about the message.
    pub(crate) fn told<'a>(
        &self,
        dead_letter_source: Option<&'a Arc<QueueArn>>,
        sequence: Option<SequenceNumber>,
    ) -> Delivery<'a> {
        Delivery {
            id: self.id,
            bytes: self.bytes,
            sent_at: self.sent_at,
            first_received_at: self.first_received_at,
            receive_count: self.receive_count,
            number: self.delivery,
            dead_letter_source: dead_letter_source.map(|source| &**source),
            sequence,
            redriven: self.delivery_before_redrive() > 0,
        }
    }
}
