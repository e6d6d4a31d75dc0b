//! The only code that changes a queue because something happened to it.
//!
//! # Invariants
//!
//! - `apply` refuses nothing: what an event names and the queue does not have is passed over.
//! - Before and after an event the queue is advanced to the event's time, so that nothing is due
//!   when the next decision is asked for.

use std::sync::Arc;

use longshore_types::Timestamp;

use crate::message::{Kept, Place};
use crate::{Event, MessageKey, Queue};

impl Queue {
    /// Carries out what happened at `now`, the time of the event's record.
    ///
    /// Returns the keys of the messages that are gone for good (deleted, purged or expired by
    /// now), so that their bodies can be released. Messages that left for a dead-letter queue are
    /// not among them: they keep their key there.
    pub fn apply(&mut self, event: &Event, now: Timestamp) -> Vec<MessageKey> {
        let mut gone = self.advance(now);
        match event {
            Event::Sent { key, id, bytes, available_at } => {
                self.put(*key, Kept::sent(*id, *bytes, now, *available_at));
            }
            Event::Received { deliveries } => {
                for (key, until) in deliveries {
                    self.deliver(*key, *until, now);
                }
            }
            Event::VisibilityChanged { key, until } => self.place(*key, lease(*until, now)),
            Event::Deleted { key } => gone.extend(self.take(*key).map(|_| *key)),
            Event::Purged => gone.extend(self.take_all()),
            Event::DeadLettered { keys } => {
                for key in keys {
                    self.take(*key);
                }
            }
            Event::Arrived { messages, source } => {
                let source = Arc::new(source.clone());
                for message in messages {
                    self.put(message.key, Kept::arriving(message, Arc::clone(&source)));
                }
            }
            Event::SettingsChanged { settings } => self.settings = settings.clone(),
        }
        gone.extend(self.advance(now));
        gone
    }

    /// Counts a receive of the message and leases it until `until`.
    fn deliver(&mut self, key: MessageKey, until: Timestamp, now: Timestamp) {
        let Some(message) = self.messages.get_mut(&key) else { return };
        message.count_receive(now);
        self.place(key, lease(until, now));
    }

    fn take_all(&mut self) -> Vec<MessageKey> {
        let empty = Self::new(self.id, self.settings.clone());
        let full = std::mem::replace(self, empty.with_in_flight_max(self.in_flight_max));
        full.messages.into_keys().collect()
    }
}

/// A lease that has no length is none: the message stays available.
fn lease(until: Timestamp, now: Timestamp) -> Place {
    if until > now { Place::InFlight(until) } else { Place::Available }
}
