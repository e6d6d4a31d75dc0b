//! The engine, driven as a broker drives it: decide, record, apply; and its log replayed.

use std::collections::BTreeSet;
use std::time::Duration;

use longshore_engine::{
    DeduplicationScope, Event, FifoMessage, FifoSend, MessageKey, Queue, QueueId, Receive,
    ReceiveDecision, Refusal, Send,
};
use longshore_model::{DeduplicationId, Delivery, Kind, Receipt, Received, Refused, Sent};
use longshore_types::{MessageId, QueueArn, Settings, Timestamp};

use crate::mutant::Mutant;
use crate::shares::Shares;

/// One entry of the log: when, which queue, and the event as bytes.
type Entry = (Timestamp, usize, Vec<u8>);

/// Queues of the engine, with the log of their events and the bodies that are still kept.
#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) queues: Vec<Queue>,
    founded: Vec<Queue>,
    arns: Vec<QueueArn>,
    log: Vec<Entry>,
    /// Keys of the bodies that nobody has said are no longer needed.
    pub(crate) bodies: BTreeSet<u64>,
    last_key: u64,
    pub(crate) mutant: Mutant,
    shares: Shares,
}

impl Engine {
    pub(crate) fn new(
        queues: Vec<(QueueArn, Settings, Kind)>,
        in_flight_max: usize,
        mutant: Mutant,
    ) -> Self {
        let arns = queues.iter().map(|(arn, ..)| arn.clone()).collect();
        let queues: Vec<_> = (1..)
            .zip(queues)
            .map(|(id, (_, settings, kind))| {
                let queue = queue(QueueId::new(id), mutant.settings(settings), mutant.kind(kind));
                queue.with_in_flight_max(in_flight_max)
            })
            .collect();
        let founded = queues.clone();
        let (log, bodies, shares) = (vec![], BTreeSet::new(), Shares::default());
        Self { queues, founded, arns, log, bodies, last_key: 0, mutant, shares }
    }

    pub(crate) fn advance(&mut self, now: Timestamp) {
        for queue in &mut self.queues {
            for key in queue.advance(now) {
                self.bodies.remove(&key.get());
            }
        }
    }

    pub(crate) fn send(
        &mut self,
        queue: usize,
        group: Option<u64>,
        delay: Option<Duration>,
        now: Timestamp,
    ) -> u64 {
        self.last_key += 1;
        self.bodies.insert(self.last_key);
        let key = MessageKey::new(self.last_key);
        self.shares.sent(key, group, now);
        let group = group.map(|group| format!("group-{group}"));
        let send = Send { key, id: message_id(key), bytes: 1, delay, group };
        let event = self.queues[queue].send(send, now);
        self.happens(queue, event, now);
        self.last_key
    }

    pub(crate) fn send_fifo(
        &mut self,
        queue: usize,
        group: u64,
        id: DeduplicationId,
        now: Timestamp,
    ) -> Sent {
        let key = MessageKey::new(self.last_key + 1);
        let message = FifoMessage {
            key,
            id: message_id(key),
            bytes: 1,
            group: format!("group-{group}"),
            deduplication_id: match id {
                DeduplicationId::Chosen(id) => format!("id-{id}"),
                DeduplicationId::OfMessage(number) => {
                    message_id(MessageKey::new(number)).to_string()
                }
            },
        };
        match self.decide_send_fifo(queue, message, now) {
            FifoSend::Accepted { event, sequence } => {
                self.last_key += 1;
                self.bodies.insert(self.last_key);
                self.happens(queue, event, now);
                Sent { number: self.last_key, sequence: sequence.get() }
            }
            FifoSend::Duplicate(original) if self.mutant == Mutant::AnswersDuplicatesAsNew => {
                Sent { number: self.last_key + 1, sequence: original.sequence.get() }
            }
            FifoSend::Duplicate(original) => {
                let numbers = 1..=self.last_key;
                let is_it = |number: &u64| message_id(MessageKey::new(*number)) == original.id;
                let number = numbers.into_iter().find(is_it).unwrap();
                Sent { number, sequence: original.sequence.get() }
            }
        }
    }

    fn decide_send_fifo(&self, queue: usize, message: FifoMessage, now: Timestamp) -> FifoSend {
        if self.mutant == Mutant::EndsDeduplicationEarly {
            let (mut early, now) = (self.queues[queue].clone(), now + Duration::from_millis(1));
            early.advance(now);
            return early.send_fifo(message, now);
        }
        self.queues[queue].send_fifo(message, now)
    }

    pub(crate) fn receive_attempt(
        &mut self,
        queue: usize,
        attempt: u64,
        count_max: usize,
        visibility: Option<Duration>,
        now: Timestamp,
    ) -> Result<Received, Refused> {
        let id = format!("attempt-{attempt}");
        if let Some(repeat) = self.queues[queue].repeat(&id, visibility, now) {
            self.happens(queue, repeat.event, now);
            let deliveries = repeat.keys.iter().map(|key| self.told(queue, *key)).collect();
            return Ok(Received { deliveries, received_before: Some(repeat.received_at) });
        }
        let deliveries = self.receive(queue, count_max, visibility, now)?;
        let keys: Vec<_> =
            deliveries.iter().map(|delivery| MessageKey::new(delivery.number)).collect();
        if !keys.is_empty() {
            let event = self.queues[queue].attempted(&id, 1, keys);
            self.happens(queue, event, now);
        }
        Ok(Received { deliveries, received_before: None })
    }

    pub(crate) fn receive(
        &mut self,
        queue: usize,
        count_max: usize,
        visibility: Option<Duration>,
        now: Timestamp,
    ) -> Result<Vec<Delivery>, Refused> {
        let target = self.target_of(queue);
        let dead_letter_target_exists = target.is_some();
        let receive = Receive { count_max, visibility, dead_letter_target_exists };
        let decision = self.decide_receive(queue, receive, now).map_err(refused)?;
        if let Some(target) = target.filter(|_| !decision.dead_lettered.is_empty()) {
            self.dead_letter(queue, target, &decision, now);
        }
        let Some(Event::Received { deliveries }) = decision.event.clone() else {
            return Ok(vec![]);
        };
        self.happens(queue, Event::Received { deliveries: deliveries.clone() }, now);
        Ok(deliveries.iter().map(|(key, _)| self.told(queue, *key)).collect())
    }

    fn decide_receive(
        &mut self,
        queue: usize,
        receive: Receive,
        now: Timestamp,
    ) -> Result<ReceiveDecision, Refusal> {
        if let Some(wrong) = self.mutant.sharing() {
            return self.shares.decide(wrong, &self.queues[queue], receive, now);
        }
        let queue = &self.queues[queue];
        if self.mutant == Mutant::DeliversNewestFirst {
            let mut decision = queue.receive(Receive { count_max: usize::MAX, ..receive }, now)?;
            if let Some(Event::Received { deliveries }) = &mut decision.event {
                deliveries.reverse();
                deliveries.truncate(receive.count_max);
            }
            return Ok(decision);
        }
        queue.receive(receive, now)
    }

    fn dead_letter(
        &mut self,
        source: usize,
        target: usize,
        decision: &ReceiveDecision,
        now: Timestamp,
    ) {
        let keys: Vec<_> = decision.dead_lettered.iter().map(|message| message.key).collect();
        let leave = self.queues[source].dead_letter(&keys);
        let arn = self.arns[source].clone();
        let arrive = Queue::arrive(decision.dead_lettered.clone(), arn);
        self.happens(source, leave, now);
        self.happens(target, arrive, now);
    }

    pub(crate) fn delete(
        &mut self,
        queue: usize,
        receipt: Receipt,
        now: Timestamp,
    ) -> Result<(), Refused> {
        let receipt = self.mutant.receipt(engine_receipt(receipt), &self.queues[queue]);
        let event = self.queues[queue].delete(&receipt, now).map_err(refused)?;
        if let Some(event) = event {
            self.happens(queue, event, now);
        }
        Ok(())
    }

    pub(crate) fn change_visibility(
        &mut self,
        queue: usize,
        receipt: Receipt,
        timeout: Duration,
        now: Timestamp,
    ) -> Result<(), Refused> {
        let receipt = engine_receipt(receipt);
        let decision = self.queues[queue].change_visibility(&receipt, timeout, now);
        if let Some(event) = decision.map_err(refused)? {
            self.happens(queue, event, now);
        }
        Ok(())
    }

    pub(crate) fn purge(&mut self, queue: usize, now: Timestamp) {
        if self.mutant == Mutant::RemembersDuplicatesOverAPurge {
            let keys: Vec<_> = self.queues[queue].keys().collect();
            return keys
                .into_iter()
                .for_each(|key| self.happens(queue, Event::Deleted { key }, now));
        }
        let event = self.queues[queue].purge();
        self.happens(queue, event, now);
    }

    pub(crate) fn set(&mut self, queue: usize, settings: Settings, now: Timestamp) {
        let event = self.queues[queue].change_settings(self.mutant.settings(settings));
        self.happens(queue, event, now);
    }

    /// The queues as a broker finds them that starts on the log and looks at them at `now`.
    pub(crate) fn replayed(&self, now: Timestamp) -> Vec<Queue> {
        let mut queues = self.founded.clone();
        for (at, queue, bytes) in &self.log {
            let event: Event = minicbor::decode(bytes).unwrap();
            queues[*queue].apply(&event, *at);
        }
        for queue in &mut queues {
            queue.advance(now);
        }
        queues
    }

    fn happens(&mut self, queue: usize, event: Event, now: Timestamp) {
        let Some(event) = self.mutant.event(event, &self.queues[queue], now) else { return };
        if self.mutant.is_logged(&event) {
            self.log.push((now, queue, minicbor::to_vec(&event).unwrap()));
        }
        for key in self.queues[queue].apply(&event, now) {
            self.bodies.remove(&key.get());
        }
    }

    /// The queue that the redrive policy of `queue` names, if it exists.
    fn target_of(&self, queue: usize) -> Option<usize> {
        let policy = self.queues[queue].settings().redrive.as_ref()?;
        self.arns.iter().position(|arn| *arn == policy.target)
    }

    fn told(&self, queue: usize, key: MessageKey) -> Delivery {
        let delivery = self.queues[queue].delivery(key).unwrap();
        let source = delivery.dead_letter_source;
        assert_eq!(delivery.id, message_id(key), "a message keeps its id");
        Delivery {
            number: key.get(),
            delivery: delivery.number,
            receive_count: self.mutant.receive_count(delivery.receive_count),
            sent_at: delivery.sent_at,
            first_received_at: delivery.first_received_at,
            source: source.map(|arn| self.arns.iter().position(|other| other == arn).unwrap()),
            sequence: delivery.sequence.map(longshore_engine::SequenceNumber::get),
        }
    }
}

fn queue(id: QueueId, settings: Settings, kind: Kind) -> Queue {
    match kind {
        Kind::Standard => Queue::new(id, settings),
        Kind::Fifo { by_group: false } => Queue::fifo(id, settings, DeduplicationScope::Queue),
        Kind::Fifo { by_group: true } => {
            Queue::fifo(id, settings, DeduplicationScope::MessageGroup)
        }
    }
}

/// The id that a message of that key is sent with.
fn message_id(key: MessageKey) -> MessageId {
    let mut bytes = [0; 16];
    bytes[8..].copy_from_slice(&key.get().to_be_bytes());
    MessageId::from_random(bytes)
}

fn engine_receipt(receipt: Receipt) -> longshore_engine::Receipt {
    longshore_engine::Receipt {
        queue: QueueId::new(u64::try_from(receipt.queue).unwrap() + 1),
        key: MessageKey::new(receipt.number),
        epoch: 1,
        delivery: receipt.delivery,
        received_at: receipt.received_at,
    }
}

fn refused(refusal: Refusal) -> Refused {
    match refusal {
        Refusal::OverLimit { .. } => Refused::OverLimit,
        Refusal::ReceiptOfAnotherQueue { .. } => Refused::ReceiptOfAnotherQueue,
        Refusal::ReceiptExpired { .. } => Refused::ReceiptExpired,
        Refusal::NotAvailable { .. } => Refused::NotAvailable,
        Refusal::VisibilityTooLong { .. } => Refused::VisibilityTooLong,
    }
}
