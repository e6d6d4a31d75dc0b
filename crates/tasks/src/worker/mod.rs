//! Receives tasks, runs their handlers, replies and deletes.
//!
//! ```text
//! poller ── a permit for each message, then a receive ──▶ executor (one for each message)
//!                                                            │ open → claim → run → end
//!    heartbeat ── renews the leases of all executors ──▶     │ → reply → delete
//!                                                            ▼
//!    outbox ── what is kept and was not sent ──▶  sender (replies, copies)   acknowledger (deletes)
//! ```
//!
//! All of that runs on a thread of its own; handlers run on the application's runtime. So a handler
//! that blocks its thread delays no lease, no reply and no delete.
//!
//! # Invariants
//!
//! - The messages of one group of a FIFO queue are run one after the other, in their order: a lane has one
//!   permit, and what waits in it keeps its leases.
//! - A permit is held before a message is asked for: what else was received is run at once, and no
//!   message loses its lease while it waits.
//! - A lease is spent once: deleted, returned or lost. Before that its heartbeat is stopped.
//! - When [`Worker::run`] resolves, nothing of it runs on. Dropped, it ends what runs at its next
//!   `await`.

mod acknowledger;
mod anew;
mod at_once;
mod batch_handler;
mod calling;
mod claiming;
mod collector;
mod context;
mod controls;
mod dispatcher;
mod drain;
mod ending;
mod error;
mod executor;
mod facts;
mod handler;
mod handlers;
mod heartbeat;
mod key_limit;
mod lane;
mod layers;
mod lease;
mod lengths;
mod limiter;
mod look;
mod marks;
mod options;
mod outbox;
mod outcome;
mod owed;
mod patience;
mod permits;
mod poll_linger;
mod poller;
mod pool;
mod registry;
mod renewal;
mod reply_queues;
mod room;
mod run;
mod runs;
mod runtime;
pub(crate) mod same_queue;
mod seen;
mod sender;
mod settlement;
mod stall;
mod status;
mod store_gate;
mod stranded;
mod stuck;
mod thread;
mod turns;

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tower::{Layer, Service};

use self::options::Options;
use self::registry::Registry;
pub use batch_handler::{BatchHandler, BatchItem, BatchOptions, BatchResults};
pub use context::Context;
pub use error::WorkerError;
pub use handler::{BlockingHandler, Handler, State};
pub use layers::{TaskRun, TaskRunner};
pub use outcome::Outcome;
pub use registry::Handlers;
pub use runs::{RunEnd, TaskNumbers};
pub use status::{RunningTask, WorkerNumbers, WorkerReport, WorkerStatus};

use crate::client::Client;
use crate::clock::Clock;
use crate::id::RandomSource;
use crate::priority::Priorities;
use crate::retry::RetryPolicy;
use crate::store::{Records, Store};
use crate::task::Task;
use crate::transport::{Cause, Transport};

/// Receives the tasks of one queue and runs their handlers.
///
/// An application's workers are made for it; by hand:
///
/// ```
/// use std::sync::Arc;
///
/// use longshore_tasks::{Json, Store, Task, Transport, Worker, WorkerError};
/// use tokio_util::sync::CancellationToken;
/// # #[derive(serde::Serialize, serde::Deserialize)]
/// # struct Greet(String);
/// # impl Task for Greet {
/// #     const NAME: &'static str = "greet";
/// #     type Reply = String;
/// #     type Codec = Json;
/// # }
///
/// async fn work(
///     transport: Arc<dyn Transport>,
///     store: Arc<dyn Store>, // the one that the queue's other workers have
///     shutdown: CancellationToken,
/// ) -> Result<(), WorkerError> {
///     let worker = Worker::new(transport, "greetings", store)
///         .handle(async |Greet(name): Greet| Ok(format!("Hello, {name}")))
///         .reply_queue("replies")
///         .concurrency(64);
///     let report = worker.run(shutdown).await?; // until `shutdown` is cancelled
///     println!("{} done, {} dead", report.done, report.dead);
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct Worker {
    transport: Arc<dyn Transport>,
    queue_name: String,
    store: Arc<dyn Store>,
    records: Records,
    handlers: Handlers,
    registry: Registry,
    options: Options,
    status: Arc<WorkerStatus>,
}

impl Worker {
    /// A worker for the queue of that name or URL. Workers of a queue share one store.
    pub fn new(
        transport: Arc<dyn Transport>,
        queue: impl Into<String>,
        store: Arc<dyn Store>,
    ) -> Self {
        let options = Options::default();
        let records = Records::new(Arc::clone(&store), Arc::clone(&options.random));
        Self {
            transport,
            queue_name: queue.into(),
            store,
            records,
            handlers: Handlers::new(),
            registry: Registry::default(),
            options,
            status: Arc::default(),
        }
    }

    /// Runs the tasks of a handler's type by it: see [`Handler`] for what it can be, and
    /// [`Handlers::handle`] for the rest. With two handlers for a name the worker does not start.
    #[must_use]
    pub fn handle<T: Task, M, H: Handler<T, M, ()>>(mut self, handler: H) -> Self {
        self.handlers = self.handlers.handle(handler);
        self
    }

    /// Runs tasks by a handler that blocks its thread: see [`Handlers::handle_blocking`].
    #[must_use]
    pub fn handle_blocking<T: Task, M, H: BlockingHandler<T, M, ()>>(mut self, handler: H) -> Self {
        self.handlers = self.handlers.handle_blocking(handler);
        self
    }

    /// Runs tasks by a handler of several at once: see [`Handlers::handle_batch`].
    #[must_use]
    pub fn handle_batch<T: Task, M, H: BatchHandler<T, M, ()>>(mut self, handler: H) -> Self {
        self.handlers = self.handlers.handle_batch(handler);
        self
    }

    /// As [`Worker::handle_batch`], with batches as `options` say.
    #[must_use]
    pub fn handle_batch_with<T: Task, M, H: BatchHandler<T, M, ()>>(
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

    /// Runs tasks by these handlers, which share `state`.
    #[must_use]
    pub fn handlers<S>(mut self, handlers: &Handlers<S>, state: &S) -> Self
    where
        S: Clone + Send + Sync + 'static,
    {
        self.registry.merge(handlers.with_state(state));
        self
    }

    /// Puts a layer of tower around the runs of all tasks of this worker. Of several, the one that was added last is
    /// the outermost, as in routers of `axum`; `tower::ServiceBuilder` has them in reading order.
    ///
    /// The layer is made once for the worker: a limit of concurrency is one for all of its tasks. Where its service
    /// is not ready, the run waits with its lease renewed and holds its place; that time is not counted to the task's
    /// [`timeout`](crate::TaskOptions::timeout). Like a handler it is dropped when the run is in vain, such as by a
    /// lost lease or the end of a shutdown's grace period, and it runs where handlers do. An error of a layer, such
    /// as `tower`'s timeout, is a failed attempt; to end a task otherwise, answer another [`Outcome`].
    ///
    /// ```
    /// use std::sync::Arc;
    /// use std::time::Duration;
    ///
    /// use longshore_tasks::{Outcome, TaskRunner, Store, TaskRun, Transport, Worker};
    /// use tower::timeout::TimeoutLayer;
    /// use tower::{Layer, Service, ServiceExt, layer::layer_fn, service_fn};
    /// use tracing::Instrument;
    ///
    /// /// Has the lines that a handler logs name the task's attempt, and says how it ended.
    /// async fn trace(inner: TaskRunner, run: TaskRun) -> Result<Outcome, tower::BoxError> {
    ///     let span = tracing::info_span!("run", name = run.name(), attempt = run.context().attempt());
    ///     let outcome = inner.oneshot(run).instrument(span.clone()).await?;
    ///     span.in_scope(|| tracing::info!(outcome = outcome.name(), "ended"));
    ///     Ok(outcome)
    /// }
    ///
    /// fn layered(transport: Arc<dyn Transport>, store: Arc<dyn Store>) -> Worker {
    ///     Worker::new(transport, "thumbnails", store)
    ///         .layer(TimeoutLayer::new(Duration::from_secs(60)))
    ///         .layer(layer_fn(|inner: TaskRunner| service_fn(move |run| trace(inner.clone(), run))))
    /// }
    /// ```
    #[must_use]
    pub fn layer<L>(mut self, layer: L) -> Self
    where
        L: Layer<TaskRunner>,
        L::Service: Service<TaskRun, Response = Outcome, Error: Into<Cause>, Future: Send + 'static>
            + Clone
            + Send
            + Sync
            + 'static,
    {
        let inner = self.options.layered.take().unwrap_or_else(TaskRunner::innermost);
        self.options.layered = Some(inner.within(&layer));
        self
    }

    /// What the worker is called in the records of its tasks. By default `worker-` and the process
    /// id: give it the host's name where there are several.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.options.name = name.into();
        self
    }

    /// Runs up to `count` tasks at once: at least 1, 10 by default.
    #[must_use]
    pub fn concurrency(mut self, count: usize) -> Self {
        self.options.concurrency = count.max(1);
        self
    }

    /// Receives from three queues, by the priority of their tasks: from the worker's own, and from those
    /// whose names end in `-high` and `-low` more. They share its concurrency. An idle level holds one
    /// place while it waits for a task; where there are fewer places than levels, they take turns of a
    /// second. None by default.
    #[must_use]
    pub fn priorities(mut self, priorities: Priorities) -> Self {
        self.options.priorities = Some(priorities);
        self
    }

    /// Replies to this queue, a name or URL, where a task names none. None by default: such a
    /// task is then not replied to.
    #[must_use]
    pub fn reply_queue(mut self, queue: impl Into<String>) -> Self {
        self.options.reply_queue = Some(queue.into());
        self
    }

    /// Replies to this queue too, a name or URL, where a task names it. A task that names a queue
    /// which is neither this worker's own nor allowed is not run, and ends as dead. Can be called
    /// again for another.
    #[must_use]
    pub fn allow_reply_queue(mut self, queue: impl Into<String>) -> Self {
        self.options.allowed_reply_queues.push(queue.into());
        self
    }

    /// When failed tasks run again that have no policy of their own; see [`RetryPolicy`] for the
    /// default.
    #[must_use]
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.options.retry = policy;
        self.options.retry_was_chosen = true;
        self
    }

    /// How long a received message stays in flight without a heartbeat, in whole seconds up to
    /// 12 h. By default the queue's own visibility timeout.
    #[must_use]
    pub fn visibility_timeout(mut self, timeout: Duration) -> Self {
        self.options.visibility_timeout = Some(timeout);
        self
    }

    /// How long the lease on a running task is renewed for at most: 5 min by default. The worker learns how long the
    /// runs of each task take, and renews the lease for what is expected to be left and a quarter more, within this
    /// bound and for the visibility timeout at least; a task that it does not know, for the visibility timeout.
    ///
    /// It is a price: the task of a worker that was killed waits for the end of its lease. Zero renews all leases for
    /// the visibility timeout, as is always done on FIFO queues, where a whole group would wait.
    #[must_use]
    pub fn lease_max(mut self, most: Duration) -> Self {
        self.options.lease_max = most;
        self
    }

    /// How long a receive waits for a message: up to 20 s, which is the default and the cheapest.
    #[must_use]
    pub fn wait(mut self, wait: Duration) -> Self {
        self.options.wait = wait;
        self
    }

    /// How long a reply, or a receive, may wait for others to share its request: 50 ms by default. Only under
    /// load: a reply without company leaves at once, and so is a task received that comes alone. Zero turns it off.
    #[must_use]
    pub fn linger(mut self, linger: Duration) -> Self {
        self.options.linger = linger;
        self
    }

    /// How long what runs may take to finish after a shutdown was asked for; then it is handed
    /// back, without counting as an attempt. 25 s by default.
    #[must_use]
    pub fn grace(mut self, grace: Duration) -> Self {
        self.options.grace = grace;
        self
    }

    /// How long the result of a task answers after it has ended, where the task does not say: 4 days
    /// by default.
    #[must_use]
    pub fn retention(mut self, retention: Duration) -> Self {
        self.options.retention = retention;
        self
    }

    /// How long a task is handed back that no worker knows, or whose argument none can read, before
    /// it is dead: an hour by default. Another worker may know it, in the middle of a deploy.
    #[must_use]
    pub fn unknown_patience(mut self, patience: Duration) -> Self {
        self.options.unknown_patience = patience;
        self
    }

    /// Bytes of an argument that a task's record keeps, for dead letters that outlive the message:
    /// 256 KiB by default.
    #[must_use]
    pub fn argument_kept_bytes(mut self, bytes: usize) -> Self {
        self.options.argument_kept_bytes = bytes;
        self
    }

    /// How long a queue that is not there is waited for at the start: not at all by default.
    #[must_use]
    pub fn queue_patience(mut self, patience: Duration) -> Self {
        self.options.queue_patience = patience;
        self
    }

    /// The client that handlers send further tasks by, through [`Context::send`].
    #[must_use]
    pub fn client(mut self, client: Client) -> Self {
        self.options.client = Some(client);
        self
    }

    /// Where handlers run: by default on the runtime that [`Worker::run`] is called on.
    #[must_use]
    pub fn handler_runtime(mut self, runtime: Handle) -> Self {
        self.options.handler_runtime = Some(runtime);
        self
    }

    /// Whether everything but the handlers runs on a thread of its own, which is the default. Without
    /// it, a handler that blocks its thread can cost leases; tests under a paused clock want it so.
    #[must_use]
    pub fn own_thread(mut self, own_thread: bool) -> Self {
        self.options.own_thread = own_thread;
        self
    }

    /// Tells the time of replies; the system's clock by default. Claims go by the store's.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.options.clock = clock;
        self
    }

    /// Where the jitter of retries comes from; the system by default.
    #[must_use]
    pub fn random(mut self, random: Arc<dyn RandomSource>) -> Self {
        self.records = Records::new(Arc::clone(&self.store), Arc::clone(&random));
        self.options.random = random;
        self
    }

    /// What the worker is doing, to be read while it runs.
    pub fn status(&self) -> Arc<WorkerStatus> {
        Arc::clone(&self.status)
    }

    /// Works until `shutdown` is cancelled and what was running has ended: receives stop, runs
    /// end within the grace period or are handed back, replies and deletes are flushed. A receive
    /// that is under way at the shutdown is waited for as long as
    /// [`Transport::receive_patience`] says, and five seconds beyond the grace period at most;
    /// what it brings is handed back.
    ///
    /// # Errors
    ///
    /// At the start, and only what would not pass by itself: a broker or store that cannot be
    /// reached is waited for. Later, only [`WorkerError::Broken`].
    ///
    /// # Cancel safety
    ///
    /// Dropped, it loses nothing: what it held comes again after its visibility timeout.
    pub async fn run(mut self, shutdown: CancellationToken) -> Result<WorkerReport, WorkerError> {
        let status = self.status();
        self.registry.merge(self.handlers.with_state(&()));
        if let Some(task) = self.registry.handled_twice() {
            return Err(WorkerError::TwoHandlers { queue: self.queue_name, task });
        }
        if let Some((task, why)) = self.registry.key_limit_fault() {
            return Err(WorkerError::KeyLimit { queue: self.queue_name, task, why });
        }
        self.run_apart(shutdown).await?;
        Ok(status.report())
    }
}
