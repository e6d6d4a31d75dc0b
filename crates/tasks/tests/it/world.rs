//! An application, a task queue, a reply queue, their dead-letter queues, and workers to start.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt as _;
use longshore_tasks::clock::Clock as _;
use longshore_tasks::life::{self, Ask, Claimed, Standing};
use longshore_tasks::store::{
    self, Alias, Change, Expected, Page, PutValue, Row, Timed, Value, ValueWritten, Write, Written,
};
use longshore_tasks::transport::{BoxFuture, Cause};
use longshore_tasks::{
    Client, ClientOptions, Context, Failure, Json, ListQuery, MemoryStore, Replies, RepliesReport,
    RetryPolicy, Status, Store, StoreError, Task, TaskId, Worker, WorkerReport,
};
use longshore_types::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::inputs::{Counting, SimulatedClock};
use crate::simulation::Simulation;

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
    pub(crate) flaky: Arc<FlakyStore>,
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

    /// Ends the role, if it has not ended yet.
    pub(crate) async fn kill_or_end(self) {
        self.handle.abort();
        drop(self.handle.await);
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
        let clock = SimulatedClock::new();
        let store = Arc::new(MemoryStore::with_clock(Arc::new(clock)));
        let client = client_of(&simulation, clock, Arc::clone(&store) as _);
        let flaky = Arc::new(FlakyStore {
            store: Arc::clone(&store),
            down: AtomicBool::new(false),
            broken: AtomicBool::new(false),
            yields: AtomicBool::new(false),
            without_clock: AtomicBool::new(false),
            answers_held: AtomicBool::new(false),
            limits_down: AtomicBool::new(false),
            careless: AtomicBool::new(false),
            lost_ends: AtomicU32::new(0),
            ends_held: AtomicBool::new(false),
            hangs: AtomicBool::new(false),
            hangs_in_writes: AtomicBool::new(false),
            asked_for: AtomicUsize::new(0),
            frozen_due: Mutex::default(),
            looks: AtomicUsize::new(0),
            expiries: AtomicUsize::new(0),
        });
        Self { simulation, store, flaky, clock, client }
    }

    /// A client like the world's own, on the store that can be unreachable. That answers no call at the
    /// first poll from now on, as no store does whose answers come from somewhere else.
    pub(crate) fn flaky_client(&self) -> Client {
        self.flaky.yields.store(true, Ordering::SeqCst);
        client_of(&self.simulation, self.clock, Arc::clone(&self.flaky) as _)
    }

    /// A worker that runs `handler`.
    pub(crate) fn worker<F>(
        &self,
        handler: impl Fn(Square, Context) -> F + Send + Sync + 'static,
    ) -> Worker
    where
        F: Future<Output = Answer> + Send + 'static,
    {
        self.worker_without_handlers().handle::<Square, _, _>(handler)
    }

    /// A worker that runs nothing yet.
    pub(crate) fn worker_without_handlers(&self) -> Worker {
        Worker::new(Arc::clone(&self.simulation) as _, TASKS, Arc::clone(&self.flaky) as _)
            .own_thread(false)
            .retention(RETENTION)
            .unknown_patience(Duration::ZERO)
            .reply_queue(REPLIES)
            .clock(Arc::new(self.clock))
            .random(Arc::new(Counting::default()))
            .retry(RetryPolicy::default().attempts(3))
    }

    pub(crate) fn start_replies(&self) -> Running<RepliesReport> {
        self.start_replies_of(&self.client)
    }

    /// Has replies kept for whoever waits for them by that client.
    pub(crate) fn start_replies_of(&self, client: &Client) -> Running<RepliesReport> {
        let records = client.records().clone();
        self.run_replies(Replies::new(Arc::clone(&self.simulation) as _, REPLIES, records))
    }

    /// Has replies kept through a store of their own: one that can be unreachable, say.
    pub(crate) fn start_replies_into(&self, store: Arc<dyn Store>) -> Running<RepliesReport> {
        self.run_replies(Replies::into_store(Arc::clone(&self.simulation) as _, REPLIES, store))
    }

    fn run_replies(&self, replies: Replies) -> Running<RepliesReport> {
        let shutdown = CancellationToken::new();
        let replies = replies.clock(Arc::new(self.clock)).retention(RETENTION);
        let run = replies.run(shutdown.clone());
        let handle = tokio::spawn(async move { run.await.unwrap() });
        Running { shutdown, handle }
    }

    /// Sends a task, and says its id.
    pub(crate) async fn send(&self, number: i64) -> TaskId {
        self.client.send(Square(number)).await.unwrap().id().clone()
    }

    pub(crate) async fn status(&self, id: &TaskId) -> Option<Status> {
        self.client.status(id).await.unwrap()
    }

    /// How many records there are, whatever is shown of them.
    pub(crate) async fn known(&self) -> usize {
        self.client.tasks(ListQuery::default()).await.unwrap().0.len()
    }

    /// Claims a task as a worker elsewhere does, and never lets go.
    pub(crate) async fn claim_elsewhere(&self, id: &TaskId, lease: Duration) {
        let records = self.client.records();
        let found = records.find(id).await.unwrap();
        let record = found.record.unwrap();
        let worker = "elsewhere".to_owned();
        let ask = Ask {
            generation: 1,
            worker,
            token: 0,
            lease,
            unchanged: false,
            times_are_the_stores: true,
            watch: None,
            received_before: false,
        };
        let Claimed::Run(next) = life::claim(&record, &ask, found.now) else { panic!("taken") };
        let answer = records.write_one(Change::of(record, *next)).await.unwrap();
        assert!(matches!(answer, store::Answer::Written(_)), "{answer:?}");
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

fn client_of(simulation: &Arc<Simulation>, clock: SimulatedClock, store: Arc<dyn Store>) -> Client {
    let options = ClientOptions {
        reply_queue: Some(REPLIES.to_owned()),
        retention: RETENTION,
        clock: Arc::new(clock),
        random: Arc::new(Counting::default()),
        ..ClientOptions::default()
    };
    Client::new(Arc::clone(simulation) as _, TASKS, store, options)
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

    pub(crate) fn subtract(&self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }

    pub(crate) fn get(&self) -> u32 {
        self.0.load(Ordering::SeqCst)
    }
}

/// How long a call takes that hangs: longer than any lease in these tests.
const HANGS_FOR: Duration = Duration::from_secs(3600);

type Stored<T> = store::Result<Timed<T>>;

/// Keeps what handlers saw.
pub(crate) type Log<T> = Arc<Mutex<Vec<T>>>;

/// A store that can be unreachable.
#[derive(Debug)]
pub(crate) struct FlakyStore {
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) down: AtomicBool,
    /// Whether to write over a version is to panic, once a task is claimed.
    pub(crate) broken: AtomicBool,
    /// Whether no call is answered at the first poll.
    pub(crate) yields: AtomicBool,
    /// Whether it says that its times are its callers'.
    pub(crate) without_clock: AtomicBool,
    /// Whether calls are carried out, and their answers wait until they are let go.
    pub(crate) answers_held: AtomicBool,
    /// Whether who has the places of a key cannot be asked.
    pub(crate) limits_down: AtomicBool,
    /// Whether a value is put over whatever is there.
    pub(crate) careless: AtomicBool,
    /// How many answers to writes that end a task are lost.
    pub(crate) lost_ends: AtomicU32,
    /// Whether writes that end a task wait until they are let go.
    pub(crate) ends_held: AtomicBool,
    /// Whether the next call takes as good as for ever.
    pub(crate) hangs: AtomicBool,
    /// The same of the next write of records.
    pub(crate) hangs_in_writes: AtomicBool,
    /// How many records were asked for.
    pub(crate) asked_for: AtomicUsize,
    /// What every look for what is due finds, as from an index that lags behind.
    pub(crate) frozen_due: Mutex<Option<Timed<Vec<Row>>>>,
    /// How often was looked for what is due, and what is past its time removed.
    pub(crate) looks: AtomicUsize,
    pub(crate) expiries: AtomicUsize,
}

impl FlakyStore {
    pub(crate) fn set_down(&self, down: bool) {
        self.down.store(down, Ordering::SeqCst);
    }

    fn call<'a, T: Send + 'a>(
        &'a self,
        call: BoxFuture<'a, Result<T, StoreError>>,
    ) -> BoxFuture<'a, Result<T, StoreError>> {
        async move {
            if self.yields.load(Ordering::SeqCst) {
                tokio::task::yield_now().await;
            }
            if self.down.load(Ordering::SeqCst) {
                let source = Cause::from("the store is down");
                return Err(StoreError::unavailable("flaky", "answer", source));
            }
            if self.hangs.swap(false, Ordering::SeqCst) {
                sleep(HANGS_FOR).await;
            }
            let answer = call.await;
            while self.answers_held.load(Ordering::SeqCst) {
                sleep(Duration::from_millis(10)).await;
            }
            answer
        }
        .boxed()
    }
}

impl Store for FlakyStore {
    fn name(&self) -> &'static str {
        "the flaky store"
    }

    fn keeps_time(&self) -> bool {
        !self.without_clock.load(Ordering::SeqCst)
    }

    fn read(&self, ids: Vec<TaskId>) -> BoxFuture<'_, Stored<Vec<Option<Row>>>> {
        self.asked_for.fetch_add(ids.len(), Ordering::SeqCst);
        self.call(self.store.read(ids))
    }

    fn write(&self, writes: Vec<Write>) -> BoxFuture<'_, Stored<Vec<Written>>> {
        let extends = writes.iter().any(|write| write.expected.is_some_and(|version| version > 1));
        assert!(!(extends && self.broken.load(Ordering::SeqCst)), "the store is broken");
        if self.hangs_in_writes.swap(false, Ordering::SeqCst) {
            self.hangs.store(true, Ordering::SeqCst);
        }
        let ends = writes.iter().any(|write| write.life.standing == Standing::Completed);
        let less = |left: u32| left.checked_sub(1);
        let (set, get) = (Ordering::SeqCst, Ordering::SeqCst);
        if ends && self.lost_ends.fetch_update(set, get, less).is_ok() {
            let written = self.store.write(writes);
            return async move {
                written.await?;
                Err(StoreError::unavailable("flaky", "answer", Cause::from("lost")))
            }
            .boxed();
        }
        async move {
            while ends && self.ends_held.load(get) {
                sleep(Duration::from_millis(10)).await;
            }
            self.call(self.store.write(writes)).await
        }
        .boxed()
    }

    fn alias(&self, aliases: Vec<Alias>) -> BoxFuture<'_, Stored<Vec<Option<Row>>>> {
        self.call(self.store.alias(aliases))
    }

    fn list(&self, query: ListQuery) -> BoxFuture<'_, Stored<Page>> {
        self.call(self.store.list(query))
    }

    fn due(&self, count_max: usize) -> BoxFuture<'_, Stored<Vec<Row>>> {
        self.looks.fetch_add(1, Ordering::SeqCst);
        if let Some(frozen) = self.frozen_due.lock().unwrap().clone() {
            return async move { Ok(frozen) }.boxed();
        }
        self.call(self.store.due(count_max))
    }

    fn expire(&self, count_max: usize) -> BoxFuture<'_, store::Result<usize>> {
        self.expiries.fetch_add(1, Ordering::SeqCst);
        self.call(self.store.expire(count_max))
    }

    fn values(&self, keys: Vec<String>) -> BoxFuture<'_, Stored<Vec<Option<Value>>>> {
        let of_limits = keys.iter().any(|key| key.starts_with("limits/"));
        if of_limits && self.limits_down.load(Ordering::SeqCst) {
            let source = Cause::from("the limits are down");
            return async { Err(StoreError::unavailable("flaky", "answer", source)) }.boxed();
        }
        let found = self.call(self.store.values(keys));
        if !of_limits {
            return found;
        }
        // Long enough for others to write meanwhile.
        async move {
            let found = found.await;
            sleep(Duration::from_millis(20)).await;
            found
        }
        .boxed()
    }

    fn list_values(&self, prefix: String, most: usize) -> BoxFuture<'_, Stored<Vec<Value>>> {
        self.call(self.store.list_values(prefix, most))
    }

    fn put_value(&self, mut put: PutValue) -> BoxFuture<'_, Stored<ValueWritten>> {
        if self.careless.load(Ordering::SeqCst) {
            put.expected = Expected::Anything;
        }
        self.call(self.store.put_value(put))
    }

    fn separate(self: Arc<Self>) -> BoxFuture<'static, store::Result<Arc<dyn Store>>> {
        async move { Ok(self as Arc<dyn Store>) }.boxed()
    }
}
