//! Purging a queue, and setting it to something else.

use longshore_types::Settings;

use crate::{Event, Queue};

impl Queue {
    /// Decides a purge: all messages go, whatever they are; those sent later stay.
    pub fn purge(&self) -> Event {
        Event::Purged
    }

    /// Decides a change of settings. A new retention is that of the messages already here too; a
    /// new delay or visibility timeout concerns later sends and receives only.
    pub fn change_settings(&self, settings: Settings) -> Event {
        Event::SettingsChanged { settings }
    }
}
