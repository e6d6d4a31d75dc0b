//! Sending a message to a FIFO queue.

use longshore_types::{MessageId, Timestamp};

use crate::{Event, MessageKey, Original, Queue, SequenceNumber};

/// A message to be sent to a FIFO queue. Its size and its ids have been checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FifoMessage {
    /// A key that was never used.
    pub key: MessageKey,
    /// A fresh id.
    pub id: MessageId,
    /// Bytes of body and message attributes.
    pub bytes: u32,
    /// The message group.
    pub group: String,
    /// The sender's own deduplication id, or the digest of the body.
    pub deduplication_id: String,
}

/// What a send to a FIFO queue comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FifoSend {
    /// The message is new.
    Accepted {
        /// What carries the send out.
        event: Event,
        /// The message's place in the queue, if this is the next event of the queue.
        sequence: SequenceNumber,
    },
    /// A message of the same deduplication id was sent less than five minutes ago. Nothing is
    /// enqueued, and the sender is answered as the first one was.
    Duplicate(Original),
}

impl Queue {
    /// Decides a send to a FIFO queue at `now`.
    pub fn send_fifo(&self, message: FifoMessage, now: Timestamp) -> FifoSend {
        assert!(self.is_advanced_to(now), "a send to a queue that was not advanced");
        let FifoMessage { key, id, bytes, group, deduplication_id } = message;
        self.assert_unused(key);
        let fifo = self.fifo.as_deref();
        match fifo.and_then(|fifo| fifo.window.find(&group, &deduplication_id)) {
            Some(original) => FifoSend::Duplicate(original),
            None => FifoSend::Accepted {
                event: Event::SentFifo { key, id, bytes, group, deduplication_id },
                sequence: fifo
                    .map_or_else(SequenceNumber::default, |fifo| fifo.last_sequence)
                    .next(),
            },
        }
    }
}
