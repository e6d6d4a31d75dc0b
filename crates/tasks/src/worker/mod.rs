//! Receives tasks, runs their handlers, replies and deletes.
//!
//! ```text
//! poller ── a permit for each message, then a receive ──▶ executor (one for each message)
//!                                                            │ open → claim → run → complete
//!    heartbeat ── renews the leases of all executors ──▶     │ → reply → delete
//!                                                            ▼
//!                             sender (replies, copies)   acknowledger (deletes)
//! ```
//!
//! # Invariants
//!
//! - A permit is held before a message is asked for: what was received is run at once, and no
//!   message loses its lease while it waits.
//! - A lease is spent once: deleted, returned or lost. Before that its heartbeat is stopped.
//! - Nothing is detached: when [`Worker::run`] resolves or is dropped, nothing of it runs on.

mod acknowledger;
mod claiming;
mod context;
mod dispatcher;
mod executor;
mod heartbeat;
mod lease;
mod life;
mod outcome;
mod poller;
mod registry;
mod retry;
mod runtime;
mod sender;
mod settlement;
mod status;
mod store_gate;

use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio_util::sync::CancellationToken;

use self::registry::Registry;
pub use context::Context;
pub use outcome::{Failure, Outcome};
pub use retry::RetryPolicy;
pub use status::{WorkerReport, WorkerStatus};

use crate::clock::{Clock, SystemClock};
use crate::id::{RandomSource, SystemRandom};
use crate::start;
use crate::store::ClaimStore;
use crate::task::Task;
use crate::transport::{Transport, TransportError};

/// Receives the tasks of one queue and runs their handlers.
#[derive(Debug)]
pub struct Worker {
    transport: Arc<dyn Transport>,
    queue_name: String,
    claims: Arc<dyn ClaimStore>,
    registry: Registry,
    options: Options,
    status: Arc<WorkerStatus>,
}

/// Why a worker cannot start, or ended by itself.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum WorkerError {
    /// A queue was not found, or could not be asked about.
    #[error("the worker cannot start: {0}")]
    Start(#[from] TransportError),
    /// A part of it panicked, such as a store of someone's own. Without its heartbeat, say, it
    /// must not go on: what it held comes again.
    #[error("a part of the worker panicked, as the log says; what it held comes again")]
    Broken,
}

/// What a worker was told, or assumes.
#[derive(Clone, Debug)]
struct Options {
    concurrency: usize,
    reply_queue: Option<String>,
    retry: RetryPolicy,
    visibility_timeout: Option<Duration>,
    wait: Duration,
    grace: Duration,
    retention: Duration,
    clock: Arc<dyn Clock>,
    random: Arc<dyn RandomSource>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            concurrency: 10,
            reply_queue: None,
            retry: RetryPolicy::default(),
            visibility_timeout: None,
            wait: longshore_types::limits::RECEIVE_WAIT_MAX,
            grace: Duration::from_secs(25),
            retention: Duration::from_secs(345_600),
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandom),
        }
    }
}

impl Worker {
    /// A worker for the queue of that name or URL. Workers of a queue share one claim store.
    pub fn new(
        transport: Arc<dyn Transport>,
        queue: impl Into<String>,
        claims: Arc<dyn ClaimStore>,
    ) -> Self {
        Self {
            transport,
            queue_name: queue.into(),
            claims,
            registry: Registry::default(),
            options: Options::default(),
            status: Arc::default(),
        }
    }

    /// Runs tasks of type `T` by `handler`. The first handler's task is also what a message
    /// without a task name is, unless [`Worker::default_task`] names another.
    #[must_use]
    pub fn handle<T, H, F>(mut self, handler: H) -> Self
    where
        T: Task,
        H: Fn(T, Context) -> F + Send + Sync + 'static,
        F: Future<Output = Result<T::Reply, Failure>> + Send + 'static,
    {
        self.registry.add::<T, H, F>(handler);
        self
    }

    /// Takes a message without a task name for a `T`.
    #[must_use]
    pub fn default_task<T: Task>(mut self) -> Self {
        self.registry.set_default(T::NAME);
        self
    }

    /// Runs up to `count` tasks at once: at least 1, 10 by default.
    #[must_use]
    pub fn concurrency(mut self, count: usize) -> Self {
        self.options.concurrency = count.max(1);
        self
    }

    /// Replies to this queue, a name or URL, where a task names none. None by default: such a
    /// task is then not replied to.
    #[must_use]
    pub fn reply_queue(mut self, queue: impl Into<String>) -> Self {
        self.options.reply_queue = Some(queue.into());
        self
    }

    /// When failed tasks run again; see [`RetryPolicy`] for the default.
    #[must_use]
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.options.retry = policy;
        self
    }

    /// How long a received message stays in flight without a heartbeat, in whole seconds up to
    /// 12 h. By default the queue's own visibility timeout.
    #[must_use]
    pub fn visibility_timeout(mut self, timeout: Duration) -> Self {
        self.options.visibility_timeout = Some(timeout);
        self
    }

    /// How long a receive waits for a message: up to 20 s, which is the default and the cheapest.
    #[must_use]
    pub fn wait(mut self, wait: Duration) -> Self {
        self.options.wait = wait;
        self
    }

    /// How long what runs may take to finish after a shutdown was asked for; then it is handed
    /// back, without counting as an attempt. 25 s by default.
    #[must_use]
    pub fn grace(mut self, grace: Duration) -> Self {
        self.options.grace = grace;
        self
    }

    /// How long the reply of a task that has ended is kept, to be sent again for a duplicate: at
    /// least as long as the queue keeps messages. 4 days by default.
    #[must_use]
    pub fn retention(mut self, retention: Duration) -> Self {
        self.options.retention = retention;
        self
    }

    /// Tells the time of replies and claims; the system's clock by default.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.options.clock = clock;
        self
    }

    /// Where the jitter of retries comes from; the system by default.
    #[must_use]
    pub fn random(mut self, random: Arc<dyn RandomSource>) -> Self {
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
    pub async fn run(self, shutdown: CancellationToken) -> Result<WorkerReport, WorkerError> {
        let status = self.status();
        let found = start::find_queue(&*self.transport, &self.queue_name, &shutdown).await?;
        if let Some((queue, facts)) = found {
            self.work(queue, facts, shutdown).await?;
        }
        Ok(status.report())
    }
}
