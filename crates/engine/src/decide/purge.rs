//! Purging a queue, and setting it to something else.

use longshore_types::Settings;

use crate::{Event, Queue};

impl Queue {
    /// Decides a purge: all messages go, whatever they are; those sent later stay. A FIFO queue
    /// forgets all deduplication ids.
    pub fn purge(&self) -> Event {
        Event::Purged
    }

    /// Whether a purge would leave the queue as it is.
    pub fn is_purged(&self) -> bool {
        let has_past = self.fifo.as_ref().is_some_and(|fifo| **fifo != fifo.purged());
        self.messages.is_empty() && !has_past
    }

    /// Decides a change of settings. A new retention is that of the messages already here too; a
    /// new visibility timeout concerns later receives only, and a new delay later sends, but that a
    /// FIFO queue applies it also to what it has and has not delivered yet.
    pub fn change_settings(&self, settings: Settings) -> Event {
        Event::SettingsChanged { settings }
    }
}
