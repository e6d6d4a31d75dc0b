//! Some standard queues, and what each operation does to them.
//!
//! # Invariants
//!
//! - Every operation begins by dropping the messages past their retention, so that a longer
//!   retention set later does not bring them back.

use std::time::Duration;

use longshore_types::{QueueArn, Settings, Timestamp};

use crate::message::{Delivery, Message, Receipt};
use crate::{MessageNumber, QueueIndex};

/// SQS lets a message be in flight, and a receipt be used, for 12 hours since the receive.
const HOURS_12: Duration = Duration::from_secs(12 * 60 * 60);

/// Why SQS says no.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// As many messages are in flight as can be.
    OverLimit,
    /// The receipt is another queue's.
    ReceiptOfAnotherQueue,
    /// The receive was more than 12 hours ago.
    ReceiptExpired,
    /// The message is gone.
    NotAvailable,
    /// The message would be in flight for more than 12 hours.
    VisibilityTooLong,
}

/// How many messages of a queue are what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Messages that a receive could have.
    pub available: usize,
    /// Messages that somebody has received and that have not come back.
    pub in_flight: usize,
    /// Messages whose delay has not ended.
    pub delayed: usize,
}

#[derive(Clone, Debug)]
struct Queue {
    arn: QueueArn,
    settings: Settings,
    messages: Vec<Message>,
}

impl Queue {
    fn drop_expired(&mut self, now: Timestamp) {
        let retention = self.settings.retention;
        self.messages.retain(|message| !message.is_expired(retention, now));
    }

    fn find(&mut self, number: MessageNumber) -> Option<&mut Message> {
        self.messages.iter_mut().find(|message| message.number == number)
    }

    fn take(&mut self, number: MessageNumber) -> Option<Message> {
        let position = self.messages.iter().position(|message| message.number == number)?;
        Some(self.messages.remove(position))
    }

    fn count(&self, is: impl Fn(&Message) -> bool) -> usize {
        self.messages.iter().filter(|message| is(message)).count()
    }
}

/// Some standard queues that dead-letter to one another.
#[derive(Clone, Debug)]
pub struct Model {
    queues: Vec<Queue>,
    in_flight_max: usize,
    last_number: MessageNumber,
}

impl Model {
    /// Empty queues, each with its name and settings. In each, at most `in_flight_max` messages
    /// can be in flight.
    pub fn new(queues: Vec<(QueueArn, Settings)>, in_flight_max: usize) -> Self {
        let queue = |(arn, settings)| Queue { arn, settings, messages: Vec::new() };
        Self { queues: queues.into_iter().map(queue).collect(), in_flight_max, last_number: 0 }
    }

    /// Sends a message.
    pub fn send(
        &mut self,
        queue: QueueIndex,
        delay: Option<Duration>,
        now: Timestamp,
    ) -> MessageNumber {
        self.last_number += 1;
        let number = self.last_number;
        let queue = self.at(queue, now);
        let delay = delay.unwrap_or(queue.settings.delay);
        queue.messages.push(Message::sent(number, now, delay));
        number
    }

    /// Receives up to `count_max` messages, the oldest first. Messages met on the way that were
    /// received as often as the redrive policy allows move to the dead-letter queue, if there is
    /// one.
    pub fn receive(
        &mut self,
        queue: QueueIndex,
        count_max: usize,
        visibility: Option<Duration>,
        now: Timestamp,
    ) -> Result<Vec<Delivery>, Refused> {
        let in_flight = self.counts(queue, now).in_flight;
        if in_flight >= self.in_flight_max {
            return Err(Refused::OverLimit);
        }
        let count_max = count_max.min(self.in_flight_max - in_flight);
        let visibility = visibility.unwrap_or(self.queues[queue].settings.visibility_timeout);
        let mut deliveries = Vec::new();
        for number in self.available_oldest_first(queue, now) {
            if deliveries.len() == count_max {
                break;
            }
            if let Some(target) = self.dead_letter_queue_for(queue, number) {
                self.dead_letter(queue, number, target, now);
            } else if let Some(message) = self.queues[queue].find(number) {
                deliveries.push(message.receive(visibility, now));
            }
        }
        Ok(deliveries)
    }

    /// Deletes a message. That it is gone already is fine.
    pub fn delete(
        &mut self,
        queue: QueueIndex,
        receipt: Receipt,
        now: Timestamp,
    ) -> Result<(), Refused> {
        if receipt.queue != queue {
            return Err(Refused::ReceiptOfAnotherQueue);
        }
        let queue = self.at(queue, now);
        if queue.find(receipt.number).is_some() && now.since(receipt.received_at) > HOURS_12 {
            return Err(Refused::ReceiptExpired);
        }
        queue.take(receipt.number);
        Ok(())
    }

    /// Changes the visibility timeout of a message in flight to `timeout` from now on. Available
    /// messages stay as they are.
    pub fn change_visibility(
        &mut self,
        queue: QueueIndex,
        receipt: Receipt,
        timeout: Duration,
        now: Timestamp,
    ) -> Result<(), Refused> {
        if receipt.queue != queue {
            return Err(Refused::ReceiptOfAnotherQueue);
        }
        let message = self.at(queue, now).find(receipt.number).ok_or(Refused::NotAvailable)?;
        if now.since(receipt.received_at) + timeout > HOURS_12 {
            return Err(Refused::VisibilityTooLong);
        }
        if message.is_in_flight(now) {
            message.hidden_until = now + timeout;
        }
        Ok(())
    }

    /// Deletes all messages.
    pub fn purge(&mut self, queue: QueueIndex, now: Timestamp) {
        self.at(queue, now).messages.clear();
    }

    /// Sets a queue to something else.
    pub fn set(&mut self, queue: QueueIndex, settings: Settings, now: Timestamp) {
        self.at(queue, now).settings = settings;
        self.at(queue, now);
    }

    /// How many messages of a queue are what.
    pub fn counts(&mut self, queue: QueueIndex, now: Timestamp) -> Counts {
        let queue = self.at(queue, now);
        Counts {
            available: queue.count(|message| message.is_available(now)),
            in_flight: queue.count(|message| message.is_in_flight(now)),
            delayed: queue.count(|message| message.is_delayed(now)),
        }
    }

    /// The messages of a queue, by number.
    pub fn numbers(&mut self, queue: QueueIndex, now: Timestamp) -> Vec<MessageNumber> {
        let messages = &self.at(queue, now).messages;
        let mut numbers: Vec<_> = messages.iter().map(|message| message.number).collect();
        numbers.sort_unstable();
        numbers
    }

    /// When the oldest message of a queue was sent.
    pub fn oldest(&mut self, queue: QueueIndex, now: Timestamp) -> Option<Timestamp> {
        self.at(queue, now).messages.iter().map(|message| message.sent_at).min()
    }

    /// The times after `now` at which a delay, a lease or the retention of a message of the queue
    /// ends, in ascending order.
    pub fn deadlines(&mut self, queue: QueueIndex, now: Timestamp) -> Vec<Timestamp> {
        let Queue { settings, messages, .. } = self.at(queue, now);
        let times = |message: &Message| {
            let expires_at = message.sent_at + settings.retention;
            [message.delayed_until, message.hidden_until, expires_at]
        };
        let mut deadlines: Vec<_> =
            messages.iter().flat_map(times).filter(|time| *time > now).collect();
        deadlines.sort_unstable();
        deadlines
    }

    /// The queue as it is at `now`.
    fn at(&mut self, queue: QueueIndex, now: Timestamp) -> &mut Queue {
        let queue = &mut self.queues[queue];
        queue.drop_expired(now);
        queue
    }

    fn available_oldest_first(&mut self, queue: QueueIndex, now: Timestamp) -> Vec<MessageNumber> {
        let messages = self.at(queue, now).messages.iter();
        let available = messages.filter(|message| message.is_available(now));
        let mut order: Vec<_> =
            available.map(|message| (message.sent_at, message.number)).collect();
        order.sort_unstable();
        order.into_iter().map(|(_, number)| number).collect()
    }

    /// Where a message goes instead of to the receiver, if one more receive is too many for it.
    fn dead_letter_queue_for(
        &mut self,
        queue: QueueIndex,
        number: MessageNumber,
    ) -> Option<QueueIndex> {
        let policy = self.queues[queue].settings.redrive.clone()?;
        let message = self.queues[queue].find(number)?;
        let receive_count = message.receive_count_here + 1;
        if receive_count <= policy.receive_count_max {
            return None;
        }
        self.queues.iter().position(|queue| queue.arn == policy.target)
    }

    fn dead_letter(
        &mut self,
        source: QueueIndex,
        number: MessageNumber,
        target: QueueIndex,
        now: Timestamp,
    ) {
        if let Some(message) = self.queues[source].take(number) {
            self.at(target, now).messages.push(message.moved(source, now));
        }
    }
}
