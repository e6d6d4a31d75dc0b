//! A receive: messages that were received too often leave for the dead-letter queue, the oldest of
//! the others are delivered.

use std::sync::Arc;
use std::time::Duration;

use longshore_engine::{
    Delivery, Event, MessageKey, Queue, QueueId, Receipt, Receive, ReceiveDecision, Repeat,
    SequenceNumber,
};
use longshore_storage::{Lsn, Purpose, ReserveError};
use longshore_types::{MessageId, QueueArn, Timestamp};
use longshore_wire::SqsError;

use super::ledger::log_failure;
use super::{Ledger, Need};
use crate::journal::Change;

/// What a receive asks of a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReceiveSpec {
    /// At most so many messages.
    pub(crate) count_max: usize,
    /// How long they stay in flight, where that is not left to the queue.
    pub(crate) visibility: Option<Duration>,
    /// Whether the receive waits: then a queue with too many in flight has nothing for it, while
    /// one that does not wait is refused.
    pub(crate) waits: bool,
    /// The id under which a receive of a FIFO queue can be repeated.
    pub(crate) attempt: Option<Arc<str>>,
}

/// A message on its way out; its body is still in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Delivered {
    pub(crate) receipt: Receipt,
    pub(crate) id: MessageId,
    /// Bytes of body and message attributes.
    pub(crate) bytes: u32,
    /// When it was sent, by the wall clock.
    pub(crate) sent_at: Timestamp,
    /// When it was first received, by the wall clock.
    pub(crate) first_received_at: Timestamp,
    pub(crate) receive_count: u32,
    pub(crate) dead_letter_source: Option<QueueArn>,
    pub(crate) sequence: Option<SequenceNumber>,
    pub(crate) redriven: bool,
}

impl Delivered {
    /// The message of a receipt, of which the engine told this; `shown` is what clients are told of a time.
    pub(crate) fn new(
        receipt: Receipt,
        told: Delivery<'_>,
        shown: impl Fn(Timestamp) -> Timestamp,
    ) -> Self {
        Self {
            receipt,
            id: told.id,
            bytes: told.bytes,
            sent_at: shown(told.sent_at),
            first_received_at: shown(told.first_received_at),
            receive_count: told.receive_count,
            dead_letter_source: told.dead_letter_source.cloned(),
            sequence: told.sequence,
            redriven: told.redriven,
        }
    }
}

/// What is delivered, and what its answer must wait for.
type DeliveredNeed = (Vec<Delivered>, Need);

impl Ledger {
    /// Delivers what `spec` asks for, with what the answer must wait for; `None` if there is nothing to deliver.
    pub(crate) fn deliver(
        &mut self,
        id: QueueId,
        spec: &ReceiveSpec,
    ) -> Result<Option<DeliveredNeed>, SqsError> {
        let delivery = self.find_delivery(id, spec)?;
        if let Some((delivered, _)) = &delivery {
            self.count(id, |tally| tally.received += delivered.len() as u64);
        }
        Ok(delivery)
    }

    fn find_delivery(
        &mut self,
        id: QueueId,
        spec: &ReceiveSpec,
    ) -> Result<Option<DeliveredNeed>, SqsError> {
        self.advance_quietly(id);
        if let Some(repeat) = self.decide_repeat(id, spec) {
            return self.commit_repeat(id, repeat);
        }
        loop {
            let target = self.dead_letter_target(id);
            let Some(decision) = self.decide_receive(id, spec, target)? else { return Ok(None) };
            let moved = !decision.dead_lettered.is_empty();
            let Some(delivered) = self.commit_receive(id, decision, target, spec)? else {
                return Ok(None);
            };
            if !delivered.0.is_empty() {
                return Ok(Some(delivered));
            }
            if !moved {
                return Ok(None);
            }
        }
    }

    fn decide_repeat(&self, id: QueueId, spec: &ReceiveSpec) -> Option<Repeat> {
        self.queue(id)?.repeat(spec.attempt.as_deref()?, spec.visibility, self.now())
    }

    fn commit_repeat(
        &mut self,
        id: QueueId,
        repeat: Repeat,
    ) -> Result<Option<DeliveredNeed>, SqsError> {
        let Repeat { event, keys, received_at, epoch } = repeat;
        if self.commit_or_block(id, vec![Change::Queue(id, event)])?.is_none() {
            return Ok(None);
        }
        Ok(Some((self.delivered(id, &keys, epoch, received_at), self.settled(id))))
    }

    /// The queue that takes what is received too often. A queue that names itself has such messages
    /// already: there is nowhere to move them to, and they are delivered again.
    pub(super) fn dead_letter_target(&self, id: QueueId) -> Option<QueueId> {
        let policy = self.queue(id)?.settings().redrive.as_ref()?;
        self.catalog().by_arn(&policy.target).filter(|target| *target != id)
    }

    fn decide_receive(
        &self,
        id: QueueId,
        spec: &ReceiveSpec,
        target: Option<QueueId>,
    ) -> Result<Option<ReceiveDecision>, SqsError> {
        let queue = self.queue(id).ok_or(SqsError::QueueDoesNotExist)?;
        let receive = Receive {
            count_max: spec.count_max,
            visibility: spec.visibility,
            dead_letter_target_exists: target.is_some(),
        };
        match queue.receive(receive, self.now()) {
            Ok(decision) => Ok(Some(decision)),
            Err(_over_limit) if spec.waits => Ok(None),
            Err(_over_limit) => Err(SqsError::too_many_in_flight()),
        }
    }

    /// Commits a receive; `None` if it must wait for room in the log.
    fn commit_receive(
        &mut self,
        id: QueueId,
        decision: ReceiveDecision,
        target: Option<QueueId>,
        spec: &ReceiveSpec,
    ) -> Result<Option<DeliveredNeed>, SqsError> {
        let delivered = decision.event.as_ref().map_or_else(Vec::new, delivered_keys);
        let mut changes = self.receive_changes(id, decision, target);
        changes.extend(self.attempted(id, spec, &delivered));
        if changes.is_empty() {
            return Ok(Some((Vec::new(), self.settled(id))));
        }
        let Some(lsn) = self.commit_or_block(id, changes)? else { return Ok(None) };
        let need = Need { durable: self.settled(id).durable, written: lsn };
        let (epoch, now) = (self.catalog().epoch(), self.now());
        Ok(Some((self.delivered(id, &delivered, epoch, now), need)))
    }

    /// Commits `changes`; `None` if the queue's waiters must wait for room in the log.
    fn commit_or_block(
        &mut self,
        id: QueueId,
        changes: Vec<Change>,
    ) -> Result<Option<Lsn>, SqsError> {
        match self.commit(changes, None, Purpose::Keep) {
            Ok(lsn) => Ok(Some(lsn)),
            Err(ReserveError::Busy) => {
                self.block(id);
                Ok(None)
            }
            Err(failure) => Err(log_failure(failure)),
        }
    }

    /// What makes the receive one that can be repeated.
    fn attempted(&self, id: QueueId, spec: &ReceiveSpec, keys: &[MessageKey]) -> Option<Change> {
        let attempt = spec.attempt.as_deref().filter(|_| !keys.is_empty())?;
        let event = self.queue(id)?.attempted(attempt, self.catalog().epoch(), keys.to_vec());
        Some(Change::Queue(id, event))
    }

    fn receive_changes(
        &self,
        id: QueueId,
        decision: ReceiveDecision,
        target: Option<QueueId>,
    ) -> Vec<Change> {
        let mut changes = Vec::with_capacity(3);
        let source = self.entry(id).map(|entry| entry.arn.clone());
        if let (false, Some(target), Some(source)) =
            (decision.dead_lettered.is_empty(), target, source)
        {
            let keys: Vec<_> = decision.dead_lettered.iter().map(|message| message.key).collect();
            if let Some(queue) = self.queue(id) {
                changes.push(Change::Queue(id, queue.dead_letter(&keys)));
                let arrival = Queue::arrive(decision.dead_lettered, source);
                changes.push(Change::Queue(target, arrival));
            }
        }
        changes.extend(decision.event.map(|event| Change::Queue(id, event)));
        changes
    }

    fn delivered(
        &self,
        id: QueueId,
        keys: &[MessageKey],
        epoch: u32,
        received_at: Timestamp,
    ) -> Vec<Delivered> {
        let Some(queue) = self.queue(id) else { return Vec::new() };
        let told = |&key: &MessageKey| {
            let told = queue.delivery(key)?;
            let receipt = Receipt { queue: id, key, epoch, delivery: told.number, received_at };
            Some(Delivered::new(receipt, told, |time| self.shown(time)))
        };
        keys.iter().filter_map(told).collect()
    }
}

fn delivered_keys(event: &Event) -> Vec<MessageKey> {
    let Event::Received { deliveries } = event else {
        unreachable!("a receive decides a receive, not {event:?}")
    };
    deliveries.iter().map(|(key, _)| *key).collect()
}
