//! Receiving from a FIFO queue once more, under the id of an earlier attempt.

use std::time::Duration;

use longshore_types::Timestamp;

use crate::fifo::attempts::Attempt;
use crate::message::Stage;
use crate::{Event, MessageKey, Queue};

/// An earlier receive, to be answered again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repeat {
    /// The [`Event::Repeated`] that starts the visibility timeouts anew.
    pub event: Event,
    /// The messages in the order of the first reply.
    pub keys: Vec<MessageKey>,
    /// When they were received: what their receipts say.
    pub received_at: Timestamp,
    /// The start of the broker that they were received from: likewise.
    pub epoch: u32,
}

impl Queue {
    /// What remembers that `keys`, which were received in the same record, answered `attempt`.
    pub fn attempted(&self, attempt: &str, epoch: u32, keys: Vec<MessageKey>) -> Event {
        Event::Attempted { attempt: attempt.to_owned(), epoch, keys }
    }

    /// Decides at `now` to answer `attempt` as it was answered before. `None` if it is unknown or
    /// older than five minutes, or if any of its messages is no longer as that answer left it: then
    /// it is a receive like any other.
    pub fn repeat(
        &self,
        attempt: &str,
        visibility: Option<Duration>,
        now: Timestamp,
    ) -> Option<Repeat> {
        let known = self.fifo.as_deref()?.attempts.get(attempt)?;
        if !self.is_untouched(known) {
            return None;
        }
        let until = now + visibility.unwrap_or(self.settings.visibility_timeout);
        Some(Repeat {
            event: Event::Repeated { attempt: attempt.to_owned(), until },
            keys: known.deliveries.iter().map(|(key, _)| *key).collect(),
            received_at: known.received_at,
            epoch: known.epoch,
        })
    }

    fn is_untouched(&self, attempt: &Attempt) -> bool {
        let untouched = |(key, delivery): &(MessageKey, u32)| {
            let message = self.messages.get(*key);
            message.is_some_and(|message| {
                message.delivery == *delivery && message.stage == Stage::InFlight(attempt.until)
            })
        };
        attempt.deliveries.iter().all(untouched)
    }
}
