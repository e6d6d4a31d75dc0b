//! Sending a message.

use std::time::Duration;

use longshore_types::{MessageId, Timestamp};

use crate::{Event, MessageKey, Queue};

/// A message to be sent. Its size and its delay have been checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Send {
    /// A key that was never used.
    pub key: MessageKey,
    /// A fresh id.
    pub id: MessageId,
    /// Bytes of body and message attributes.
    pub bytes: u32,
    /// The message's own delay, up to 15 minutes; zero overrides the queue's as well.
    pub delay: Option<Duration>,
    /// Its message group, which says whose message it is where receives are shared out fairly.
    pub group: Option<String>,
}

impl Queue {
    /// Decides a send at `now`. Without a delay of its own, the message gets the queue's: a later
    /// change of that one does not touch it.
    pub fn send(&self, send: Send, now: Timestamp) -> Event {
        let Send { key, id, bytes, delay, group } = send;
        self.assert_unused(key);
        let available_at = now + delay.unwrap_or(self.settings.delay);
        Event::Sent { key, id, bytes, available_at, group }
    }
}
