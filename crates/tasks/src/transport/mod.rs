//! The few calls of SQS that the framework makes, behind one trait.
//!
//! A transport carries messages and judges nothing: it splits no batch, retries no entry and
//! reads no attribute. It makes no call again that was throttled. Every batch call answers for each of its entries, in their order.
//!
//! # Invariants
//!
//! - [`Transport::resolve`] is asked once for a queue, when a role starts or first sends to it, and
//!   [`Transport::queue_facts`] then and every five minutes of a worker; neither for each message.
//! - Every call is billed somewhere: a transport counts each try in its [`RequestMeter`], on the task that
//!   made the call, where the meter finds what it is for.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use longshore_types::{MessageAttributes, Timestamp};

use crate::id::{TaskId, fifo_id};

#[cfg(feature = "aws")]
pub mod aws;
pub mod failure;
pub mod meter;
pub(crate) mod throttle;

pub use failure::{EntryFault, EntryResult, Result, TransportError};
pub use futures::future::BoxFuture;
pub use meter::{Action, Purpose, RequestMeter, RequestReport, Requests};
pub(crate) use throttle::Gated;
pub use throttle::Throttle;

/// An error of any kind, kept as the cause of one of ours.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// A queue that was found: its name, and the URL that calls name it by. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QueueHandle {
    name: Arc<str>,
    url: Arc<str>,
}

impl QueueHandle {
    /// The queue `name` at `url`.
    pub fn new(name: &str, url: &str) -> Self {
        Self { name: name.into(), url: url.into() }
    }

    /// The queue at `url`, which ends in the queue's name.
    pub fn from_url(url: &str) -> Self {
        let name = url.trim_end_matches('/').rsplit('/').next().unwrap_or(url);
        Self::new(name, url)
    }

    /// The queue's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The queue's URL.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Whether the queue is a FIFO queue, which its name tells.
    pub fn is_fifo(&self) -> bool {
        self.name.ends_with(".fifo")
    }
}

/// What a worker has to know of a queue, asked when it starts and every five minutes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueFacts {
    /// How long a received message stays in flight.
    pub visibility_timeout: Duration,
    /// How long a message is kept: `MessageRetentionPeriod`.
    pub retention: Duration,
    /// Where messages go that were received too often, if anywhere.
    pub dead_letter: Option<DeadLetterFacts>,
}

impl QueueFacts {
    /// How long SQS keeps messages where nothing else is said: four days.
    pub const DEFAULT_RETENTION: Duration = Duration::from_secs(4 * 24 * 3600);
}

/// Where a queue's messages go that were received too often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetterFacts {
    /// The dead-letter queue.
    pub queue: QueueHandle,
    /// `maxReceiveCount`: the receives that a message gets; the next one dead-letters it.
    pub receive_count_max: u32,
}

/// A message to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutgoingMessage {
    /// The body.
    pub body: String,
    /// The message attributes.
    pub attributes: MessageAttributes,
    /// How long the message is delayed; `None` leaves it to the queue. Whole seconds, at most 15
    /// minutes; FIFO queues allow none.
    pub delay: Option<Duration>,
    /// The message group, on FIFO queues.
    pub group_id: Option<String>,
    /// The deduplication id, on FIFO queues.
    pub deduplication_id: Option<String>,
}

impl OutgoingMessage {
    /// A message for a standard queue.
    pub fn new(body: impl Into<String>, attributes: MessageAttributes) -> Self {
        let body = body.into();
        Self { body, attributes, delay: None, group_id: None, deduplication_id: None }
    }

    /// The message with the ids that `queue` wants: on a FIFO queue the task's own message group,
    /// so that tasks do not wait for one another, and a deduplication id, both shortened to what SQS
    /// allows if need be; on a standard one none.
    #[must_use]
    pub fn in_group_of(mut self, queue: &QueueHandle, task: &TaskId, deduplication: &str) -> Self {
        if queue.is_fifo() {
            self.group_id = Some(fifo_id(task.as_str()));
            self.deduplication_id = Some(fifo_id(deduplication));
        }
        self
    }

    /// The bytes that SQS counts towards the size of a message and of a batch.
    pub fn bytes(&self) -> usize {
        longshore_types::message::message_bytes(&self.body, &self.attributes)
    }
}

/// A message that was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentMessage {
    /// The id that SQS gave it.
    pub message_id: String,
}

/// A message that was received, and the receipt to answer for it by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceivedMessage {
    /// The id that SQS gave it.
    pub message_id: String,
    /// What delete and change visibility name this delivery by.
    pub receipt_handle: String,
    /// The body.
    pub body: String,
    /// Every message attribute.
    pub attributes: MessageAttributes,
    /// `ApproximateReceiveCount`, this receive included.
    pub receive_count: u32,
    /// `SentTimestamp`, if the endpoint told it.
    pub sent_at: Option<Timestamp>,
    /// `MessageGroupId`, if the message has one.
    pub group_id: Option<String>,
    /// `AWSTraceHeader`, if whoever sent the message is traced by X-Ray.
    pub trace_header: Option<String>,
}

impl ReceivedMessage {
    /// The bytes that SQS counts towards the size of a message, and bills.
    pub fn bytes(&self) -> usize {
        longshore_types::message::message_bytes(&self.body, &self.attributes)
    }
}

/// What a receive asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceiveRequest {
    /// Messages at most: 1 to 10.
    pub count_max: usize,
    /// How long the receive waits for a first message: up to 20 s.
    pub wait: Duration,
    /// How long the messages stay in flight; `None` leaves it to the queue.
    pub visibility_timeout: Option<Duration>,
}

/// Carries messages to queues and from them: `AwsTransport` over HTTP, and
/// `longshore::embedded::EmbeddedTransport` to a broker in the same process.
///
/// # Cancel safety
///
/// A dropped call may have been carried out. A dropped receive may have put messages in flight
/// that nobody holds, until their visibility timeout ends: let a receive finish, and hand back
/// what it brings, unless [`Transport::receive_patience`] says otherwise.
pub trait Transport: Debug + Send + Sync + 'static {
    /// How long a role that is told to stop waits for its receive under way before it drops it;
    /// `None`, the default, for as long as the receive takes.
    ///
    /// Zero is for a transport whose receive takes no message when its caller leaves. What comes
    /// within the patience is handed back.
    fn receive_patience(&self) -> Option<Duration> {
        None
    }

    /// A transport to the same endpoint over connections of its own, for
    /// `<dyn Transport>::separate`; `None`, the default, where this one has no connections and will
    /// do. The requests of both are counted together.
    ///
    /// # Errors
    ///
    /// [`TransportError::NotSent`]: connections cannot be made.
    fn separated(&self) -> BoxFuture<'_, Result<Option<Arc<dyn Transport>>>> {
        Box::pin(async { Ok(None) })
    }

    /// What the requests of this transport are counted in, for whoever shows them; `None`, the default, if
    /// they are not.
    fn meter(&self) -> Option<Arc<RequestMeter>> {
        None
    }

    /// What is known of queues that throttle, for the clients and workers of this transport to share; `None`,
    /// the default, if each is to find it out by itself.
    fn throttle(&self) -> Option<Throttle> {
        None
    }

    /// Finds a queue by its name; what looks like a URL is taken as the queue's URL, unasked.
    fn resolve<'a>(&'a self, queue: &'a str) -> BoxFuture<'a, Result<QueueHandle>>;

    /// Asks what a worker has to know of a queue.
    fn queue_facts<'a>(&'a self, queue: &'a QueueHandle) -> BoxFuture<'a, Result<QueueFacts>>;

    /// Sends up to ten messages of 1 MiB together.
    fn send_batch<'a>(
        &'a self,
        queue: &'a QueueHandle,
        messages: Vec<OutgoingMessage>,
    ) -> BoxFuture<'a, Result<Vec<EntryResult<SentMessage>>>>;

    /// Receives messages with all their attributes; none came if the answer is empty.
    fn receive<'a>(
        &'a self,
        queue: &'a QueueHandle,
        request: ReceiveRequest,
    ) -> BoxFuture<'a, Result<Vec<ReceivedMessage>>>;

    /// Deletes up to ten messages by their receipt handles.
    fn delete_batch<'a>(
        &'a self,
        queue: &'a QueueHandle,
        receipts: Vec<String>,
    ) -> BoxFuture<'a, Result<Vec<EntryResult<()>>>>;

    /// Sets how long, from now, up to ten messages stay in flight; zero makes them available.
    fn change_visibility_batch<'a>(
        &'a self,
        queue: &'a QueueHandle,
        changes: Vec<(String, Duration)>,
    ) -> BoxFuture<'a, Result<Vec<EntryResult<()>>>>;
}

impl dyn Transport {
    /// The same endpoint over connections that no other runtime drives, so that calls go on while
    /// the rest of the program stands still. To be awaited, and used, on the runtime that shall
    /// drive them.
    ///
    /// # Errors
    ///
    /// [`TransportError::NotSent`]: connections cannot be made.
    pub async fn separate(self: Arc<Self>) -> Result<Arc<dyn Transport>> {
        let separated = self.separated().await?;
        Ok(separated.unwrap_or(self))
    }
}
