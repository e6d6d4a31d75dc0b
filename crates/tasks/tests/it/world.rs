//! An application, a task queue, a reply queue, their dead-letter queues, and workers to start.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt as _;
use longshore_tasks::clock::Clock as _;
use longshore_tasks::transport::{BoxFuture, Cause};
use longshore_tasks::{
    Claim, ClaimStore, Client, ClientOptions, Context, Failure, Fence, Json, KeptReply,
    MemoryStore, Replies, RepliesReport, ReplyStore as _, RetryPolicy, Status, StoreError, Task,
    TaskId, Worker, WorkerReport,
};
use longshore_types::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::simulation::{Counting, SimulatedClock, Simulation};

pub(crate) const TASKS: &str = "tasks";
pub(crate) const TASKS_DEAD: &str = "tasks-dead";
pub(crate) const REPLIES: &str = "replies";
pub(crate) const REPLIES_DEAD: &str = "replies-dead";

/// The visibility timeout of every queue.
pub(crate) const VISIBILITY: Duration = Duration::from_secs(30);
/// How long results are kept.
pub(crate) const RETENTION: Duration = Duration::from_secs(3600);
/// Receives that a message gets.
pub(crate) const RECEIVES_MAX: u32 = 5;

/// Squares a number.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Square(pub(crate) i64);

impl Task for Square {
    const NAME: &'static str = "square";
    type Reply = i64;
    type Codec = Json;
}

/// What a handler answers to.
pub(crate) type Answer = Result<i64, Failure>;

/// The simulated world of a test.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) simulation: Arc<Simulation>,
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) claims: Arc<FlakyClaims>,
    pub(crate) clock: SimulatedClock,
    pub(crate) client: Client,
}

/// A role that runs.
#[derive(Debug)]
pub(crate) struct Running<T> {
    pub(crate) shutdown: CancellationToken,
    pub(crate) handle: JoinHandle<T>,
}

impl<T> Running<T> {
    pub(crate) async fn stop(self) -> T {
        self.shutdown.cancel();
        self.handle.await.unwrap()
    }

    /// Ends the role as a killed process ends: nothing more is done.
    pub(crate) async fn kill(self) {
        self.handle.abort();
        assert!(self.handle.await.is_err());
    }
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with_visibility(VISIBILITY)
    }

    pub(crate) fn with_visibility(visibility: Duration) -> Self {
        let simulation = Simulation::new();
        for (queue, dead) in [(TASKS, TASKS_DEAD), (REPLIES, REPLIES_DEAD)] {
            simulation.create(dead, visibility, None);
            simulation.create(queue, visibility, Some((dead, RECEIVES_MAX)));
        }
        let store = Arc::new(MemoryStore::new());
        let clock = SimulatedClock::new();
        let options = ClientOptions {
            reply_queue: Some(REPLIES.to_owned()),
            retention: RETENTION,
            clock: Arc::new(clock),
            random: Arc::new(Counting::default()),
        };
        let client =
            Client::new(Arc::clone(&simulation) as _, TASKS, Arc::clone(&store) as _, options);
        let (down, broken) = (AtomicBool::new(false), AtomicBool::new(false));
        let claims = Arc::new(FlakyClaims { store: Arc::clone(&store), down, broken });
        Self { simulation, store, claims, clock, client }
    }

    /// A worker that runs `handler`.
    pub(crate) fn worker<F>(
        &self,
        handler: impl Fn(Square, Context) -> F + Send + Sync + 'static,
    ) -> Worker
    where
        F: Future<Output = Answer> + Send + 'static,
    {
        Worker::new(Arc::clone(&self.simulation) as _, TASKS, Arc::clone(&self.claims) as _)
            .handle(handler)
            .reply_queue(REPLIES)
            .clock(Arc::new(self.clock))
            .random(Arc::new(Counting::default()))
            .retry(RetryPolicy { attempts_max: 3, ..RetryPolicy::default() })
    }

    pub(crate) fn start_replies(&self) -> Running<RepliesReport> {
        let shutdown = CancellationToken::new();
        let replies =
            Replies::new(Arc::clone(&self.simulation) as _, REPLIES, Arc::clone(&self.store) as _);
        let replies = replies.clock(Arc::new(self.clock)).retention(RETENTION);
        let run = replies.run(shutdown.clone());
        let handle = tokio::spawn(async move { run.await.unwrap() });
        Running { shutdown, handle }
    }

    /// Sends a task, and says its id.
    pub(crate) async fn send(&self, number: i64) -> TaskId {
        self.client.send(&Square(number)).await.unwrap().id().clone()
    }

    pub(crate) async fn status(&self, id: &TaskId) -> Option<Status> {
        self.store.status(id).await.unwrap()
    }

    /// Waits until a queue is empty.
    pub(crate) async fn until_empty(&self, queue: &str) {
        until(|| self.simulation.messages(queue).is_empty()).await;
    }

    /// The bodies of the messages on a queue.
    pub(crate) fn bodies(&self, queue: &str) -> Vec<String> {
        self.simulation.messages(queue).into_iter().map(|message| message.body).collect()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

pub(crate) fn start(worker: Worker) -> Running<WorkerReport> {
    let shutdown = CancellationToken::new();
    let run = worker.run(shutdown.clone());
    let handle = tokio::spawn(async move { run.await.unwrap() });
    Running { shutdown, handle }
}

/// Waits until the condition holds; the paused clock runs as long as nothing else does.
pub(crate) async fn until(mut condition: impl FnMut() -> bool) {
    for looks in 0..1_000_000 {
        if condition() {
            return;
        }
        sleep(Duration::from_millis(if looks < 100_000 { 10 } else { 1000 })).await;
    }
    panic!("the condition never held");
}

/// Counts runs, and lets tests look at it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counter(Arc<AtomicU32>);

impl Counter {
    pub(crate) fn add(&self) -> u32 {
        self.0.fetch_add(1, Ordering::SeqCst) + 1
    }

    pub(crate) fn get(&self) -> u32 {
        self.0.load(Ordering::SeqCst)
    }
}

/// Keeps what handlers saw.
pub(crate) type Log<T> = Arc<Mutex<Vec<T>>>;

/// A claim store that can be unreachable.
#[derive(Debug)]
pub(crate) struct FlakyClaims {
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) down: AtomicBool,
    /// Whether to extend a claim is to panic.
    pub(crate) broken: AtomicBool,
}

impl FlakyClaims {
    pub(crate) fn set_down(&self, down: bool) {
        self.down.store(down, Ordering::SeqCst);
    }

    fn call<'a, T: Send + 'a>(
        &'a self,
        call: BoxFuture<'a, Result<T, StoreError>>,
    ) -> BoxFuture<'a, Result<T, StoreError>> {
        async move {
            if self.down.load(Ordering::SeqCst) {
                let source = Cause::from("the store is down");
                let store = "flaky".to_owned();
                return Err(StoreError::unavailable(store, "answer", source));
            }
            call.await
        }
        .boxed()
    }
}

type StoreResult<T> = Result<T, StoreError>;

impl ClaimStore for FlakyClaims {
    fn claim<'a>(
        &'a self,
        task: &'a TaskId,
        lease: Duration,
        now: Timestamp,
    ) -> BoxFuture<'a, StoreResult<Claim>> {
        self.call(self.store.claim(task, lease, now))
    }

    fn extend<'a>(
        &'a self,
        task: &'a TaskId,
        fence: Fence,
        until: Timestamp,
    ) -> BoxFuture<'a, StoreResult<bool>> {
        assert!(!self.broken.load(Ordering::SeqCst), "the store is broken");
        self.call(self.store.extend(task, fence, until))
    }

    fn complete<'a>(
        &'a self,
        task: &'a TaskId,
        fence: Fence,
        kept: KeptReply,
        now: Timestamp,
    ) -> BoxFuture<'a, StoreResult<bool>> {
        self.call(ClaimStore::complete(&*self.store, task, fence, kept, now))
    }

    fn dead_lettered<'a>(&'a self, task: &'a TaskId) -> BoxFuture<'a, StoreResult<()>> {
        self.call(self.store.dead_lettered(task))
    }

    fn release<'a>(&'a self, task: &'a TaskId, fence: Fence) -> BoxFuture<'a, StoreResult<()>> {
        self.call(self.store.release(task, fence))
    }

    fn end_attempt<'a>(&'a self, task: &'a TaskId, fence: Fence) -> BoxFuture<'a, StoreResult<()>> {
        self.call(self.store.end_attempt(task, fence))
    }

    fn drop_claim<'a>(&'a self, task: &'a TaskId) -> BoxFuture<'a, StoreResult<()>> {
        self.call(self.store.drop_claim(task))
    }

    fn expire_claims(&self, before: Timestamp, most: usize) -> BoxFuture<'_, StoreResult<usize>> {
        self.call(self.store.expire_claims(before, most))
    }
}
