//! Amazon SQS, or any endpoint that speaks it, through the AWS SDK.
//!
//! The SDK's own retries are off: they would hide from the meter what was asked, and from the
//! caller that an earlier try may have been carried out. This module tries again itself, keeps
//! the doubt of every try, and sends the same task id each time, by which a receiver knows it. What was
//! throttled it does not try again: its caller does, who knows of other calls.

mod classify;
mod connect;
mod convert;

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry,
    MessageSystemAttributeName, QueueAttributeName,
};
use futures::FutureExt as _;

pub use connect::AwsOptions;

pub use crate::aws::http::ConnectError;

use self::classify::{Call, classify};
use self::connect::Clients;
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

/// Carries messages by the AWS SDK.
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
    client: Client,
    /// With a time limit that a long poll fits into.
    polling_client: Client,
    is_amazon: bool,
    meter: Arc<RequestMeter>,
    throttle: Throttle,
    /// What the clients were made from, to make others like them.
    options: AwsOptions,
}

impl AwsTransport {
    /// Makes the clients. Nothing is asked of the endpoint yet.
    ///
    /// # Errors
    ///
    /// [`ConnectError`] on a system that cannot speak to such an endpoint.
    pub async fn connect(options: AwsOptions) -> std::result::Result<Self, ConnectError> {
        let made = connect::clients(options.clone()).await?;
        let region = made.client.config().region().map(ToString::to_string);
        let meter = RequestMeter::in_region(&region.unwrap_or_default());
        Ok(Self::of(made, options, Arc::new(meter), Throttle::default()))
    }

    fn of(
        made: Clients,
        options: AwsOptions,
        meter: Arc<RequestMeter>,
        throttle: Throttle,
    ) -> Self {
        let Clients { client, polling_client, is_amazon } = made;
        Self { client, polling_client, is_amazon, meter, throttle, options }
    }

    /// Clients, and so connections, of its own, which are driven by the runtime that calls.
    async fn over_own_connections(&self) -> Result<Option<Arc<dyn Transport>>> {
        let made = connect::clients(self.options.clone()).await;
        let action = Action::GetQueueUrl;
        let made = made.map_err(|error| TransportError::NotSent {
            action,
            target: "the endpoint over new connections".to_owned(),
            source: error.into(),
        })?;
        let throttle = self.throttle.clone();
        Ok(Some(Arc::new(Self::of(made, self.options.clone(), self.meter(), throttle))))
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

    async fn queue_url(&self, name: &str) -> Result<QueueHandle> {
        let call = Call::new(Action::GetQueueUrl, name);
        let ask = || async {
            self.meter.count(call.action, name, 0);
            let answer = self.client.get_queue_url().queue_name(name).send().await;
            answer.map_err(|error| classify(&call, &error))
        };
        let answer = persist(ask).await?;
        let url = answer.queue_url().ok_or_else(|| call.without("a queue URL"))?;
        Ok(QueueHandle::new(name, url))
    }

    async fn facts(&self, queue: &QueueHandle) -> Result<QueueFacts> {
        let call = Call::new(Action::GetQueueAttributes, queue.name());
        let ask = || async {
            self.meter.count(call.action, queue.name(), 0);
            let request = self.client.get_queue_attributes().queue_url(queue.url());
            let request = request.attribute_names(QueueAttributeName::VisibilityTimeout);
            let request = request.attribute_names(QueueAttributeName::MessageRetentionPeriod);
            let request = request.attribute_names(QueueAttributeName::RedrivePolicy);
            request.send().await.map_err(|error| classify(&call, &error))
        };
        let answer = persist(ask).await?;
        let attribute = |name| answer.attributes().and_then(|all| all.get(&name));
        let seconds = |name| attribute(name)?.parse().ok().map(Duration::from_secs);
        let visibility_timeout = seconds(QueueAttributeName::VisibilityTimeout);
        let retention = seconds(QueueAttributeName::MessageRetentionPeriod);
        let policy = attribute(QueueAttributeName::RedrivePolicy);
        let dead_letter = match policy.and_then(|text| convert::redrive_policy(text)) {
            Some((name, receive_count_max)) => {
                Some(DeadLetterFacts { queue: self.queue_url(&name).await?, receive_count_max })
            }
            None => None,
        };
        Ok(QueueFacts {
            visibility_timeout: visibility_timeout.unwrap_or(Duration::from_secs(30)),
            retention: retention.unwrap_or(QueueFacts::DEFAULT_RETENTION),
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
        let count = messages.len();
        let entries: Vec<_> = messages.into_iter().enumerate().map(convert::send_entry).collect();
        let ask = || async {
            self.meter.count(call.action, queue.name(), bytes);
            let request = self.client.send_message_batch().queue_url(queue.url());
            let request = request.set_entries(Some(entries.clone()));
            request.send().await.map_err(|error| classify(&call, &error))
        };
        let answer = persist(ask).await?;
        let sent = answer.successful().iter().map(convert::sent);
        Ok(convert::in_order(count, sent, answer.failed()))
    }

    async fn receive_messages(
        &self,
        queue: &QueueHandle,
        request: ReceiveRequest,
    ) -> Result<Vec<ReceivedMessage>> {
        let call = Call::new(Action::ReceiveMessage, queue.name());
        let receive = self.polling_client.receive_message().queue_url(queue.url());
        let receive = receive
            .max_number_of_messages(i32::try_from(request.count_max).unwrap_or(i32::MAX))
            .wait_time_seconds(convert::seconds(request.wait))
            .set_visibility_timeout(request.visibility_timeout.map(convert::seconds))
            .message_attribute_names("All")
            .message_system_attribute_names(MessageSystemAttributeName::ApproximateReceiveCount)
            .message_system_attribute_names(MessageSystemAttributeName::SentTimestamp)
            .message_system_attribute_names(MessageSystemAttributeName::MessageGroupId)
            .message_system_attribute_names(MessageSystemAttributeName::AwsTraceHeader);
        let mut metered = self.meter.receive(queue.name());
        let answer = receive.send().await.map_err(|error| classify(&call, &error))?;
        let messages: Vec<_> = answer.messages().iter().filter_map(convert::received).collect();
        metered.brought(&messages);
        Ok(messages)
    }

    async fn delete(
        &self,
        queue: &QueueHandle,
        receipts: Vec<String>,
    ) -> Result<Vec<EntryResult<()>>> {
        let call = Call::new(Action::DeleteMessageBatch, queue.name());
        let count = receipts.len();
        let entry = |(place, receipt): (usize, String)| {
            let entry = DeleteMessageBatchRequestEntry::builder();
            let entry = entry.id(place.to_string()).receipt_handle(receipt).build();
            entry.expect("id and receipt handle are given")
        };
        let entries: Vec<_> = receipts.into_iter().enumerate().map(entry).collect();
        self.meter.count(call.action, queue.name(), 0);
        let request = self.client.delete_message_batch().queue_url(queue.url());
        let answer = request.set_entries(Some(entries)).send().await;
        let answer = answer.map_err(|error| classify(&call, &error))?;
        let deleted = answer.successful().iter().map(|entry| (entry.id().to_owned(), ()));
        Ok(convert::in_order(count, deleted, answer.failed()))
    }

    async fn change_visibility(
        &self,
        queue: &QueueHandle,
        changes: Vec<(String, Duration)>,
    ) -> Result<Vec<EntryResult<()>>> {
        let call = Call::new(Action::ChangeMessageVisibilityBatch, queue.name());
        let count = changes.len();
        let entry = |(place, (receipt, timeout)): (usize, (String, Duration))| {
            let entry = ChangeMessageVisibilityBatchRequestEntry::builder();
            let entry = entry.id(place.to_string()).receipt_handle(receipt);
            let entry = entry.visibility_timeout(convert::seconds(timeout)).build();
            entry.expect("id and receipt handle are given")
        };
        let entries: Vec<_> = changes.into_iter().enumerate().map(entry).collect();
        self.meter.count(call.action, queue.name(), 0);
        let request = self.client.change_message_visibility_batch().queue_url(queue.url());
        let answer = request.set_entries(Some(entries)).send().await;
        let answer = answer.map_err(|error| classify(&call, &error))?;
        let done = answer.successful().iter().map(|entry| (entry.id().to_owned(), ()));
        Ok(convert::in_order(count, done, answer.failed()))
    }
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
        self.delete(queue, receipts).boxed()
    }

    fn change_visibility_batch<'a>(
        &'a self,
        queue: &'a QueueHandle,
        changes: Vec<(String, Duration)>,
    ) -> BoxFuture<'a, Result<Vec<EntryResult<()>>>> {
        self.change_visibility(queue, changes).boxed()
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
