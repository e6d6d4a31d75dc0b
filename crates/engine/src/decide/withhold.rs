//! Messages whose content cannot be handed out: kept out of the way of the others, and not gone.
//!
//! Whether a content can be read is nothing that a queue knows, and nothing that a replay could find
//! again. So what becomes of such a message is said by events that there are anyway: a change of its
//! visibility, or a move to the dead-letter queue.

use longshore_types::{MessageId, Timestamp};

use crate::message::Stage;
use crate::{Event, Message, MessageKey, Queue};

impl Queue {
    /// Decides that a message which was received is in flight until `until`. `None` if it is not here, or is in
    /// flight for longer.
    pub fn withhold(&self, key: MessageKey, until: Timestamp) -> Option<Event> {
        let is_for_longer = match self.messages.get(key)?.stage {
            Stage::InFlight(ends) | Stage::Delayed(ends) => ends >= until,
            Stage::Available => false,
        };
        (!is_for_longer).then_some(Event::VisibilityChanged { key, until })
    }

    /// Those of `keys` that are here, as they leave for a dead-letter queue.
    pub fn leaving(&self, keys: &[MessageKey]) -> Vec<Message> {
        let message = |key: &MessageKey| {
            let message = self.messages.get(*key)?;
            Some(message.leaving(*key, self.group_of(*key)))
        };
        keys.iter().filter_map(message).collect()
    }

    /// Those of `others` that come after the message `key` in its message group, and so must not be
    /// handed out before it. None in a standard queue.
    pub fn behind(&self, key: MessageKey, others: &[MessageKey]) -> Vec<MessageKey> {
        let Some(fifo) = self.fifo.as_deref() else { return Vec::new() };
        let group = fifo.groups.group_of(key);
        let is_behind = |other: &MessageKey| {
            fifo.groups.group_of(*other) == group
                && fifo.groups.sequence_of(*other) > fifo.groups.sequence_of(key)
        };
        others.iter().copied().filter(is_behind).collect()
    }

    /// The id that SQS shows of a message, if it is here.
    pub fn id_of(&self, key: MessageKey) -> Option<MessageId> {
        Some(self.messages.get(key)?.id)
    }
}
