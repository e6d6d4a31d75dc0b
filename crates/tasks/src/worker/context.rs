//! What a handler knows of the run beside the argument.

use std::sync::Arc;

use longshore_types::Timestamp;
use tokio_util::sync::CancellationToken;
use tracing::Span;

use super::heartbeat::ProgressNote;
use crate::client::{Client, Pending, SendError, SendOptions, SendTask};
use crate::clock::{Clock, SystemClock};
use crate::id::TaskId;
use crate::task::Task;
use crate::trace::{TraceContext, TraceParent, TraceState};

/// What a handler knows of the run beside the argument. Cheap to clone.
///
/// ```
/// use longshore_tasks::{Context, Failure, Json, Task, TaskId};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize)]
/// struct Copy(Vec<String>);
///
/// impl Task for Copy {
///     const NAME: &'static str = "copy";
///     type Reply = usize;
///     type Codec = Json;
/// }
///
/// async fn copy(Copy(files): Copy, ctx: Context) -> Result<usize, Failure> {
///     for (done, file) in files.iter().enumerate() {
///         if ctx.is_cancelled() {
///             return Err(Failure::discard("no longer wanted"));
///         }
///         ctx.progress(u8::try_from(done * 100 / files.len())?, file);
///     }
///     Ok(files.len())
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// // A test calls the handler as it is.
/// let ctx = Context::detached(TaskId::parse("t-1").unwrap());
/// assert_eq!(copy(Copy(vec!["a".to_owned()]), ctx.clone()).await.unwrap(), 1);
/// ctx.cancelled().cancel();
/// assert!(copy(Copy(vec!["a".to_owned()]), ctx).await.is_err());
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Context {
    inner: Arc<Inner>,
}

/// The parts of a [`Context`].
#[derive(Clone, Debug)]
pub(super) struct Inner {
    pub(super) task_id: TaskId,
    pub(super) attempt: u32,
    pub(super) receive_count: u32,
    pub(super) created_at: Option<Timestamp>,
    pub(super) deadline: Option<Timestamp>,
    /// Where the run is in a trace, or, if that is not exported, where who sent the task was.
    pub(super) trace: Option<TraceContext>,
    /// What log lines about the run name.
    pub(super) log_span: Span,
    pub(super) cancelled: CancellationToken,
    pub(super) progress: ProgressNote,
    pub(super) client: Option<Client>,
    pub(super) clock: Arc<dyn Clock>,
}

impl Context {
    pub(super) fn new(inner: Inner) -> Self {
        Self { inner: Arc::new(inner) }
    }

    /// A context of no worker, to call a handler in a test: the first attempt, never cancelled.
    pub fn detached(task_id: TaskId) -> Self {
        Self::new(Inner {
            task_id,
            attempt: 1,
            receive_count: 1,
            created_at: None,
            deadline: None,
            trace: None,
            log_span: Span::none(),
            cancelled: CancellationToken::new(),
            progress: ProgressNote::default(),
            client: None,
            clock: Arc::new(SystemClock),
        })
    }

    /// The same context at another attempt, counted from 1.
    #[must_use]
    pub fn at_attempt(self, attempt: u32) -> Self {
        Self::new(Inner { attempt, ..Arc::unwrap_or_clone(self.inner) })
    }

    /// The same context with a client that tasks are sent by.
    #[must_use]
    pub fn with_client(self, client: Client) -> Self {
        Self::new(Inner { client: Some(client), ..Arc::unwrap_or_clone(self.inner) })
    }

    /// The same context by another clock: see [`Context::now`].
    #[must_use]
    pub fn with_clock(self, clock: Arc<dyn Clock>) -> Self {
        Self::new(Inner { clock, ..Arc::unwrap_or_clone(self.inner) })
    }

    /// The task's id: the same at every attempt, so a key for effects elsewhere.
    pub fn task_id(&self) -> &TaskId {
        &self.inner.task_id
    }

    /// Which attempt this is, from 1.
    pub fn attempt(&self) -> u32 {
        self.inner.attempt
    }

    /// How often the queue has delivered the message, this time included.
    pub fn receive_count(&self) -> u32 {
        self.inner.receive_count
    }

    /// The time by the worker's clock, which is the test's own in a test: so a handler that asks here, and not
    /// the system, can be tested for what it does in a week.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use longshore_tasks::{Context, Failure};
    /// # struct Remind { days: u32 }
    ///
    /// /// SQS delays a message by 15 minutes at most: what is to be done later is put off until then.
    /// async fn remind(task: Remind, ctx: Context) -> Result<(), Failure> {
    ///     let due = ctx.created_at().unwrap_or(ctx.now()) + Duration::from_secs(86_400) * task.days;
    ///     if ctx.now() < due {
    ///         return Err(Failure::snooze(due.since(ctx.now())));
    ///     }
    ///     Ok(())
    /// }
    /// ```
    pub fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    /// When the sender made the task, if it said so.
    pub fn created_at(&self) -> Option<Timestamp> {
        self.inner.created_at
    }

    /// When the task is no longer wanted, if its sender said so.
    pub fn deadline(&self) -> Option<Timestamp> {
        self.inner.deadline
    }

    /// The place in a trace that what the handler does goes on from, if the task is in one: for a call of another
    /// service, say. It is where the run is, if spans are exported, else what the sender sent.
    pub fn traceparent(&self) -> Option<TraceParent> {
        self.trace().map(|trace| trace.parent)
    }

    /// What the tracers on the way to [`traceparent`](Self::traceparent) have noted: W3C `tracestate`.
    pub fn tracestate(&self) -> Option<&TraceState> {
        self.trace()?.state.as_ref()
    }

    /// Where the run is in a trace.
    pub(super) fn trace(&self) -> Option<&TraceContext> {
        self.inner.trace.as_ref()
    }

    /// What log lines about the run name.
    pub(super) fn log_span(&self) -> &Span {
        &self.inner.log_span
    }

    /// Cancelled when the run is given up: its lease was lost, somebody asked for its end, it took longer than
    /// its timeout or than SQS allows, or the worker stops and its grace period is over. An asynchronous handler
    /// is dropped then; a blocking one, and work that was started elsewhere, can look here. A run that has ended
    /// by itself is not cancelled.
    pub fn cancelled(&self) -> &CancellationToken {
        &self.inner.cancelled
    }

    /// Whether the run was given up: see [`Context::cancelled`]. What a handler returns then goes nowhere.
    pub fn is_cancelled(&self) -> bool {
        self.inner.cancelled.is_cancelled()
    }

    /// Says how far the task is: `percent` of 100, and what it does. The task's record shows it
    /// within a few seconds; of several notes in that time the last.
    pub fn progress(&self, percent: u8, note: impl Into<String>) {
        self.inner.progress.set(percent.min(100), note.into());
    }

    /// The client that this worker's tasks are sent by, if it was given one.
    pub fn client(&self) -> Option<&Client> {
        self.inner.client.as_ref()
    }

    /// Sends another task, which continues the trace of this one.
    ///
    /// # Panics
    ///
    /// In a worker, or a test, that was given no client: see [`Context::client`].
    pub fn send<T: Task>(&self, task: T) -> SendTask<T> {
        let send = self.sender().send(task);
        match self.trace() {
            Some(trace) => send.trace(trace),
            None => send,
        }
    }

    /// Sends further tasks, packed into batches of as many as fit, and answers for each in its place. Each continues the
    /// trace of this one.
    ///
    /// ```
    /// use longshore_tasks::{Context, Failure, Task};
    ///
    /// /// One task for each page of a book.
    /// async fn split<T: Task>(pages: Vec<T>, ctx: Context) -> Result<usize, Failure> {
    ///     let mut sent = 0;
    ///     for page in ctx.send_all(pages).await {
    ///         page?;
    ///         sent += 1;
    ///     }
    ///     Ok(sent)
    /// }
    /// ```
    ///
    /// # Panics
    ///
    /// As of [`Context::send`].
    pub async fn send_all<T: Task>(
        &self,
        tasks: impl IntoIterator<Item = T>,
    ) -> Vec<Result<Pending<T>, SendError>> {
        let options = self.trace().map(|trace| SendOptions::default().in_trace(trace));
        let with_trace = |task| (task, options.clone().unwrap_or_default());
        self.sender().send_all_with(tasks.into_iter().map(with_trace).collect()).await
    }

    fn sender(&self) -> &Client {
        self.client().expect("the worker was given a client to send tasks by")
    }
}
