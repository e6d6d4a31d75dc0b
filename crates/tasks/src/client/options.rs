//! What a client can be told, for all sends and for one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use longshore_types::Timestamp;

use crate::clock::{Clock, SystemClock};
use crate::id::{RandomSource, SystemRandom, TaskId};
use crate::priority::Priority;
use crate::task_options::ReplyMode;
use crate::trace::TraceContext;

/// How long a task waits for others under load.
const LINGER: Duration = Duration::from_millis(50);
/// How long a task waits while its queue throttles sends.
const THROTTLE_PATIENCE: Duration = Duration::from_secs(5);
/// Bytes of an argument that a task's record keeps.
const ARGUMENT_KEPT_BYTES: usize = 256 * 1024;

/// What a [`Client`](super::Client) can be told.
///
/// ```
/// use std::sync::Arc;
///
/// use longshore_tasks::{Client, ClientOptions, Store, Transport};
///
/// fn client(transport: Arc<dyn Transport>, store: Arc<dyn Store>) -> Client {
///     let mut options = ClientOptions {
///         reply_queue: Some("replies".to_owned()),
///         ..ClientOptions::default()
///     };
///     // Tasks of that name go to a queue of their own; all others to `tasks`.
///     options.queues.insert("thumbnail".to_owned(), "thumbnails".to_owned());
///     Client::new(transport, "tasks", store, options)
/// }
/// ```
#[derive(Clone, Debug)]
pub struct ClientOptions {
    /// The queue that wants the replies, by name or URL; `None` leaves it to the worker.
    pub reply_queue: Option<String>,
    /// The queue of each task, by the task's name. A task that is not there goes to the queue that
    /// its options name, and else to the client's own.
    pub queues: BTreeMap<String, String>,
    /// How the replies of tasks travel, by the task's name. A task that is not there is replied to as its
    /// own options say.
    pub replies: BTreeMap<String, ReplyMode>,
    /// The queues whose tasks have a priority, by the name or URL that tasks are sent to them by. A priority
    /// for any other is refused.
    pub priorities: BTreeSet<String>,
    /// How long a result is known after its task ended.
    pub retention: Duration,
    /// Bytes of an argument that the task's record keeps, for dead letters, for "retry as new". A
    /// larger one is in the message only. 256 KiB by default.
    pub argument_kept_bytes: usize,
    /// How long a task may wait for others to share its request: 50 ms by default. Only under load: a task
    /// without company leaves at once. Zero turns it off.
    pub linger: Duration,
    /// How long a task waits, at most until its deadline, while its queue throttles sends: 5 s by default. If
    /// the queue takes none for longer, that is said at once, by [`SendError::Throttled`](super::SendError::Throttled).
    pub throttle_patience: Duration,
    /// Tells the time that messages bear.
    pub clock: Arc<dyn Clock>,
    /// Where task ids come from.
    pub random: Arc<dyn RandomSource>,
}

impl Default for ClientOptions {
    /// The system's clock and random numbers, and no queue for replies. A result is known for as
    /// long as its worker keeps it.
    fn default() -> Self {
        Self {
            reply_queue: None,
            queues: BTreeMap::new(),
            replies: BTreeMap::new(),
            priorities: BTreeSet::new(),
            retention: Duration::MAX,
            argument_kept_bytes: ARGUMENT_KEPT_BYTES,
            linger: LINGER,
            throttle_patience: THROTTLE_PATIENCE,
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandom),
        }
    }
}

/// How one task is sent.
///
/// As one value, for [`Client::send_all_with`](super::Client::send_all_with); [`SendTask`](super::SendTask) has a
/// method for each.
///
/// ```
/// use std::time::Duration;
///
/// use longshore_tasks::{Client, SendError, SendOptions, Task};
///
/// /// Sends tasks a second apart.
/// async fn spread<T: Task>(client: &Client, tasks: Vec<T>) -> Result<(), SendError> {
///     let delayed = (0..).zip(tasks).map(|(place, task)| {
///         let delay = Some(Duration::from_secs(place));
///         (task, SendOptions { delay, ..SendOptions::default() })
///     });
///     client.send_all_with(delayed.collect()).await.into_iter().try_for_each(|sent| sent.map(drop))
/// }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SendOptions {
    /// How long the message is delayed: up to 15 minutes, rounded up to whole seconds. Not on FIFO queues.
    pub delay: Option<Duration>,
    /// The message group: what a FIFO queue keeps in order, and a standard queue shares its workers
    /// out by. 1 to 128 ASCII letters, digits and punctuation. By default the task's own key; on a
    /// FIFO queue without one, a group for each task.
    pub key: Option<String>,
    /// What the task can be found by in the list of tasks.
    pub tags: Vec<String>,
    /// An id of the caller's own. A second send with the same id is the same task.
    pub id: Option<TaskId>,
    /// When the task is no longer wanted: a worker that receives it later ends it as FAILED.
    pub deadline: Option<Timestamp>,
    /// The W3C trace context that the task continues. What is none is ignored.
    pub traceparent: Option<String>,
    /// The W3C `tracestate` beside it. What is malformed, or longer than 512 characters, is ignored.
    pub tracestate: Option<String>,
    /// How soon the task is to be run, where its queue has levels; normal, if nothing is said.
    pub priority: Option<Priority>,
}

impl SendOptions {
    /// These options, of a task that continues that trace context.
    pub(crate) fn in_trace(self, trace: &TraceContext) -> Self {
        let traceparent = Some(trace.parent.to_string());
        let tracestate = trace.state.as_ref().map(ToString::to_string);
        Self { traceparent, tracestate, ..self }
    }
}
