//! Sending a message.

use std::time::Duration;

use longshore_types::{MessageId, Timestamp};

use crate::{Event, MessageKey, Queue};

/// A message to be sent. Its size and its delay have been checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Send {
    /// A key that was never used.
    pub key: MessageKey,
    /// A fresh id.
    pub id: MessageId,
    /// Bytes of body and message attributes.
    pub bytes: u32,
    /// The message's own delay, up to 15 minutes; zero overrides the queue's as well.
    pub delay: Option<Duration>,
}

impl Queue {
    /// Decides a send at `now`. Without a delay of its own, the message gets the queue's: a later
    /// change of that one does not touch it.
    pub fn send(&self, send: Send, now: Timestamp) -> Event {
        let delay = send.delay.unwrap_or(self.settings.delay);
        Event::Sent { key: send.key, id: send.id, bytes: send.bytes, available_at: now + delay }
    }
}
