//! The engine, driven as a broker drives it: decide, record, apply; and its log replayed.

use std::collections::BTreeSet;
use std::time::Duration;

use longshore_engine::{
    Event, MessageKey, Queue, QueueId, Receive, ReceiveDecision, Refusal, Send,
};
use longshore_model::{Delivery, Receipt, Refused};
use longshore_types::{MessageId, QueueArn, Settings, Timestamp};

use crate::mutant::Mutant;

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
}

impl Engine {
    pub(crate) fn new(
        queues: Vec<(QueueArn, Settings)>,
        in_flight_max: usize,
        mutant: Mutant,
    ) -> Self {
        let (arns, settings): (Vec<_>, Vec<_>) = queues.into_iter().unzip();
        let queues: Vec<_> = (1..)
            .zip(settings)
            .map(|(id, settings)| {
                let settings = mutant.settings(settings);
                Queue::new(QueueId::new(id), settings).with_in_flight_max(in_flight_max)
            })
            .collect();
        let founded = queues.clone();
        Self { queues, founded, arns, log: vec![], bodies: BTreeSet::new(), last_key: 0, mutant }
    }

    pub(crate) fn advance(&mut self, now: Timestamp) {
        for queue in &mut self.queues {
            for key in queue.advance(now) {
                self.bodies.remove(&key.get());
            }
        }
    }

    pub(crate) fn send(&mut self, queue: usize, delay: Option<Duration>, now: Timestamp) -> u64 {
        self.last_key += 1;
        self.bodies.insert(self.last_key);
        let key = MessageKey::new(self.last_key);
        let send = Send { key, id: id(key), bytes: 1, delay };
        let event = self.queues[queue].send(send, now);
        self.happens(queue, event, now);
        self.last_key
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
        &self,
        queue: usize,
        receive: Receive,
        now: Timestamp,
    ) -> Result<ReceiveDecision, Refusal> {
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
        let receipt = engine_receipt(receipt);
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
        assert_eq!(delivery.id, id(key), "a message keeps its id");
        Delivery {
            number: key.get(),
            delivery: delivery.number,
            receive_count: self.mutant.receive_count(delivery.receive_count),
            sent_at: delivery.sent_at,
            first_received_at: delivery.first_received_at,
            source: source.map(|arn| self.arns.iter().position(|other| other == arn).unwrap()),
        }
    }
}

/// The id that a message of that key is sent with.
fn id(key: MessageKey) -> MessageId {
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
