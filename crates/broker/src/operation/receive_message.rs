//! `ReceiveMessage`: the turn at the queue, and then the bodies.
//!
//! The turn answers which messages are delivered; their bodies are read from the store once the
//! answer may leave, outside the lock. A message that was deleted in between is left out. So is one whose
//! content cannot be read: it is withheld (`core/withhold.rs`), and others are looked for in its place.

use std::collections::BTreeMap;
use std::time::Duration;

use longshore_engine::{QueueId, QueueKind, Receipt};
use longshore_types::MessageAttributes;
use longshore_wire::check::{AttributeFilter, ReceiveLimits, SystemAttributeNames};
use longshore_wire::{
    Action, ReceiveMessage, ReceiveMessageReply, ReceivedMessage, SqsError, SystemAttributeName,
    check, digest,
};

use super::Serve;
use super::hand_out::hand_out;
use crate::bounds::Share;
use crate::broker::Broker;
use crate::caller::Caller;
use crate::content::Content;
use crate::core::{Asker, Delivered, Operation, ReceiveSpec, Step, Turn};
use crate::log::Room;
use crate::runtime::{Found, Runtime};

/// Bytes of texts with which a receive waits. They stay in memory as long as it does, so with more of
/// them it is answered at once: a few that wait would take the room of everybody.
const WAITING_TEXT_BYTES_MAX: usize = 64 << 10;

/// How often a receive looks for others in the place of messages that cannot be handed out.
const LOOKS_MAX: usize = 100;

/// A receive, prepared.
#[derive(Clone, Debug)]
struct Receive {
    queue_url: String,
    limits: Result<ReceiveLimits, SqsError>,
    attempt: Option<String>,
}

/// What of a message the receive asks for beside its body.
#[derive(Debug)]
pub(super) struct Wanted {
    system: SystemAttributeNames,
    attributes: AttributeFilter,
}

impl Serve for ReceiveMessage {
    /// # Cancel safety
    ///
    /// A receive that is dropped while it waits takes no message.
    async fn serve(
        self,
        broker: &Broker,
        caller: &Caller,
        share: &mut Share,
    ) -> Result<ReceiveMessageReply, SqsError> {
        let runtime = broker.runtime();
        let wanted = Wanted::of(
            &self.attribute_names,
            &self.message_system_attribute_names,
            &self.message_attribute_names,
        );
        let limits = limits(&self);
        let Self { queue_url, receive_request_attempt_id: attempt, .. } = self;
        let mut receive = Receive { queue_url, limits, attempt };
        let asker = Asker::new(caller, Self::NAME);
        let before = share.bytes();
        for _ in 0..LOOKS_MAX {
            let delivered = runtime.receive(receive.clone(), asker).await?;
            let contents = receive.contents(runtime, asker, &delivered, share).await?;
            let (messages, withheld) = hand_out(runtime, asker, &delivered, contents).await?;
            if withheld == 0 || !messages.is_empty() {
                let handle = |delivery: &Delivered| runtime.receipts().handle(&delivery.receipt);
                let message =
                    |(delivery, content)| wanted.message(delivery, handle(delivery), content);
                return Ok(ReceiveMessageReply {
                    messages: messages.into_iter().map(message).collect(),
                });
            }
            share.settle(before);
            receive = receive.for_others();
        }
        Ok(ReceiveMessageReply { messages: Vec::new() })
    }
}

impl Receive {
    /// The contents of what was delivered. If there is no room for them, it is handed back.
    async fn contents(
        &self,
        runtime: &Runtime,
        asker: Asker<'_>,
        delivered: &[Delivered],
        share: &mut Share,
    ) -> Result<Vec<Found>, SqsError> {
        let contents = runtime.contents(delivered, share).await;
        if matches!(contents, Err(SqsError::ServiceUnavailable(_))) {
            let receipts = delivered.iter().map(|message| message.receipt).collect();
            let hand_back = HandBack { queue_url: self.queue_url.clone(), receipts };
            runtime.perform(hand_back, asker).await?;
        }
        contents
    }

    /// The same once more, for other messages. It has waited already, and what it answers is not what
    /// its attempt is remembered by.
    fn for_others(self) -> Self {
        let limits =
            self.limits.map(|limits| ReceiveLimits { wait: Some(Duration::ZERO), ..limits });
        Self { limits, attempt: None, ..self }
    }
}

/// How much is asked for, and for how long it waits.
fn limits(receive: &ReceiveMessage) -> Result<ReceiveLimits, SqsError> {
    let mut limits = check::receive(receive)?;
    if receive.text_bytes() > WAITING_TEXT_BYTES_MAX {
        limits.wait = Some(Duration::ZERO);
    }
    Ok(limits)
}

impl Operation for Receive {
    type Reply = Step;

    fn room(&self) -> Room {
        Room::keep()
    }

    fn run(self, turn: &mut Turn<'_>) -> Result<Step, SqsError> {
        let id = turn.resolve(&self.queue_url)?;
        let limits = self.limits?;
        let kind = turn.queue(id)?.kind();
        let wait = match limits.wait {
            Some(wait) => wait,
            None => turn.queue(id)?.settings().receive_wait,
        };
        let spec = ReceiveSpec {
            count_max: limits.count,
            visibility: limits.visibility,
            waits: !wait.is_zero(),
            attempt: self.attempt.filter(|_| kind == QueueKind::Fifo).map(Into::into),
        };
        receive_or_park(turn, id, spec, wait)
    }
}

fn receive_or_park(
    turn: &mut Turn<'_>,
    id: QueueId,
    spec: ReceiveSpec,
    wait: Duration,
) -> Result<Step, SqsError> {
    let delivered = turn.deliver(id, &spec)?;
    if delivered.is_empty() && spec.waits {
        return Ok(Step::Park(id, spec, turn.now() + wait));
    }
    if delivered.is_empty() {
        turn.count(id, |tally| tally.empty_receives += 1);
    }
    Ok(Step::Deliver(delivered))
}

/// Makes messages available again for which there is no room on their way out.
struct HandBack {
    queue_url: String,
    receipts: Vec<Receipt>,
}

impl Operation for HandBack {
    type Reply = ();

    fn room(&self) -> Room {
        Room::keep()
    }

    fn run(self, turn: &mut Turn<'_>) -> Result<(), SqsError> {
        let id = turn.resolve(&self.queue_url)?;
        for receipt in &self.receipts {
            let decided = turn.queue(id)?.change_visibility(receipt, Duration::ZERO, turn.now());
            if let Ok(Some(event)) = decided {
                turn.commit(id, event)?;
            }
        }
        Ok(())
    }
}

impl Wanted {
    pub(super) fn of(older: &[String], system: &[String], attributes: &[String]) -> Self {
        let system = check::system_attribute_names(older, system);
        Self { system, attributes: AttributeFilter::parse(attributes) }
    }

    pub(super) fn message(
        &self,
        delivery: &Delivered,
        handle: String,
        content: Content,
    ) -> ReceivedMessage {
        let attributes = self.system_attributes(delivery, &content);
        let message_attributes = self.message_attributes(content.attributes);
        ReceivedMessage {
            message_id: delivery.id,
            receipt_handle: handle,
            md5_of_body: content.body_md5,
            body: content.body,
            attributes,
            md5_of_message_attributes: digest::attributes(&message_attributes),
            message_attributes,
        }
    }

    fn message_attributes(&self, mut attributes: MessageAttributes) -> MessageAttributes {
        attributes.retain(|name, _| self.attributes.matches(name));
        attributes
    }

    fn system_attributes(
        &self,
        delivery: &Delivered,
        content: &Content,
    ) -> BTreeMap<SystemAttributeName, String> {
        let value = |name| Some((name, system_attribute(name, delivery, content)?));
        self.system.iter().filter_map(value).collect()
    }
}

/// A system attribute's value; `None` where the message has none.
fn system_attribute(
    name: SystemAttributeName,
    delivery: &Delivered,
    content: &Content,
) -> Option<String> {
    match name {
        SystemAttributeName::SenderId => Some(content.sender.clone()),
        SystemAttributeName::SentTimestamp => Some(delivery.sent_at.to_string()),
        SystemAttributeName::ApproximateReceiveCount => Some(delivery.receive_count.to_string()),
        SystemAttributeName::ApproximateFirstReceiveTimestamp => {
            (delivery.receive_count > 0).then(|| delivery.first_received_at.to_string())
        }
        SystemAttributeName::AwsTraceHeader => content.trace_header.clone(),
        SystemAttributeName::MessageGroupId => content.group.clone(),
        SystemAttributeName::DeadLetterQueueSourceArn => {
            delivery.dead_letter_source.as_ref().map(ToString::to_string)
        }
        SystemAttributeName::SequenceNumber => delivery.sequence.map(|number| number.to_string()),
        SystemAttributeName::MessageDeduplicationId => deduplication_id(delivery, content),
    }
}

/// The deduplication id that a message has in its FIFO queue: the sender's, or, once it has moved
/// to another queue, its message id. In a standard queue it has none, which is no error.
fn deduplication_id(delivery: &Delivered, content: &Content) -> Option<String> {
    delivery.sequence?;
    if delivery.redriven || delivery.dead_letter_source.is_some() {
        return Some(delivery.id.to_string());
    }
    content.deduplication_id.clone()
}
