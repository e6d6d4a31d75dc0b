//! Receiving messages, and meeting those that were received too often.

use std::time::Duration;

use longshore_types::Timestamp;

use crate::message::Stage;
use crate::{Event, Message, MessageKey, Queue, Refusal};

/// Messages that one receive sends to the dead-letter queue at most, so that its record and the
/// time it holds both queues stay bounded.
pub const MOVES_MAX: usize = 1000;

/// A receive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receive {
    /// Messages wanted: at most that many are delivered.
    pub count_max: usize,
    /// The visibility timeout for this receive instead of the queue's. Zero delivers the messages
    /// and leaves them available.
    pub visibility: Option<Duration>,
    /// Whether the queue that the redrive policy names exists. If not, messages stay and are
    /// delivered, however often they were received.
    pub dead_letter_target_exists: bool,
}

/// What a receive comes to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReceiveDecision {
    /// The [`Event::Received`] that delivers messages; `None` if there is nothing to deliver.
    pub event: Option<Event>,
    /// Messages met on the way that were received too often, at most [`MOVES_MAX`]: they belong in
    /// the dead-letter queue. If there are that many and nothing is delivered, there may be more
    /// to meet: ask again after the move.
    pub dead_lettered: Vec<Message>,
}

impl Queue {
    /// Decides a receive at `now`: as many messages as are wanted and may be in flight. A standard
    /// queue delivers the oldest available ones, those of noisy groups after all others. A FIFO
    /// queue goes through its groups in turn and delivers each from its head on.
    ///
    /// Which groups are noisy is what the queue says before the receive; what the receive itself
    /// takes in flight concerns the next one.
    ///
    /// # Errors
    ///
    /// [`Refusal::OverLimit`] if as many messages of a standard queue are in flight as can be; a
    /// FIFO queue has nothing to deliver then.
    pub fn receive(&self, receive: Receive, now: Timestamp) -> Result<ReceiveDecision, Refusal> {
        assert!(self.is_advanced_to(now), "a receive from a queue that was not advanced");
        let room = self.in_flight_max.saturating_sub(self.in_flight.len());
        if room == 0 && self.fifo.is_some() {
            return Ok(ReceiveDecision::default());
        }
        if room == 0 {
            return Err(Refusal::OverLimit { queue: self.id, in_flight_max: self.in_flight_max });
        }
        let (keys, dead_lettered) = self.meet(receive, receive.count_max.min(room));
        let until = now + receive.visibility.unwrap_or(self.settings.visibility_timeout);
        let deliveries: Vec<_> = keys.into_iter().map(|key| (key, until)).collect();
        let event = (!deliveries.is_empty()).then_some(Event::Received { deliveries });
        Ok(ReceiveDecision { event, dead_lettered })
    }

    /// What a receive meets: of a standard queue the available messages, oldest first and those of
    /// noisy groups last; of a FIFO queue the groups in turn, each up to its first message that is
    /// not available.
    fn meet(&self, receive: Receive, count_max: usize) -> (Vec<MessageKey>, Vec<Message>) {
        let Some(fifo) = self.fifo.as_deref() else {
            let noisy = self.noisy_groups();
            let order = self.sends.quiet_first(&noisy);
            return self.meet_in_order(order, receive, count_max);
        };
        let is_available = |key: &MessageKey| self.messages.known(*key).stage == Stage::Available;
        let run = |group| fifo.groups.members_of(group).take_while(is_available);
        self.meet_in_order(fifo.groups.ready().flat_map(run), receive, count_max)
    }

    /// Goes through `keys` until `count_max` can be delivered. Messages that were received too
    /// often are met only before that: the next receive finds those behind.
    fn meet_in_order(
        &self,
        keys: impl Iterator<Item = MessageKey>,
        receive: Receive,
        count_max: usize,
    ) -> (Vec<MessageKey>, Vec<Message>) {
        let receive_count_max = self.receive_count_max(receive.dead_letter_target_exists);
        let mut delivered = Vec::new();
        let mut dead_lettered = Vec::new();
        for key in keys {
            if delivered.len() == count_max || dead_lettered.len() == MOVES_MAX {
                break;
            }
            let message = self.messages.known(key);
            if message.redrive_count < receive_count_max {
                delivered.push(key);
            } else {
                dead_lettered.push(message.leaving(key, self.group_of(key)));
            }
        }
        (delivered, dead_lettered)
    }

    /// How often a message is delivered before it is dead-lettered.
    fn receive_count_max(&self, target_exists: bool) -> u32 {
        let policy = self.settings.redrive.as_ref().filter(|_| target_exists);
        policy.map_or(u32::MAX, |policy| policy.receive_count_max)
    }
}
