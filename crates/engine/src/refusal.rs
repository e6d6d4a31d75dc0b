//! Why a queue does not do what it was asked.

use thiserror::Error;

use crate::{MessageKey, QueueId};

/// Why a queue does not do what it was asked: the caller's doing, and nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// As many messages are in flight as can be. SQS says `OverLimit` to a short poll and leaves a
    /// long poll empty.
    #[error(
        "{in_flight_max} messages of queue {queue} are in flight and no more can be: delete \
         received messages, or let their visibility timeout end"
    )]
    OverLimit {
        /// The queue.
        queue: QueueId,
        /// How many messages can be in flight.
        in_flight_max: usize,
    },
    /// The receipt is another queue's.
    #[error("the receipt is one of queue {receipt} and was given to queue {asked}: use it there")]
    ReceiptOfAnotherQueue {
        /// The queue that was asked.
        asked: QueueId,
        /// The queue that gave the receipt.
        receipt: QueueId,
    },
    /// The message was received more than 12 hours ago, or, in a FIFO queue, its lease is over.
    #[error("the receipt of message {key} has expired: receive the message again")]
    ReceiptExpired {
        /// The message.
        key: MessageKey,
    },
    /// The message is gone, or no longer leased by this receipt, so that its visibility cannot be
    /// changed.
    #[error("message {key} is gone or no longer leased: there is no visibility to change")]
    NotAvailable {
        /// The message.
        key: MessageKey,
    },
    /// The message would be in flight for more than 12 hours since its receive.
    #[error(
        "message {key} would be in flight for more than 12 hours since its receive: ask for a \
         shorter visibility timeout"
    )]
    VisibilityTooLong {
        /// The message.
        key: MessageKey,
    },
}
