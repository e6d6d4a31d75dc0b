//! Some queues, standard or FIFO, and what each operation does to them.
//!
//! # Invariants
//!
//! - Every operation begins by dropping the messages past their retention, so that a longer
//!   retention set later does not bring them back.

use std::time::Duration;

use longshore_types::{QueueArn, Settings, Timestamp};

use crate::fifo::{Attempt, DeduplicationId, Fifo, Kind, Sent};
use crate::message::{Delivery, Message, Receipt};
use crate::queue::{Counts, Fairness, Queue};
use crate::{Group, MessageNumber, QueueIndex};

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

/// What a receive is given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Received {
    /// The messages.
    pub deliveries: Vec<Delivery>,
    /// The time that their receipts bear, if it is that of an earlier receive.
    pub received_before: Option<Timestamp>,
}

/// Some queues that dead-letter to one another.
#[derive(Clone, Debug)]
pub struct Model {
    queues: Vec<Queue>,
    in_flight_max: usize,
    last_number: MessageNumber,
}

impl Model {
    /// Empty queues, each with its name and settings. In each, at most `in_flight_max` messages
    /// can be in flight.
    pub fn new(queues: Vec<(QueueArn, Settings, Kind)>, in_flight_max: usize) -> Self {
        let queue = |(arn, settings, kind)| Queue {
            arn,
            settings,
            messages: Vec::new(),
            fifo: Fifo::of(kind),
        };
        Self { queues: queues.into_iter().map(queue).collect(), in_flight_max, last_number: 0 }
    }

    /// Sends a message to a standard queue.
    pub fn send(
        &mut self,
        queue: QueueIndex,
        group: Option<Group>,
        delay: Option<Duration>,
        now: Timestamp,
    ) -> MessageNumber {
        self.last_number += 1;
        let number = self.last_number;
        let queue = self.at(queue, now);
        let delay = delay.unwrap_or(queue.settings.delay);
        queue.messages.push(Message { group, ..Message::sent(number, now, delay) });
        number
    }

    /// Sends a message to a FIFO queue, unless it is a duplicate.
    pub fn send_fifo(
        &mut self,
        queue: QueueIndex,
        group: Group,
        id: DeduplicationId,
        now: Timestamp,
    ) -> Option<Sent> {
        let (last_number, group) = (self.last_number, Some(group));
        let queue = self.at(queue, now);
        let fifo = queue.fifo.as_mut()?;
        if let Some(original) = fifo.original(group, id, now) {
            return Some(original);
        }
        let sent = Sent { number: last_number + 1, sequence: fifo.next_sequence() };
        fifo.remember(group, id, sent, now);
        let message = Message::sent(sent.number, now, queue.settings.delay);
        queue.messages.push(Message { group, sequence: Some(sent.sequence), ..message });
        queue.settle_turns();
        self.last_number = sent.number;
        Some(sent)
    }

    /// Receives from a FIFO queue under an attempt's id: what the same attempt was given within
    /// the last five minutes, if nobody has touched it, and otherwise as without an id.
    pub fn receive_attempt(
        &mut self,
        queue: QueueIndex,
        attempt: u64,
        count_max: usize,
        visibility: Option<Duration>,
        now: Timestamp,
    ) -> Result<Received, Refused> {
        let hidden_until =
            now + visibility.unwrap_or(self.queues[queue].settings.visibility_timeout);
        if let Some(known) = self.untouched(queue, attempt, now) {
            for delivery in &known.deliveries {
                if let Some(message) = self.queues[queue].find(delivery.number) {
                    message.hidden_until = hidden_until;
                }
            }
            let (deliveries, received_before) = (known.deliveries.clone(), Some(known.at));
            self.remember_attempt(queue, Attempt { hidden_until, ..known });
            return Ok(Received { deliveries, received_before });
        }
        let deliveries = self.receive(queue, count_max, visibility, now)?;
        if !deliveries.is_empty() && hidden_until > now {
            let known =
                Attempt { id: attempt, at: now, hidden_until, deliveries: deliveries.clone() };
            self.remember_attempt(queue, known);
        }
        Ok(Received { deliveries, received_before: None })
    }

    fn untouched(&mut self, queue: QueueIndex, attempt: u64, now: Timestamp) -> Option<Attempt> {
        let queue = self.at(queue, now);
        let known = queue.fifo.as_ref()?.attempt(attempt, now)?.clone();
        let mut deliveries = known.deliveries.iter();
        let untouched = deliveries.all(|delivery| {
            queue.find(delivery.number).is_some_and(|message| {
                message.last_delivery == delivery.delivery
                    && message.is_in_flight(now)
                    && message.hidden_until == known.hidden_until
            })
        });
        untouched.then_some(known)
    }

    fn remember_attempt(&mut self, queue: QueueIndex, attempt: Attempt) {
        if let Some(fifo) = &mut self.queues[queue].fifo {
            fifo.remember_attempt(attempt);
        }
    }

    /// Receives up to `count_max` messages: of a standard queue the oldest first, those of groups
    /// that are noisy at the start behind all others; of a FIFO queue each group in turn from its
    /// head on. Messages met on the way that were received as often as the redrive policy allows
    /// move to the dead-letter queue, if there is one.
    pub fn receive(
        &mut self,
        queue: QueueIndex,
        count_max: usize,
        visibility: Option<Duration>,
        now: Timestamp,
    ) -> Result<Vec<Delivery>, Refused> {
        let in_flight = self.counts(queue, now).in_flight;
        if in_flight >= self.in_flight_max {
            let is_fifo = self.queues[queue].fifo.is_some();
            return if is_fifo { Ok(Vec::new()) } else { Err(Refused::OverLimit) };
        }
        let count_max = count_max.min(self.in_flight_max - in_flight);
        let visibility = visibility.unwrap_or(self.queues[queue].settings.visibility_timeout);
        let mut deliveries = Vec::new();
        for number in self.at(queue, now).deliverable(now) {
            if deliveries.len() == count_max {
                break;
            }
            if let Some(target) = self.dead_letter_queue_for(queue, number) {
                self.dead_letter(queue, number, target, now);
            } else if let Some(message) = self.queues[queue].find(number) {
                deliveries.push(message.receive(visibility, now));
                let group = message.group;
                if let Some(fifo) = &mut self.queues[queue].fifo {
                    fifo.serve(group);
                }
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
        let Some(message) = queue.find(receipt.number).cloned() else { return Ok(()) };
        let too_old = now.since(receipt.received_at) > HOURS_12;
        if too_old || queue.is_void(&message, receipt, now) {
            return Err(Refused::ReceiptExpired);
        }
        queue.take(receipt.number);
        queue.settle_turns();
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
        let queue = self.at(queue, now);
        let message = queue.find(receipt.number).cloned().ok_or(Refused::NotAvailable)?;
        if queue.is_void(&message, receipt, now) {
            return Err(Refused::NotAvailable);
        }
        if now.since(receipt.received_at) + timeout > HOURS_12 {
            return Err(Refused::VisibilityTooLong);
        }
        if let Some(message) = queue.find(receipt.number).filter(|it| it.is_in_flight(now)) {
            message.hidden_until = now + timeout;
        }
        Ok(())
    }

    /// Deletes all messages.
    pub fn purge(&mut self, queue: QueueIndex, now: Timestamp) {
        let queue = self.at(queue, now);
        queue.messages.clear();
        if let Some(fifo) = &mut queue.fifo {
            fifo.purge();
        }
    }

    /// Sets a queue to something else. In a FIFO queue a new delay is also that of the messages
    /// that were sent to it and never delivered.
    pub fn set(&mut self, queue: QueueIndex, settings: Settings, now: Timestamp) {
        let waits =
            |message: &&mut Message| message.receive_count_here == 0 && message.source.is_none();
        let target = self.at(queue, now);
        if target.fifo.is_some() {
            for message in target.messages.iter_mut().filter(waits) {
                message.delayed_until = message.sent_at + settings.delay;
            }
        }
        target.settings = settings;
        self.at(queue, now);
    }

    /// How many messages of a queue are what.
    pub fn counts(&mut self, queue: QueueIndex, now: Timestamp) -> Counts {
        self.at(queue, now).counts(now)
    }

    /// What of a queue is not of noisy groups.
    pub fn fairness(&mut self, queue: QueueIndex, now: Timestamp) -> Fairness {
        self.at(queue, now).fairness(now)
    }

    /// How many groups of a FIFO queue have messages in flight.
    pub fn groups_in_flight(&mut self, queue: QueueIndex, now: Timestamp) -> usize {
        self.at(queue, now).groups_in_flight(now)
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
    /// ends, or the last of what a FIFO queue remembers is forgotten, in ascending order.
    pub fn deadlines(&mut self, queue: QueueIndex, now: Timestamp) -> Vec<Timestamp> {
        let Queue { settings, messages, fifo, .. } = self.at(queue, now);
        let times = |message: &Message| {
            let expires_at = message.sent_at + settings.retention;
            [message.delayed_until, message.hidden_until, expires_at]
        };
        let mut deadlines: Vec<_> =
            messages.iter().flat_map(times).filter(|time| *time > now).collect();
        deadlines.extend(fifo.as_ref().and_then(|fifo| fifo.ends(now).into_iter().max()));
        deadlines.sort_unstable();
        deadlines
    }

    /// The times after `now` at which a FIFO queue forgets something.
    pub fn ends_of_memory(&self, queue: QueueIndex, now: Timestamp) -> Vec<Timestamp> {
        self.queues[queue].fifo.as_ref().map_or_else(Vec::new, |fifo| fifo.ends(now))
    }

    /// Whether a receive would meet a message.
    pub fn has_deliverable(&mut self, queue: QueueIndex, now: Timestamp) -> bool {
        let in_flight = self.counts(queue, now).in_flight;
        in_flight < self.in_flight_max && !self.at(queue, now).deliverable(now).is_empty()
    }

    /// The queue as it is at `now`.
    fn at(&mut self, queue: QueueIndex, now: Timestamp) -> &mut Queue {
        let queue = &mut self.queues[queue];
        queue.drop_expired(now);
        queue
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
            self.queues[source].settle_turns();
            let target = self.at(target, now);
            let mut moved = message.moved(source, now);
            if let Some(fifo) = &mut target.fifo {
                moved.sent_at = now;
                let sent = Sent { number, sequence: fifo.next_sequence() };
                moved.sequence = Some(sent.sequence);
                fifo.remember(moved.group, DeduplicationId::OfMessage(number), sent, now);
            }
            target.messages.push(moved);
            target.settle_turns();
        }
    }
}
