//! The transport of a process that has its broker inside: SQS requests without HTTP.
//!
//! A call of the framework becomes the same request that an SDK would have sent, so that a
//! message is checked, stored and answered for in the same way; only the network is left out.
//!
//! # Invariants
//!
//! - An answer of the broker that is its own fault says nothing about what was done, and is
//!   [`TransportError::Unknown`]: a store that failed may have kept the message. One alone promises
//!   that nothing was done: the log had no room, [`TransportError::Unavailable`].

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use longshore_broker::{Broker, Serve};
use longshore_tasks::transport::{
    Action, DeadLetterFacts, EntryFault, EntryResult, OutgoingMessage, QueueFacts, QueueHandle,
    ReceiveRequest, ReceivedMessage, RequestMeter, Result, SentMessage, Throttle,
};
use longshore_tasks::{BoxFuture, Transport, TransportError};
use longshore_types::{AttributeName, AttributeValue, MessageAttribute, QueueArn, Timestamp};
use longshore_wire::{
    BatchResultEntry, BatchResultErrorEntry, ChangeMessageVisibilityBatch,
    ChangeMessageVisibilityBatchEntry, DeleteMessageBatch, DeleteMessageBatchEntry, Fault,
    GetQueueAttributes, GetQueueUrl, RawAttribute, ReceiveMessage, SendMessageBatch,
    SendMessageBatchEntry, SqsError, SystemAttributeName,
};
use serde_json::Value;

/// What errors call the broker of this process.
const TARGET: &str = "the broker in this process";

/// Carries messages to a broker in the same process. Cheap to clone.
///
/// A client and a worker by hand, over a broker in memory. An [`App`](crate::App) does all of this by itself:
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
///
/// use longshore::broker::{Broker, BrokerOptions};
/// use longshore::queues::{QueueNames, apply, desired};
/// use longshore::tasks::{ClientOptions, MemoryStore, Store, Transport};
/// use longshore::{Client, Task, Worker, embedded::EmbeddedTransport, role::Endpoint};
/// use serde::{Deserialize, Serialize};
/// use tokio_util::sync::CancellationToken;
///
/// #[derive(Serialize, Deserialize, Task)]
/// #[task(reply = String)]
/// struct Greet(String);
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let broker = Broker::open(BrokerOptions::default()).await?;
/// let queues = desired("[queues.greetings]", &QueueNames::default())?;
/// apply(&*Endpoint::embedded(&broker).admin, &queues).await.map_err(|(_, fault)| fault)?;
///
/// let transport: Arc<dyn Transport> = Arc::new(EmbeddedTransport::new(broker.clone()));
/// let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
/// let worker = Worker::new(Arc::clone(&transport), "greetings", Arc::clone(&store))
///     .handle(async |Greet(name): Greet| Ok(format!("Hello, {name}")));
/// let shutdown = CancellationToken::new();
/// let working = tokio::spawn(worker.run(shutdown.clone()));
///
/// let client = Client::new(transport, "greetings", store, ClientOptions::default());
/// let reply = client.call(Greet("Ada".to_owned())).deadline(Duration::from_secs(20)).await?;
/// assert_eq!(reply, "Hello, Ada");
///
/// shutdown.cancel();
/// broker.release_parked(); // or the worker's receive waits for its 20 s first
/// assert_eq!(working.await??.done, 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct EmbeddedTransport {
    broker: Broker,
    meter: Arc<RequestMeter>,
    throttle: Throttle,
}

impl fmt::Debug for EmbeddedTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmbeddedTransport").finish_non_exhaustive()
    }
}

impl EmbeddedTransport {
    /// A transport to `broker`.
    pub fn new(broker: Broker) -> Self {
        Self { broker, meter: Arc::default(), throttle: Throttle::default() }
    }

    /// The requests so far, counted as SQS would bill them.
    pub fn meter(&self) -> Arc<RequestMeter> {
        Arc::clone(&self.meter)
    }

    async fn call<A: Serve>(
        &self,
        action: Action,
        queue: &str,
        payload_bytes: usize,
        request: A,
    ) -> Result<A::Reply> {
        self.meter.count(action, queue, payload_bytes);
        self.ask(action, queue, request).await
    }

    /// A call that is counted already, or will be.
    async fn ask<A: Serve>(&self, action: Action, queue: &str, request: A) -> Result<A::Reply> {
        let answer = self.broker.ask(request).await;
        answer.map_err(|error| transport_error(action, queue, error))
    }

    async fn attributes_of(&self, queue: &QueueHandle) -> Result<BTreeMap<AttributeName, String>> {
        let request = GetQueueAttributes {
            queue_url: queue.url().to_owned(),
            attribute_names: vec!["All".to_owned()],
        };
        let reply = self.call(Action::GetQueueAttributes, queue.name(), 0, request).await?;
        Ok(reply.attributes)
    }
}

impl Transport for EmbeddedTransport {
    fn meter(&self) -> Option<Arc<RequestMeter>> {
        Some(Self::meter(self))
    }

    fn throttle(&self) -> Option<Throttle> {
        Some(self.throttle.clone())
    }

    fn resolve<'a>(&'a self, queue: &'a str) -> BoxFuture<'a, Result<QueueHandle>> {
        Box::pin(async move {
            if queue.contains("://") {
                return Ok(QueueHandle::from_url(queue));
            }
            let queue_name = queue.to_owned();
            let request = GetQueueUrl { queue_name, queue_owner_aws_account_id: None };
            let reply = self.call(Action::GetQueueUrl, queue, 0, request).await?;
            Ok(QueueHandle::new(queue, &reply.queue_url))
        })
    }

    fn queue_facts<'a>(&'a self, queue: &'a QueueHandle) -> BoxFuture<'a, Result<QueueFacts>> {
        Box::pin(async move {
            let attributes = self.attributes_of(queue).await?;
            let seconds = |name| attributes.get(&name)?.parse().ok().map(Duration::from_secs);
            let visibility_timeout = seconds(AttributeName::VisibilityTimeout);
            let retention = seconds(AttributeName::MessageRetentionPeriod);
            let policy = attributes.get(&AttributeName::RedrivePolicy);
            let dead_letter = match policy.and_then(|policy| redrive_target(policy)) {
                Some((arn, receive_count_max)) => {
                    let queue = self.resolve(arn.name.as_str()).await?;
                    Some(DeadLetterFacts { queue, receive_count_max })
                }
                None => None,
            };
            Ok(QueueFacts {
                visibility_timeout: visibility_timeout.unwrap_or(Duration::from_secs(30)),
                retention: retention.unwrap_or(QueueFacts::DEFAULT_RETENTION),
                dead_letter,
            })
        })
    }

    fn send_batch<'a>(
        &'a self,
        queue: &'a QueueHandle,
        messages: Vec<OutgoingMessage>,
    ) -> BoxFuture<'a, Result<Vec<EntryResult<SentMessage>>>> {
        Box::pin(async move {
            let (count, bytes) =
                (messages.len(), messages.iter().map(OutgoingMessage::bytes).sum());
            let entries = messages.into_iter().enumerate().map(send_entry).collect();
            let request = SendMessageBatch { queue_url: queue.url().to_owned(), entries };
            let reply = self.call(Action::SendMessageBatch, queue.name(), bytes, request).await?;
            let sent = reply.successful.into_iter().map(|entry| {
                let message_id = entry.sent.message_id.to_string();
                (entry.id, SentMessage { message_id })
            });
            Ok(in_order(count, sent, reply.failed))
        })
    }

    fn receive<'a>(
        &'a self,
        queue: &'a QueueHandle,
        request: ReceiveRequest,
    ) -> BoxFuture<'a, Result<Vec<ReceivedMessage>>> {
        Box::pin(async move {
            let request = receive_request(queue, request);
            let mut metered = self.meter.receive(queue.name());
            let reply = self.ask(Action::ReceiveMessage, queue.name(), request).await?;
            let messages: Vec<_> = reply.messages.into_iter().map(received).collect();
            metered.brought(&messages);
            Ok(messages)
        })
    }

    fn delete_batch<'a>(
        &'a self,
        queue: &'a QueueHandle,
        receipts: Vec<String>,
    ) -> BoxFuture<'a, Result<Vec<EntryResult<()>>>> {
        Box::pin(async move {
            let count = receipts.len();
            let entry = |(index, receipt_handle): (usize, String)| DeleteMessageBatchEntry {
                id: Some(index.to_string()),
                receipt_handle,
            };
            let entries = receipts.into_iter().enumerate().map(entry).collect();
            let request = DeleteMessageBatch { queue_url: queue.url().to_owned(), entries };
            let reply = self.call(Action::DeleteMessageBatch, queue.name(), 0, request).await?;
            Ok(in_order(count, reply.successful.into_iter().map(done), reply.failed))
        })
    }

    fn change_visibility_batch<'a>(
        &'a self,
        queue: &'a QueueHandle,
        changes: Vec<(String, Duration)>,
    ) -> BoxFuture<'a, Result<Vec<EntryResult<()>>>> {
        Box::pin(async move {
            let count = changes.len();
            let entry = |(index, (receipt_handle, timeout)): (usize, (String, Duration))| {
                ChangeMessageVisibilityBatchEntry {
                    id: Some(index.to_string()),
                    receipt_handle,
                    visibility_timeout: Some(seconds(timeout).into()),
                }
            };
            let entries = changes.into_iter().enumerate().map(entry).collect();
            let queue_url = queue.url().to_owned();
            let request = ChangeMessageVisibilityBatch { queue_url, entries };
            let reply =
                self.call(Action::ChangeMessageVisibilityBatch, queue.name(), 0, request).await?;
            Ok(in_order(count, reply.successful.into_iter().map(done), reply.failed))
        })
    }
}

fn transport_error(action: Action, queue: &str, error: SqsError) -> TransportError {
    let target = format!("{queue} at {TARGET}");
    let message = error.to_string();
    if matches!(error, SqsError::ServiceUnavailable(_)) {
        return TransportError::Unavailable { action, target, message };
    }
    let spelling = error.spelling();
    let too_many_in_flight = action == Action::ReceiveMessage && spelling.shape == "OverLimit";
    if error == SqsError::RequestThrottled || too_many_in_flight {
        let (code, retry_after) = (spelling.shape.to_owned(), None);
        return TransportError::Throttled { action, target, code, message, retry_after };
    }
    match spelling.fault {
        Fault::Sender => {
            TransportError::Refused { action, target, code: spelling.shape.to_owned(), message }
        }
        Fault::Receiver => TransportError::Unknown { action, target, source: Box::new(error) },
    }
}

fn redrive_target(policy: &str) -> Option<(QueueArn, u32)> {
    let policy: Value = serde_json::from_str(policy).ok()?;
    let arn = QueueArn::parse(policy.get("deadLetterTargetArn")?.as_str()?).ok()?;
    let count = policy.get("maxReceiveCount")?;
    let count = count.as_u64().or_else(|| count.as_str()?.parse().ok())?;
    Some((arn, u32::try_from(count).ok()?))
}

fn send_entry((index, message): (usize, OutgoingMessage)) -> SendMessageBatchEntry {
    let attributes = message.attributes.into_iter();
    SendMessageBatchEntry {
        id: Some(index.to_string()),
        message_body: message.body,
        delay_seconds: message.delay.map(|delay| seconds(delay).into()),
        message_attributes: attributes.map(|(name, value)| (name, raw(value))).collect(),
        message_deduplication_id: message.deduplication_id,
        message_group_id: message.group_id,
        ..SendMessageBatchEntry::default()
    }
}

fn raw(attribute: MessageAttribute) -> RawAttribute {
    let data_type = Some(attribute.data_type);
    match attribute.value {
        AttributeValue::Text(text) => {
            RawAttribute { data_type, string_value: Some(text), ..RawAttribute::default() }
        }
        AttributeValue::Binary(bytes) => {
            RawAttribute { data_type, binary_value: Some(bytes), ..RawAttribute::default() }
        }
    }
}

fn receive_request(queue: &QueueHandle, request: ReceiveRequest) -> ReceiveMessage {
    ReceiveMessage {
        queue_url: queue.url().to_owned(),
        message_attribute_names: vec!["All".to_owned()],
        message_system_attribute_names: vec!["All".to_owned()],
        max_number_of_messages: Some(i64::try_from(request.count_max).unwrap_or(i64::MAX).into()),
        visibility_timeout: request.visibility_timeout.map(|timeout| seconds(timeout).into()),
        wait_time_seconds: Some(seconds(request.wait).into()),
        ..ReceiveMessage::default()
    }
}

fn received(message: longshore_wire::ReceivedMessage) -> ReceivedMessage {
    let number = |name| message.attributes.get(&name).and_then(|text| text.parse::<u64>().ok());
    let receive_count = number(SystemAttributeName::ApproximateReceiveCount).unwrap_or(1);
    ReceivedMessage {
        group_id: message.attributes.get(&SystemAttributeName::MessageGroupId).cloned(),
        trace_header: message.attributes.get(&SystemAttributeName::AwsTraceHeader).cloned(),
        message_id: message.message_id.to_string(),
        receive_count: u32::try_from(receive_count).unwrap_or(u32::MAX),
        sent_at: number(SystemAttributeName::SentTimestamp).map(Timestamp::from_millis),
        receipt_handle: message.receipt_handle,
        body: message.body,
        attributes: message.message_attributes,
    }
}

/// Whole seconds, rounded up: a lease that is a moment too long harms less than one too short.
fn seconds(duration: Duration) -> i64 {
    let whole = duration.as_secs() + u64::from(duration.subsec_nanos() > 0);
    i64::try_from(whole).unwrap_or(i64::MAX)
}

fn done(entry: BatchResultEntry) -> (String, ()) {
    (entry.id, ())
}

/// The results of a batch in the order of its entries, whose ids are their places.
fn in_order<T>(
    count: usize,
    successful: impl Iterator<Item = (String, T)>,
    failed: Vec<BatchResultErrorEntry>,
) -> Vec<EntryResult<T>> {
    let mut results: Vec<Option<EntryResult<T>>> = (0..count).map(|_| None).collect();
    let successful = successful.map(|(id, value)| (id, Ok(value)));
    let failed = failed.into_iter().map(|entry| {
        let (code, message) = (entry.code, entry.message);
        (entry.id, Err(EntryFault { code, message, sender_fault: entry.sender_fault }))
    });
    for (id, result) in successful.chain(failed) {
        let place: usize = id.parse().expect("the ids of our entries are their places");
        results[place] = Some(result);
    }
    let result = |result: Option<EntryResult<T>>| result.expect("every entry is answered");
    results.into_iter().map(result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(error: SqsError) -> TransportError {
        transport_error(Action::SendMessageBatch, "q", error)
    }

    #[test]
    fn l5_a_full_disk_is_known_to_have_kept_nothing() {
        let error = sorted(SqsError::ServiceUnavailable("no room".to_owned()));
        assert!(matches!(error, TransportError::Unavailable { .. }), "{error:?}");
        assert!(error.is_certain() && error.is_transient());
    }

    #[test]
    fn l5_a_store_that_failed_may_have_kept_the_message() {
        let error = sorted(SqsError::InternalFailure);
        assert!(matches!(error, TransportError::Unknown { .. }), "{error:?}");
    }

    #[test]
    fn l5_an_entry_is_as_certain_as_its_error() {
        let entries = [
            (SqsError::InternalFailure, false),
            (SqsError::ServiceUnavailable("no room".to_owned()), true),
            (SqsError::RequestThrottled, true),
            (SqsError::InvalidParameterValue("no".to_owned()), true),
        ];
        for (error, certain) in entries {
            let failed = vec![error.into_entry("0".to_owned())];
            let results = in_order::<()>(1, std::iter::empty(), failed);
            let fault = results[0].as_ref().unwrap_err();
            assert_eq!(fault.is_certain(), certain, "{fault}");
        }
    }
}
