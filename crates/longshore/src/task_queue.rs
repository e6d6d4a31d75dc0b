//! A queue of tasks, as an application says it: its handlers, and how they run.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use longshore_tasks::{
    BatchHandler, BatchOptions, BlockingHandler, Handler, Handlers, Outcome, Priorities,
    RetryPolicy, Task, TaskOptions, TaskRun, TaskRunner, Worker,
};
use tower::{Layer, Service};

use crate::options::TaskOverride;

/// A queue of tasks: its handlers, and how they run. [`App::queue`](crate::App::queue) makes one.
///
/// ```
/// use std::time::Duration;
///
/// use longshore::{App, Context, Failure, RetryPolicy, Task};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Debug, Serialize, Deserialize, Task)]
/// #[task(reply = u64)]
/// struct Scan {
///     path: String,
/// }
///
/// #[derive(Debug, Serialize, Deserialize, Task)]
/// struct Forget {
///     path: String,
/// }
///
/// /// Reads a file on a thread of its own: registered as blocking.
/// fn scan(task: Scan) -> Result<u64, Failure> {
///     Ok(std::fs::metadata(task.path)?.len())
/// }
///
/// async fn forget(task: Forget, ctx: Context) -> Result<(), Failure> {
///     tracing::info!(path = task.path, attempt = ctx.attempt(), "forgotten");
///     Ok(())
/// }
///
/// let app = App::new("scanner").queue("files", |queue| {
///     queue
///         .handle_blocking(scan)
///         .handle(forget)
///         .concurrency(4)
///         .retry(RetryPolicy::default().attempts(3))
///         .visibility_timeout(Duration::from_secs(60))
/// });
/// # let names = app.names(&Default::default()).unwrap();
/// # assert_eq!(names.task_queues[0].as_str(), "files");
/// ```
pub struct TaskQueue<S = ()> {
    pub(crate) name: String,
    pub(crate) handlers: Handlers<S>,
    pub(crate) priorities: Option<Priorities>,
    concurrency: Option<usize>,
    retry: Option<RetryPolicy>,
    visibility_timeout: Option<Duration>,
    lease_max: Option<Duration>,
    unknown_patience: Option<Duration>,
    allowed_reply_queues: Vec<String>,
    layers: Vec<AddLayer>,
}

/// Puts a layer around what a worker runs.
type AddLayer = Arc<dyn Fn(Worker) -> Worker + Send + Sync>;

impl<S: Clone + Send + Sync + 'static> TaskQueue<S> {
    pub(crate) fn new(name: String) -> Self {
        Self {
            name,
            handlers: Handlers::new(),
            priorities: None,
            concurrency: None,
            retry: None,
            visibility_timeout: None,
            lease_max: None,
            unknown_patience: None,
            allowed_reply_queues: Vec::new(),
            layers: Vec::new(),
        }
    }

    /// Runs the tasks of a handler's type by it: see [`Handler`] for what it can be. The first
    /// handler's task is also what a message without a task name is.
    #[must_use]
    pub fn handle<T: Task, M, H: Handler<T, M, S>>(mut self, handler: H) -> Self {
        self.handlers = self.handlers.handle(handler);
        self
    }

    /// Runs tasks by a handler that blocks its thread: on threads that are there for it.
    #[must_use]
    pub fn handle_blocking<T: Task, M, H: BlockingHandler<T, M, S>>(mut self, handler: H) -> Self {
        self.handlers = self.handlers.handle_blocking(handler);
        self
    }

    /// Runs tasks by a handler of several at once, of up to 10, the first of which waits for up to 100 ms: see
    /// [`BatchHandler`] for what it can be, and what becomes of its tasks.
    ///
    /// ```
    /// use longshore::{App, Failure, Task};
    /// use serde::{Deserialize, Serialize};
    ///
    /// #[derive(Debug, Serialize, Deserialize, Task)]
    /// #[task(reply = u64)]
    /// struct Order {
    ///     number: u64,
    /// }
    ///
    /// async fn store(orders: Vec<Order>) -> Vec<Result<u64, Failure>> {
    ///     // One statement for all of them, and a result for each in its place.
    ///     orders.into_iter().map(|order| Ok(order.number)).collect()
    /// }
    ///
    /// let app = App::new("shop")
    ///     .queues("[queues.orders]")
    ///     .queue("orders", |queue| queue.handle_batch(store));
    /// # drop(app);
    /// ```
    #[must_use]
    pub fn handle_batch<T: Task, M, H: BatchHandler<T, M, S>>(mut self, handler: H) -> Self {
        self.handlers = self.handlers.handle_batch(handler);
        self
    }

    /// As [`TaskQueue::handle_batch`], with batches as `options` say. A batch has never more tasks than
    /// [`TaskQueue::concurrency`].
    #[must_use]
    pub fn handle_batch_with<T: Task, M, H: BatchHandler<T, M, S>>(
        mut self,
        handler: H,
        options: BatchOptions,
    ) -> Self {
        self.handlers = self.handlers.handle_batch_with(handler, options);
        self
    }

    /// Takes a message without a task name for a `T`.
    #[must_use]
    pub fn default_task<T: Task>(mut self) -> Self {
        self.handlers = self.handlers.default_task::<T>();
        self
    }

    /// Overrides the options of the tasks of type `T`.
    #[must_use]
    pub fn options<T: Task>(mut self, options: TaskOptions) -> Self {
        self.handlers = self.handlers.options::<T>(options);
        self
    }

    /// Gives the queue's tasks priorities. SQS has none, so the queue becomes three: `NAME` for tasks of
    /// normal priority and those that are sent without one, `NAME-high` and `NAME-low`. These two are
    /// declared with the settings of `NAME`, its dead-letter queue too, unless they are declared
    /// themselves. A worker's concurrency is shared by all three. A FIFO queue has no priorities.
    ///
    /// ```
    /// use longshore::{App, Client, Failure, Priorities, Priority, Task};
    /// use serde::{Deserialize, Serialize};
    ///
    /// #[derive(Debug, Serialize, Deserialize, Task)]
    /// struct Mail {
    ///     to: String,
    /// }
    ///
    /// async fn deliver(task: Mail) -> Result<(), Failure> {
    ///     tracing::info!(to = task.to, "delivered");
    ///     Ok(())
    /// }
    ///
    /// async fn reset_password(client: &Client, to: String) -> Result<(), Failure> {
    ///     client.send(Mail { to }).priority(Priority::High).await?;
    ///     Ok(())
    /// }
    ///
    /// let app = App::new("post").queue("mails", |queue| {
    ///     queue.handle(deliver).priorities(Priorities::weighted(8, 2, 1))
    /// });
    /// # let names = app.names(&Default::default()).unwrap();
    /// # let queues = names.queues_of("mails");
    /// # assert_eq!(queues, ["mails-high", "mails", "mails-low"]);
    /// ```
    #[must_use]
    pub fn priorities(mut self, priorities: Priorities) -> Self {
        self.priorities = Some(priorities);
        self
    }

    /// Tasks that each worker of the queue runs at once: at least 1, 10 by default. `--concurrency`
    /// wins.
    #[must_use]
    pub fn concurrency(mut self, count: usize) -> Self {
        self.concurrency = Some(count);
        self
    }

    /// When failed tasks run again that have no policy of their own.
    #[must_use]
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = Some(policy);
        self
    }

    /// How long a received message stays in flight without a heartbeat; by default the queue's own
    /// visibility timeout.
    #[must_use]
    pub fn visibility_timeout(mut self, timeout: Duration) -> Self {
        self.visibility_timeout = Some(timeout);
        self
    }

    /// How long the lease on a running task is renewed for at most, which is also how long the task of a killed worker
    /// waits at most: 5 min by default, and `--lease-max` wins. See [`Worker::lease_max`].
    #[must_use]
    pub fn lease_max(mut self, most: Duration) -> Self {
        self.lease_max = Some(most);
        self
    }

    /// How long a task is handed back that no worker knows: see [`Worker::unknown_patience`].
    #[must_use]
    pub fn unknown_patience(mut self, patience: Duration) -> Self {
        self.unknown_patience = Some(patience);
        self
    }

    /// Replies to this queue too where a task names it: see [`Worker::allow_reply_queue`].
    #[must_use]
    pub fn allow_reply_queue(mut self, queue: impl Into<String>) -> Self {
        self.allowed_reply_queues.push(queue.into());
        self
    }

    /// Puts a layer of tower around the runs of all tasks of this queue: see [`Worker::layer`] for what it sees and may
    /// do. Of several, the one that was added last is the outermost. Each worker of the queue has its own.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use longshore::{App, Failure, Outcome, TaskRunner, Task, TaskRun};
    /// use serde::{Deserialize, Serialize};
    /// use tower::limit::ConcurrencyLimitLayer;
    /// use tower::timeout::TimeoutLayer;
    /// use tower::{BoxError, ServiceExt, layer::layer_fn, service_fn};
    /// use tracing::Instrument;
    ///
    /// #[derive(Debug, Serialize, Deserialize, Task)]
    /// struct Mail {
    ///     to: String,
    /// }
    ///
    /// async fn deliver(task: Mail) -> Result<(), Failure> {
    ///     tracing::info!(to = task.to, "delivered");
    ///     Ok(())
    /// }
    ///
    /// /// A span around each run, whose name and fields are the application's own.
    /// async fn trace(inner: TaskRunner, run: TaskRun) -> Result<Outcome, BoxError> {
    ///     let (task, attempt) = (run.context().task_id(), run.context().attempt());
    ///     let span = tracing::info_span!("mail", %task, attempt);
    ///     inner.oneshot(run).instrument(span).await
    /// }
    ///
    /// let app = App::new("post").queue("mails", |queue| {
    ///     queue
    ///         .handle(deliver)
    ///         .layer(layer_fn(|inner: TaskRunner| service_fn(move |run| trace(inner.clone(), run))))
    ///         .layer(TimeoutLayer::new(Duration::from_secs(30)))
    ///         .layer(ConcurrencyLimitLayer::new(8))
    /// });
    /// # drop(app);
    /// ```
    #[must_use]
    pub fn layer<L>(mut self, layer: L) -> Self
    where
        L: Layer<TaskRunner> + Clone + Send + Sync + 'static,
        L::Service: Service<
                TaskRun,
                Response = Outcome,
                Error: Into<Box<dyn Error + Send + Sync>>,
                Future: Send + 'static,
            > + Clone
            + Send
            + Sync
            + 'static,
    {
        self.layers.push(Arc::new(move |worker| worker.layer(layer.clone())));
        self
    }

    /// The worker with all that was said here.
    pub(crate) fn configure(&self, mut worker: Worker, state: &S) -> Worker {
        worker = worker.handlers(&self.handlers, state);
        if let Some(count) = self.concurrency {
            worker = worker.concurrency(count);
        }
        if let Some(priorities) = self.priorities {
            worker = worker.priorities(priorities);
        }
        if let Some(policy) = &self.retry {
            worker = worker.retry(policy.clone());
        }
        if let Some(timeout) = self.visibility_timeout {
            worker = worker.visibility_timeout(timeout);
        }
        if let Some(most) = self.lease_max {
            worker = worker.lease_max(most);
        }
        if let Some(patience) = self.unknown_patience {
            worker = worker.unknown_patience(patience);
        }
        worker = self.layers.iter().fold(worker, |worker, add| add(worker));
        self.allowed_reply_queues.iter().fold(worker, Worker::allow_reply_queue)
    }

    /// Sets options of tasks of this queue that an operator chose.
    pub(crate) fn override_options(&mut self, overrides: &[TaskOverride]) {
        let policy = self.retry.clone().unwrap_or_default();
        let handlers = std::mem::take(&mut self.handlers);
        self.handlers = overrides.iter().fold(handlers, |handlers, set| {
            handlers.change_options(&set.task, |options| set.apply(options, &policy))
        });
    }

    /// Whether there is anything for a worker to do.
    pub(crate) fn is_handled(&self) -> bool {
        self.handlers.names().next().is_some()
    }
}

impl<S> fmt::Debug for TaskQueue<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskQueue")
            .field("name", &self.name)
            .field("handlers", &self.handlers)
            .field("concurrency", &self.concurrency)
            .finish_non_exhaustive()
    }
}
