//! What a receipt handle says, once the broker has read and authenticated it.

use longshore_types::Timestamp;

use crate::{MessageKey, QueueId};

/// One delivery of one message, as a client hands it back.
///
/// A receipt can name a delivery that the queue does not know: one that a power cut took back. It
/// is then treated like a superseded one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The queue that delivered the message. A queue that is created again is another queue.
    pub queue: QueueId,
    /// The message.
    pub key: MessageKey,
    /// The start of the broker that delivered it. It tells apart two deliveries of one number, of
    /// which a power cut took back the first; a standard queue honours both.
    pub epoch: u32,
    /// The number of the delivery.
    pub delivery: u32,
    /// When the message was received.
    pub received_at: Timestamp,
}
