//! `client.send(task).delay(…).await`, and `client.call(task).deadline(…).await`.

use std::future::IntoFuture;
use std::time::Duration;

use futures::FutureExt as _;
use longshore_types::Timestamp;

use super::pending::{Pending, ReplyError};
use super::{Client, SendError, SendOptions};
use crate::id::TaskId;
use crate::priority::Priority;
use crate::task::Task;
use crate::trace::TraceContext;
use crate::transport::BoxFuture;

/// A task that is sent once this is awaited.
///
/// ```
/// use std::error::Error;
/// use std::time::Duration;
///
/// use longshore_tasks::{Client, Task, TaskId};
///
/// async fn remind<T: Task>(client: &Client, mail: T, invoice: u64) -> Result<(), Box<dyn Error>> {
///     // Sent when it is awaited. A second call for the same invoice is the same task.
///     let pending = client
///         .send(mail)
///         .id(TaskId::parse(&format!("reminder-{invoice}"))?)
///         .delay(Duration::from_secs(10 * 60))
///         .tag("reminders")
///         .await?;
///     println!("ask for {} later", pending.id());
///     Ok(())
/// }
/// ```
#[derive(Debug)]
#[must_use = "a task is sent when this is awaited"]
pub struct SendTask<T: Task> {
    client: Client,
    task: T,
    options: SendOptions,
}

/// A task whose reply is waited for, once this is awaited.
///
/// ```
/// use std::time::Duration;
///
/// use longshore_tasks::{Client, ReplyError, Task};
///
/// async fn price<T: Task<Reply = u64>>(client: &Client, ask: T) -> Result<Option<u64>, ReplyError> {
///     match client.call(ask).deadline(Duration::from_secs(5)).tag("quotes").await {
///         Ok(price) => Ok(Some(price)),
///         // No worker begins it any more; one that has begun goes on.
///         Err(ReplyError::TimedOut { .. }) => Ok(None),
///         Err(error) => Err(error),
///     }
/// }
/// ```
#[derive(Debug)]
#[must_use = "a task is sent when this is awaited"]
pub struct CallTask<T: Task> {
    send: SendTask<T>,
    patience: Duration,
}

/// How long a call waits for its reply if nobody says.
const PATIENCE: Duration = Duration::from_secs(30);

impl<T: Task> SendTask<T> {
    pub(super) fn new(client: Client, task: T) -> Self {
        Self { client, task, options: SendOptions::default() }
    }

    /// All of its options at once.
    pub fn options(self, options: SendOptions) -> Self {
        Self { options, ..self }
    }

    /// Delays the message: up to 15 minutes, rounded up to whole seconds. Not on FIFO queues.
    pub fn delay(mut self, delay: Duration) -> Self {
        self.options.delay = Some(delay);
        self
    }

    /// The message group, instead of the task's own key; see [`SendOptions::key`].
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.options.key = Some(key.into());
        self
    }

    /// Something that the task can be found by. Can be called again for another.
    pub fn tag(mut self, tag: impl Into<String>) -> Self {
        self.options.tags.push(tag.into());
        self
    }

    /// An id of the caller's own. A second send with the same id is the same task.
    pub fn id(mut self, id: TaskId) -> Self {
        self.options.id = Some(id);
        self
    }

    /// When the task is no longer wanted: a worker that receives it later ends it as FAILED.
    pub fn deadline(mut self, deadline: Timestamp) -> Self {
        self.options.deadline = Some(deadline);
        self
    }

    /// How soon the task is to be run, among those of its queue; normal, if nothing is said. A queue that
    /// was given no levels refuses it.
    ///
    /// ```
    /// use longshore_tasks::{Client, Priority, SendError, Task};
    ///
    /// async fn send<T: Task>(client: &Client, urgent: T, rest: T) -> Result<(), SendError> {
    ///     client.send(urgent).priority(Priority::High).await?;
    ///     client.send(rest).priority(Priority::Low).await?;
    ///     Ok(())
    /// }
    /// ```
    pub fn priority(mut self, priority: Priority) -> Self {
        self.options.priority = Some(priority);
        self
    }

    /// The W3C trace context that the task continues, in place of any other. What is none is ignored.
    pub fn traceparent(mut self, traceparent: impl Into<String>) -> Self {
        self.options.traceparent = Some(traceparent.into());
        self.options.tracestate = None;
        self
    }

    /// The W3C `tracestate` beside it, said after it. What is malformed, or longer than 512 characters, is ignored.
    pub fn tracestate(mut self, tracestate: impl Into<String>) -> Self {
        self.options.tracestate = Some(tracestate.into());
        self
    }

    /// The trace context that the task continues.
    pub(crate) fn trace(self, trace: &TraceContext) -> Self {
        Self { options: self.options.in_trace(trace), ..self }
    }
}

impl<T: Task> IntoFuture for SendTask<T> {
    type Output = Result<Pending<T>, SendError>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        let Self { client, task, options } = self;
        async move {
            let mut answers = client.send_all_with(vec![(task, options)]).await;
            answers.pop().expect("every task is answered for")
        }
        .boxed()
    }
}

impl<T: Task> CallTask<T> {
    pub(super) fn new(send: SendTask<T>) -> Self {
        Self { send, patience: PATIENCE }
    }

    /// How long the reply is waited for: 30 s by default. The task is no longer wanted after that:
    /// a worker that receives it later does not run it.
    pub fn deadline(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// How the task is sent: all of it at once.
    pub fn options(self, options: SendOptions) -> Self {
        Self { send: self.send.options(options), ..self }
    }

    /// The message group; see [`SendTask::key`].
    pub fn key(self, key: impl Into<String>) -> Self {
        Self { send: self.send.key(key), ..self }
    }

    /// Something that the task can be found by; see [`SendTask::tag`].
    pub fn tag(self, tag: impl Into<String>) -> Self {
        Self { send: self.send.tag(tag), ..self }
    }

    /// An id of the caller's own; see [`SendTask::id`]. A second call with the same id waits for the same task.
    pub fn id(self, id: TaskId) -> Self {
        Self { send: self.send.id(id), ..self }
    }

    /// How soon the task is to be run; see [`SendTask::priority`].
    pub fn priority(self, priority: Priority) -> Self {
        Self { send: self.send.priority(priority), ..self }
    }
}

impl<T: Task> IntoFuture for CallTask<T> {
    type Output = Result<T::Reply, ReplyError>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        let Self { mut send, patience } = self;
        async move {
            let deadline = send.client.now() + patience;
            send.options.deadline.get_or_insert(deadline);
            send.await?.reply(patience).await
        }
        .boxed()
    }
}
