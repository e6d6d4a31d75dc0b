//! A worker that dies at any of its calls, before the call is carried out or after.
//!
//! Every call that a worker makes, to the queue or to the store, passes a [`CrashPoint`], which
//! lets so many through and holds the next one for ever. The worker is then dropped, as a killed
//! process ends, and another one takes over.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures::FutureExt as _;
use longshore_tasks::store::{
    self, Alias, Page, PutValue, Row, Timed, Value, ValueWritten, Write, Written,
};
use longshore_tasks::transport::{
    self, BoxFuture, EntryResult, OutgoingMessage, QueueFacts, QueueHandle, ReceiveRequest,
    ReceivedMessage, SentMessage, Transport,
};
use longshore_tasks::{
    Failure, ListQuery, MemoryStore, RetryPolicy, Status, Store, TaskId, Worker,
};
use tokio::time::Instant;

use crate::inputs::Counting;
use crate::lost::kill_in_a_run;
use crate::simulation::Simulation;
use crate::world::{
    Answer, Counter, RECEIVES_MAX, REPLIES, Running, Square, TASKS, TASKS_DEAD, World, start, until,
};

/// On which side of the call the worker dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Before,
    After,
}

/// Holds the call of that number for ever.
#[derive(Debug)]
struct CrashPoint {
    call: u32,
    side: Side,
    calls: AtomicU32,
    reached: Counter,
}

impl CrashPoint {
    fn new(call: u32, side: Side) -> Arc<Self> {
        let (calls, reached) = (AtomicU32::new(0), Counter::default());
        Arc::new(Self { call, side, calls, reached })
    }

    fn pass<'a, T: Send + 'a>(&'a self, call: BoxFuture<'a, T>) -> BoxFuture<'a, T> {
        async move {
            let last = self.calls.fetch_add(1, Ordering::SeqCst) + 1 == self.call;
            if last && self.side == Side::Before {
                self.end().await;
            }
            let answer = call.await;
            if last {
                self.end().await;
            }
            answer
        }
        .boxed()
    }

    async fn end(&self) {
        self.reached.add();
        std::future::pending::<()>().await;
    }
}

/// The queue, as a worker that dies sees it.
#[derive(Debug)]
struct Mortal<T> {
    inner: Arc<T>,
    point: Arc<CrashPoint>,
}

impl Transport for Mortal<Simulation> {
    fn resolve<'a>(&'a self, queue: &'a str) -> BoxFuture<'a, transport::Result<QueueHandle>> {
        self.inner.resolve(queue)
    }

    fn queue_facts<'a>(
        &'a self,
        queue: &'a QueueHandle,
    ) -> BoxFuture<'a, transport::Result<QueueFacts>> {
        self.inner.queue_facts(queue)
    }

    fn send_batch<'a>(
        &'a self,
        queue: &'a QueueHandle,
        messages: Vec<OutgoingMessage>,
    ) -> BoxFuture<'a, transport::Result<Vec<EntryResult<SentMessage>>>> {
        self.point.pass(self.inner.send_batch(queue, messages))
    }

    fn receive<'a>(
        &'a self,
        queue: &'a QueueHandle,
        request: ReceiveRequest,
    ) -> BoxFuture<'a, transport::Result<Vec<ReceivedMessage>>> {
        self.point.pass(self.inner.receive(queue, request))
    }

    fn delete_batch<'a>(
        &'a self,
        queue: &'a QueueHandle,
        receipts: Vec<String>,
    ) -> BoxFuture<'a, transport::Result<Vec<EntryResult<()>>>> {
        self.point.pass(self.inner.delete_batch(queue, receipts))
    }

    fn change_visibility_batch<'a>(
        &'a self,
        queue: &'a QueueHandle,
        changes: Vec<(String, Duration)>,
    ) -> BoxFuture<'a, transport::Result<Vec<EntryResult<()>>>> {
        self.point.pass(self.inner.change_visibility_batch(queue, changes))
    }
}

type Stored<T> = store::Result<Timed<T>>;

/// Calls for a task pass the crash point; those that look for what is due anyway do not.
impl Store for Mortal<MemoryStore> {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn read(&self, ids: Vec<TaskId>) -> BoxFuture<'_, Stored<Vec<Option<Row>>>> {
        self.point.pass(self.inner.read(ids))
    }

    fn write(&self, writes: Vec<Write>) -> BoxFuture<'_, Stored<Vec<Written>>> {
        self.point.pass(self.inner.write(writes))
    }

    fn alias(&self, aliases: Vec<Alias>) -> BoxFuture<'_, Stored<Vec<Option<Row>>>> {
        self.inner.alias(aliases)
    }

    fn list(&self, query: ListQuery) -> BoxFuture<'_, Stored<Page>> {
        self.inner.list(query)
    }

    fn due(&self, count_max: usize) -> BoxFuture<'_, Stored<Vec<Row>>> {
        self.inner.due(count_max)
    }

    fn expire(&self, count_max: usize) -> BoxFuture<'_, store::Result<usize>> {
        self.inner.expire(count_max)
    }

    fn values(&self, keys: Vec<String>) -> BoxFuture<'_, Stored<Vec<Option<Value>>>> {
        self.inner.values(keys)
    }

    fn list_values(&self, prefix: String, most: usize) -> BoxFuture<'_, Stored<Vec<Value>>> {
        self.inner.list_values(prefix, most)
    }

    fn put_value(&self, put: PutValue) -> BoxFuture<'_, Stored<ValueWritten>> {
        self.inner.put_value(put)
    }

    fn separate(self: Arc<Self>) -> BoxFuture<'static, store::Result<Arc<dyn Store>>> {
        async move { Ok(self as Arc<dyn Store>) }.boxed()
    }
}

/// A worker whose calls pass `point`.
fn mortal_worker<F>(
    world: &World,
    point: &Arc<CrashPoint>,
    handler: impl Fn(Square) -> F + Send + Sync + 'static,
) -> Worker
where
    F: Future<Output = Answer> + Send + 'static,
{
    let queue = Mortal { inner: Arc::clone(&world.simulation), point: Arc::clone(point) };
    let claims = Mortal { inner: Arc::clone(&world.store), point: Arc::clone(point) };
    Worker::new(Arc::new(queue), TASKS, Arc::new(claims))
        .handle(move |task: Square| handler(task))
        .own_thread(false)
        .reply_queue(REPLIES)
        .clock(Arc::new(world.clock))
        .random(Arc::new(Counting::default()))
        .retry(RetryPolicy::default().attempts(3))
}

/// Runs a task whose worker dies at every call that it makes, on either side of it, each in a
/// world of its own, until one is not reached any more. `handler` is told which run it is.
async fn at_every_call<F>(
    handler: impl Fn(u32) -> F + Clone + Send + Sync + 'static,
    check: impl AsyncFn(World, TaskId, String),
) where
    F: Future<Output = Answer> + Send + 'static,
{
    for side in [Side::Before, Side::After] {
        for call in 1.. {
            let world = World::new();
            let point = CrashPoint::new(call, side);
            let id = world.send(8).await;
            let runs = Counter::default();
            let run = {
                let (handler, runs) = (handler.clone(), runs.clone());
                move |_| handler(runs.add())
            };
            let first = start(mortal_worker(&world, &point, run.clone()));
            let done = || world.simulation.messages(TASKS).is_empty();
            until(|| done() || point.reached.get() > 0).await;
            if point.calls.load(Ordering::SeqCst) < call {
                assert!(call > 5, "receive, claim, complete, reply and delete are calls: {call}");
                break;
            }
            first.kill().await;
            let second = start(mortal_worker(&world, &CrashPoint::new(0, side), run));
            world.until_empty(TASKS).await;
            second.kill().await;
            check(world, id, format!("died {side:?} call {call}")).await;
        }
    }
}

async fn settle(world: &World) {
    let replies: Running<_> = world.start_replies();
    world.until_empty(REPLIES).await;
    replies.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_crash_at_any_step_of_a_task_loses_no_reply_and_keeps_one_effect() {
    // Each run would reply something else: a second reply that differs shows a second effect.
    at_every_call(
        |run| async move { Ok(i64::from(run)) },
        async |world, id, case| {
            let mut bodies = world.bodies(REPLIES);
            assert!(!bodies.is_empty(), "{case}: no reply");
            bodies.dedup();
            assert_eq!(bodies.len(), 1, "{case}: replies that differ");
            assert!(world.simulation.messages(TASKS_DEAD).is_empty(), "{case}: dead letters");
            settle(&world).await;
            let status = world.status(&id).await;
            assert_eq!(status, Some(Status::Completed { body: bodies.remove(0) }), "{case}");
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_crash_at_any_step_of_a_dead_task_loses_neither_reply_nor_dead_letter() {
    at_every_call(
        |_| async { Err(Failure::dead("no")) },
        async |world, id, case| {
            let dead = world.simulation.messages(TASKS_DEAD);
            assert!((1..=2).contains(&dead.len()), "{case}: {} dead letters", dead.len());
            assert_eq!(dead[0].text("reason"), Some("no"), "{case}");
            settle(&world).await;
            let body = r#"{"message":"no"}"#.to_owned();
            assert_eq!(world.status(&id).await, Some(Status::Failed { body }), "{case}");
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_crash_at_any_step_of_a_retried_task_loses_no_reply() {
    at_every_call(
        |run| async move { if run == 1 { Err(Failure::retry("again")) } else { Ok(8) } },
        async |world, id, case| {
            settle(&world).await;
            let status = world.status(&id).await;
            assert_eq!(status, Some(Status::Completed { body: "8".to_owned() }), "{case}");
            assert!(world.simulation.messages(TASKS_DEAD).is_empty(), "{case}: dead letters");
        },
    )
    .await;
}

/// At its third last receive a worker is killed in the run, and at both others one at the same call that it makes, on either
/// side of it: before it has claimed the task, or after.
#[tokio::test(start_paused = true)]
async fn a_crash_at_any_step_of_both_last_receives_loses_no_reply() {
    for side in [Side::Before, Side::After] {
        for call in 1.. {
            let (world, case) = (World::new(), format!("died {side:?} call {call}"));
            let id = world.send(8).await;
            world.simulation.set_receive_count(TASKS, RECEIVES_MAX - 3);
            kill_in_a_run(&world).await;
            let runs = Counter::default();
            let run = {
                let runs = runs.clone();
                move |_| {
                    runs.add();
                    async { Err::<i64, _>(Failure::retry_after(Duration::from_secs(1), "again")) }
                }
            };
            let mut reached = 0;
            for _ in 0..2 {
                let point = CrashPoint::new(call, side);
                let mortal = start(mortal_worker(&world, &point, run.clone()));
                let ended = || !world.simulation.messages(REPLIES).is_empty();
                until(|| ended() || point.reached.get() > 0).await;
                reached += point.reached.get();
                mortal.kill().await;
            }
            let last = start(mortal_worker(&world, &CrashPoint::new(0, side), run));
            until(|| !world.simulation.messages(REPLIES).is_empty()).await;
            world.until_empty(TASKS).await;
            last.kill().await;
            settle(&world).await;
            let body = r#"{"message":"again"}"#.to_owned();
            let cut_off = matches!(world.status(&id).await, Some(Status::Failed { body })
                if body.contains("ended its worker"));
            let failed = world.status(&id).await == Some(Status::Failed { body });
            assert!(failed || cut_off, "{case}: {:?}", world.status(&id).await);
            assert!(runs.get() <= 3, "{case}: {} runs", runs.get());
            if reached == 0 {
                assert!(call > 5, "receive, claim, retry, send and delete are calls: {call}");
                break;
            }
        }
    }
}

/// How long the task of a worker that was killed `after` that time of running waits for the next
/// one, counted from the kill, and how often its message was received by then.
async fn wait_after_a_kill(visibility: Duration, after: Duration) -> (Duration, u32) {
    let world = World::with_visibility(visibility);
    world.send(8).await;
    let runs = Counter::default();
    let deadly = {
        let runs = runs.clone();
        move |_, _| {
            runs.add();
            std::future::pending()
        }
    };
    let first = start(world.worker(deadly.clone()));
    until(|| runs.get() == 1).await;
    let second = start(world.worker(deadly));
    tokio::time::sleep(after).await;
    first.kill().await;
    let killed_at = Instant::now();
    until(|| runs.get() == 2).await;
    let waited = killed_at.elapsed();
    second.kill().await;
    (waited, world.simulation.messages(TASKS)[0].receive_count)
}

#[tokio::test(start_paused = true)]
async fn the_task_of_a_killed_worker_runs_again_a_visibility_timeout_and_a_twentieth_later() {
    for seconds in [4, 10, 30, 120, 3600] {
        let visibility = Duration::from_secs(seconds);
        let margin = (visibility / 20).clamp(Duration::from_secs(1), Duration::from_secs(5));
        let bound = visibility + margin + Duration::from_millis(50);
        // Killed at once, between renewals, and just after one.
        for after in [Duration::ZERO, visibility / 3, visibility / 2 + Duration::from_millis(20)] {
            let (waited, receives) = wait_after_a_kill(visibility, after).await;
            let case = format!("{visibility:?}, killed after {after:?}");
            assert!(waited <= bound, "{case}: waited {waited:?}");
            assert_eq!(receives, 2, "{case}: one redelivery is enough");
        }
    }
}
