//! Moving messages to a dead-letter queue: one event for the queue they leave, one for the queue
//! they reach. Both belong in one record, so that a message is never in both or in neither.

use longshore_types::QueueArn;

use crate::{Event, Message, MessageKey, Queue};

impl Queue {
    /// Decides that messages leave this queue for its dead-letter queue.
    pub fn dead_letter(&self, messages: &[MessageKey]) -> Event {
        Event::DeadLettered { keys: messages.to_vec() }
    }

    /// Decides that messages arrive in this queue, having failed in `source`.
    ///
    /// They keep key, id, time of sending (so their retention goes on), first receive and reported
    /// receive count; the count that this queue's own redrive policy looks at starts anew, and
    /// this queue's delay is not applied. Into a FIFO queue they are sent anew, so to speak: at the
    /// time of the move, last of their group, and with their message id for a deduplication id.
    pub fn arrive(messages: Vec<Message>, source: QueueArn) -> Event {
        Event::Arrived { messages, source }
    }
}
