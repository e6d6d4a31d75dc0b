//! Amazon SQS, or any endpoint that speaks it, over HTTP.
//!
//! A call goes down once: `convert` makes its `shapes`, `channel` signs and sends them, and `classify` reads
//! the answer or says what can be concluded from there being none. The AWS SDK finds the endpoint, the region and the
//! credentials, signs, and administers queues; messages do not pass its client, which takes a third of a
//! worker's processor time (`docs/decisions/0018-messages-travel-by-a-channel-of-our-own.md`).
//!
//! This module tries again itself, keeps the doubt of every try, and sends the same task id each time, by which a
//! receiver knows it. What was throttled it does not try again: its caller does, who knows of other calls.

mod channel;
mod classify;
mod connect;
mod convert;
mod credentials;
mod http;
mod shapes;
mod skew;

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_sqs::Client;
use bytes::Bytes;
use futures::FutureExt as _;
use serde::{Deserialize, Serialize};

pub use connect::AwsOptions;

pub use crate::aws::http::ConnectError;

use self::channel::Channel;
use self::classify::Call;
use self::connect::{ANSWER_TIMEOUT, POLL_TIMEOUT};
use self::shapes::{
    AskedAttributes, Batch, BatchAnswer, DoneEntry, FoundAttributes, FoundQueue, NamedQueue,
    ReceiptEntry, Receive, Received, SentEntry, SystemAttributes,
};
use super::{
    Action, BoxFuture, DeadLetterFacts, EntryResult, OutgoingMessage, QueueFacts, QueueHandle,
    ReceiveRequest, ReceivedMessage, RequestMeter, Result, SentMessage, Throttle, Transport,
    TransportError,
};
use crate::backoff::Backoff;

/// Tries of a call that fails in a way that can pass, and the pauses between them. Kept short:
/// somebody waits for the answer.
const TRIES: u32 = 3;
const TRY_AGAIN: Backoff = Backoff::new(Duration::from_millis(50), Duration::from_millis(100));
/// How long a receive under way is waited for at a shutdown, if the endpoint is not Amazon's.
const RECEIVE_PATIENCE: Duration = Duration::from_secs(1);

/// Carries messages over HTTP.
///
/// ```no_run
/// use std::sync::Arc;
///
/// use longshore_tasks::{AwsOptions, AwsTransport, Transport};
///
/// # async fn connect() -> Result<(), Box<dyn std::error::Error>> {
/// // Endpoint, region and credentials as for every program with an AWS SDK.
/// let transport: Arc<dyn Transport> = Arc::new(AwsTransport::connect(AwsOptions::default()).await?);
/// let queue = transport.resolve("tasks").await?;
/// println!("{}", queue.url());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct AwsTransport {
    channel: Channel,
    /// Administers queues, and is used for no message.
    client: Client,
    is_amazon: bool,
    meter: Arc<RequestMeter>,
    throttle: Throttle,
    /// What this was connected by, to connect once more.
    options: AwsOptions,
}

impl AwsTransport {
    /// Finds out where the endpoint is. Nothing is asked of it yet.
    ///
    /// # Errors
    ///
    /// [`ConnectError`] on a system that cannot speak to such an endpoint.
    pub async fn connect(options: AwsOptions) -> std::result::Result<Self, ConnectError> {
        let made = connect::connect(options.clone()).await?;
        let meter = RequestMeter::in_region(&made.region.unwrap_or_default());
        Ok(Self {
            channel: made.channel,
            client: made.client,
            is_amazon: made.is_amazon,
            meter: Arc::new(meter),
            throttle: Throttle::default(),
            options,
        })
    }

    /// Connections and credentials of its own, which are driven by the runtime that calls: what blocks another
    /// runtime keeps neither from coming.
    async fn over_own_connections(&self) -> Result<Option<Arc<dyn Transport>>> {
        let made = connect::connect(self.options.clone()).await;
        let made = made.map_err(|error| TransportError::NotSent {
            action: Action::GetQueueUrl,
            target: "the endpoint over new connections".to_owned(),
            source: error.into(),
        })?;
        Ok(Some(Arc::new(Self { channel: made.channel, ..self.clone() })))
    }

    /// The SDK's client, for administering queues. Its calls pass no meter: none is made for a
    /// message.
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// What the requests cost so far.
    pub fn meter(&self) -> Arc<RequestMeter> {
        Arc::clone(&self.meter)
    }

    /// One request and its answer, which is counted nowhere yet.
    async fn ask<T: for<'de> Deserialize<'de>>(&self, call: &Call, body: Bytes) -> Result<T> {
        let is_poll = call.action == Action::ReceiveMessage;
        let within = if is_poll { POLL_TIMEOUT } else { ANSWER_TIMEOUT };
        let answer = self.channel.ask(call.action, body, within).await;
        call.read(&answer.map_err(|error| call.unanswered(error))?)
    }

    /// Asks, and asks again where that may help; each try is counted.
    async fn ask_on<T: for<'de> Deserialize<'de>>(
        &self,
        call: &Call,
        request: &impl Serialize,
        bytes: usize,
    ) -> Result<T> {
        let body = body_of(request);
        let ask = || async {
            self.meter.count(call.action, call.target(), bytes);
            self.ask(call, body.clone()).await
        };
        persist(ask).await
    }

    async fn queue_url(&self, name: &str) -> Result<QueueHandle> {
        let call = Call::new(Action::GetQueueUrl, name);
        let found: FoundQueue = self.ask_on(&call, &NamedQueue { queue_name: name }, 0).await?;
        let url = found.queue_url.ok_or_else(|| call.without("a queue URL"))?;
        Ok(QueueHandle::new(name, &url))
    }

    async fn facts(&self, queue: &QueueHandle) -> Result<QueueFacts> {
        let call = Call::new(Action::GetQueueAttributes, queue.name());
        let attribute_names = ["VisibilityTimeout", "MessageRetentionPeriod", "RedrivePolicy"];
        let request = AskedAttributes { queue_url: queue.url(), attribute_names };
        let found: FoundAttributes = self.ask_on(&call, &request, 0).await?;
        let attributes = found.attributes.unwrap_or_default();
        let seconds = |name| attributes.get(name)?.parse().ok().map(Duration::from_secs);
        let policy = attributes.get("RedrivePolicy");
        let dead_letter = match policy.and_then(|text| convert::redrive_policy(text)) {
            Some((name, receive_count_max)) => {
                Some(DeadLetterFacts { queue: self.queue_url(&name).await?, receive_count_max })
            }
            None => None,
        };
        Ok(QueueFacts {
            visibility_timeout: seconds("VisibilityTimeout").unwrap_or(Duration::from_secs(30)),
            retention: seconds("MessageRetentionPeriod").unwrap_or(QueueFacts::DEFAULT_RETENTION),
            dead_letter,
        })
    }

    async fn send(
        &self,
        queue: &QueueHandle,
        messages: Vec<OutgoingMessage>,
    ) -> Result<Vec<EntryResult<SentMessage>>> {
        let call = Call::new(Action::SendMessageBatch, queue.name());
        let bytes = messages.iter().map(OutgoingMessage::bytes).sum();
        let entries = messages.iter().enumerate().map(convert::send_entry).collect();
        let batch = Batch { queue_url: queue.url(), entries };
        let answer: BatchAnswer<SentEntry> = self.ask_on(&call, &batch, bytes).await?;
        let (sent, failed) = answer.into_parts();
        Ok(convert::in_order(messages.len(), sent.into_iter().map(convert::sent), failed))
    }

    async fn receive_messages(
        &self,
        queue: &QueueHandle,
        request: ReceiveRequest,
    ) -> Result<Vec<ReceivedMessage>> {
        let call = Call::new(Action::ReceiveMessage, queue.name());
        let receive = Receive {
            queue_url: queue.url(),
            max_number_of_messages: request.count_max,
            wait_time_seconds: convert::seconds(request.wait),
            visibility_timeout: request.visibility_timeout.map(convert::seconds),
            message_attribute_names: ["All"],
            message_system_attribute_names: SystemAttributes::NAMES,
        };
        let mut metered = self.meter.receive(queue.name());
        let received: Received = self.ask(&call, body_of(&receive)).await?;
        let messages = received.messages.unwrap_or_default();
        let messages: Vec<_> = messages.into_iter().filter_map(convert::received).collect();
        metered.brought(&messages);
        Ok(messages)
    }

    /// A batch call about receipts, which is made once: its caller decides about another try.
    async fn settle(
        &self,
        action: Action,
        queue: &QueueHandle,
        entries: Vec<ReceiptEntry>,
    ) -> Result<Vec<EntryResult<()>>> {
        let call = Call::new(action, queue.name());
        let count = entries.len();
        self.meter.count(action, queue.name(), 0);
        let body = body_of(&Batch { queue_url: queue.url(), entries });
        let answer: BatchAnswer<DoneEntry> = self.ask(&call, body).await?;
        let (done, failed) = answer.into_parts();
        Ok(convert::in_order(count, done.into_iter().map(|entry| (entry.id, ())), failed))
    }
}

fn body_of(request: &impl Serialize) -> Bytes {
    serde_json::to_vec(request).expect("texts and numbers are JSON").into()
}

/// Makes a call again that failed in a way that can pass, unless it was throttled. If any try may have been carried out,
/// the failure of the last one does not undo that: the doubt is what is reported.
async fn persist<T, F: Future<Output = Result<T>>>(call: impl Fn() -> F) -> Result<T> {
    let mut doubt = None;
    for tries in 1.. {
        match call().await {
            Ok(answer) => return Ok(answer),
            Err(error) => {
                let throttled = matches!(error, TransportError::Throttled { .. });
                let last = tries == TRIES || !error.is_transient() || throttled;
                let doubtful = !error.is_certain();
                if last {
                    return Err(doubt.unwrap_or(error));
                }
                if doubtful {
                    doubt = Some(error);
                }
                tokio::time::sleep(TRY_AGAIN.pause(tries)).await;
            }
        }
    }
    unreachable!("the last try returns")
}

impl Transport for AwsTransport {
    /// Amazon may have put messages in flight for a receive whose caller leaves, so its end is
    /// waited for. Longshore's broker takes none for a caller that has left. Another endpoint may:
    /// what it took comes again after its visibility timeout, and nothing is lost.
    fn receive_patience(&self) -> Option<Duration> {
        (!self.is_amazon).then_some(RECEIVE_PATIENCE)
    }

    fn separated(&self) -> BoxFuture<'_, Result<Option<Arc<dyn Transport>>>> {
        self.over_own_connections().boxed()
    }

    fn meter(&self) -> Option<Arc<RequestMeter>> {
        Some(Self::meter(self))
    }

    fn throttle(&self) -> Option<Throttle> {
        Some(self.throttle.clone())
    }

    fn resolve<'a>(&'a self, queue: &'a str) -> BoxFuture<'a, Result<QueueHandle>> {
        if queue.contains("://") {
            return async move { Ok(QueueHandle::from_url(queue)) }.boxed();
        }
        self.queue_url(queue).boxed()
    }

    fn queue_facts<'a>(&'a self, queue: &'a QueueHandle) -> BoxFuture<'a, Result<QueueFacts>> {
        self.facts(queue).boxed()
    }

    fn send_batch<'a>(
        &'a self,
        queue: &'a QueueHandle,
        messages: Vec<OutgoingMessage>,
    ) -> BoxFuture<'a, Result<Vec<EntryResult<SentMessage>>>> {
        self.send(queue, messages).boxed()
    }

    fn receive<'a>(
        &'a self,
        queue: &'a QueueHandle,
        request: ReceiveRequest,
    ) -> BoxFuture<'a, Result<Vec<ReceivedMessage>>> {
        self.receive_messages(queue, request).boxed()
    }

    fn delete_batch<'a>(
        &'a self,
        queue: &'a QueueHandle,
        receipts: Vec<String>,
    ) -> BoxFuture<'a, Result<Vec<EntryResult<()>>>> {
        let entries = receipts.into_iter().enumerate().map(convert::delete_entry).collect();
        self.settle(Action::DeleteMessageBatch, queue, entries).boxed()
    }

    fn change_visibility_batch<'a>(
        &'a self,
        queue: &'a QueueHandle,
        changes: Vec<(String, Duration)>,
    ) -> BoxFuture<'a, Result<Vec<EntryResult<()>>>> {
        let entries = changes.into_iter().enumerate().map(convert::change_entry).collect();
        self.settle(Action::ChangeMessageVisibilityBatch, queue, entries).boxed()
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    fn not_sent() -> TransportError {
        let (action, target) = (Action::SendMessageBatch, "q".to_owned());
        TransportError::NotSent { action, target, source: "refused".into() }
    }

    fn unknown() -> TransportError {
        let (action, target) = (Action::SendMessageBatch, "q".to_owned());
        TransportError::Unknown { action, target, source: "reset".into() }
    }

    async fn outcome(answers: Vec<Result<()>>) -> Result<()> {
        let answers = RefCell::new(answers.into_iter());
        persist(|| {
            let next = answers.borrow_mut().next();
            async { next.expect("no more tries than answers") }
        })
        .await
    }

    #[tokio::test(start_paused = true)]
    async fn a_try_that_may_have_been_carried_out_is_not_forgotten() {
        let answer = outcome(vec![Err(unknown()), Err(not_sent()), Err(not_sent())]).await;
        assert!(matches!(answer, Err(TransportError::Unknown { .. })));
    }

    #[tokio::test(start_paused = true)]
    async fn a_send_that_never_left_is_certain_after_every_try() {
        let answer = outcome(vec![Err(not_sent()), Err(not_sent()), Err(not_sent())]).await;
        assert!(matches!(answer, Err(TransportError::NotSent { .. })));
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_throttled_is_not_tried_again_here() {
        let (action, target) = (Action::SendMessageBatch, "q".to_owned());
        let (code, message) = ("RequestThrottled".to_owned(), String::new());
        let retry_after = None;
        let throttled = TransportError::Throttled { action, target, code, message, retry_after };
        let answer = outcome(vec![Err(throttled)]).await;
        assert!(matches!(answer, Err(TransportError::Throttled { .. })));
    }

    #[tokio::test(start_paused = true)]
    async fn a_later_try_makes_good() {
        assert!(outcome(vec![Err(unknown()), Ok(())]).await.is_ok());
    }
}
