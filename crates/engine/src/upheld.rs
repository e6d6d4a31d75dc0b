//! What `apply` relies on, checked before an event is written down.
//!
//! `apply` finds a broken invariant too, but only once the event is on its way to the log, where
//! every later start would meet it again. Left to it are the groups of FIFO queues, changes of settings, and
//! a message that one event names twice.

use crate::message::Stage;
use crate::{Event, MessageKey, Queue};

impl Queue {
    /// Checks what is known of the messages that `event` names, before it is made durable.
    ///
    /// # Panics
    ///
    /// If the queue has lost track of one of them, or if one that `event` brings is here already.
    pub fn assert_upheld(&self, event: &Event) {
        match event {
            Event::Sent { key, .. } | Event::SentFifo { key, .. } => self.assert_unused(*key),
            Event::Arrived { messages, .. } => {
                self.assert_all_unused(messages.iter().map(|message| message.key));
            }
            Event::Redriven { messages } => {
                self.assert_all_unused(messages.iter().map(|message| message.key));
            }
            Event::Received { deliveries } => {
                self.assert_all_in_place(deliveries.iter().map(|(key, _)| *key));
            }
            Event::VisibilityChanged { key, .. } | Event::Deleted { key } => {
                self.assert_in_place(*key);
            }
            Event::DeadLettered { keys } | Event::Left { keys } => {
                self.assert_all_in_place(keys.iter().copied());
            }
            Event::Repeated { attempt, .. } => {
                self.assert_all_in_place(self.delivered_by(attempt).map(|(key, _)| *key));
            }
            Event::Purged
            | Event::SettingsChanged { .. }
            | Event::Attempted { .. }
            | Event::MoveStarted { .. }
            | Event::MoveEnded { .. } => {}
        }
    }

    /// What the receive of that id delivered, if it is remembered.
    fn delivered_by(&self, id: &str) -> impl Iterator<Item = &(MessageKey, u32)> {
        let attempt = self.fifo.as_ref().and_then(|fifo| fifo.attempts.get(id));
        attempt.into_iter().flat_map(|attempt| &attempt.deliveries)
    }

    fn assert_all_unused(&self, keys: impl Iterator<Item = MessageKey>) {
        for key in keys {
            self.assert_unused(key);
        }
    }

    fn assert_all_in_place(&self, keys: impl Iterator<Item = MessageKey>) {
        for key in keys {
            self.assert_in_place(key);
        }
    }

    /// A message is in the order of sends, and in that which its stage names.
    fn assert_in_place(&self, key: MessageKey) {
        let Some(message) = self.messages.get(key) else { return };
        let (sent_at, group) = (message.sent_at, self.fair_group_of(key));
        let is_available = self.sends.is_available(sent_at, key, group);
        assert!(is_available.is_some(), "the message {key} would never expire");
        let is_in_place = match message.stage {
            Stage::Available => is_available == Some(true),
            Stage::Delayed(until) => self.delayed.contains(until, key),
            Stage::InFlight(until) => self.in_flight.contains(until, key),
        };
        assert!(is_in_place, "the message {key} is not where it should be");
    }
}

#[cfg(test)]
mod tests {
    use longshore_types::{MessageId, Settings, Timestamp};

    use super::*;
    use crate::{QueueId, Send};

    const KEY: MessageKey = MessageKey::new(1);

    fn with_a_message(group: Option<&str>) -> Queue {
        let mut queue = Queue::new(QueueId::new(1), Settings::default());
        let (id, group) = (MessageId::from_random([1; 16]), group.map(ToOwned::to_owned));
        let sent = queue.send(Send { key: KEY, id, bytes: 1, delay: None, group }, Timestamp::ZERO);
        queue.assert_upheld(&sent);
        queue.apply(&sent, Timestamp::ZERO);
        queue
    }

    #[test]
    fn c16_what_names_a_message_that_is_where_it_should_be_is_right() {
        for group in [None, Some("group")] {
            let queue = with_a_message(group);
            let other = MessageKey::new(2);
            queue.assert_upheld(&Event::Left { keys: vec![KEY, other] });
        }
    }

    #[test]
    fn c16_a_receive_that_is_asked_for_again_need_not_be_remembered() {
        let attempt = "forgotten".to_owned();
        let until = Timestamp::from_millis(1);
        with_a_message(None).assert_upheld(&Event::Repeated { attempt, until });
    }

    #[test]
    #[should_panic(expected = "used twice")]
    fn c16_a_message_that_is_here_does_not_arrive() {
        let event = Event::Redriven {
            messages: vec![crate::Redriven {
                key: KEY,
                id: MessageId::from_random([2; 16]),
                bytes: 1,
                delivery: 0,
                group: None,
            }],
        };
        with_a_message(None).assert_upheld(&event);
    }

    #[test]
    #[should_panic(expected = "not where it should be")]
    fn c16_a_message_that_the_queue_has_lost_track_of_is_not_deleted() {
        let mut queue = with_a_message(None);
        queue.sends.set_available(Timestamp::ZERO, KEY, None, false);
        queue.assert_upheld(&Event::Deleted { key: KEY });
    }
}
