//! Rates of tasks: no more begin than may, nothing is lost by it, and others are not held up.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use longshore_tasks::{
    Context, Failure, Handlers, Json, RateLimit, Task, TaskOptions, Worker, WorkerError,
};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::fifo;
use crate::world::{Counter, Square, TASKS, TASKS_DEAD, World, start, until};

/// A task without a rate, on the same queue.
#[derive(Serialize, Deserialize)]
struct Other(u32);

impl Task for Other {
    const NAME: &'static str = "other";
    type Reply = u32;
    type Codec = Json;
}

/// When each run began.
type Begun = Arc<Mutex<Vec<Instant>>>;

fn limited(limit: RateLimit, begun: &Begun) -> Handlers {
    let begun = Arc::clone(begun);
    let handler = move |Square(number): Square, ctx: Context| {
        begun.lock().unwrap().push(Instant::now());
        async move {
            assert_eq!(ctx.attempt(), 1);
            Ok::<_, Failure>(number)
        }
    };
    let options = TaskOptions::new().rate_limit(limit);
    Handlers::new().handle::<Square, _, _>(handler).options::<Square>(options)
}

fn worker(world: &World, handlers: &Handlers) -> Worker {
    world.worker_without_handlers().handlers(handlers, &()).wait(Duration::from_secs(1))
}

async fn send_all(world: &World, count: i64) {
    let sent = world.client.send_all((0..count).map(Square)).await;
    assert!(sent.iter().all(Result::is_ok));
}

/// The most that began within that time, from any of them on.
fn most_within(begun: &Begun, time: Duration) -> usize {
    let begun = begun.lock().unwrap();
    let within = |first: &Instant| {
        begun.iter().filter(|other| **other >= *first && **other < *first + time).count()
    };
    begun.iter().map(within).max().unwrap_or(0)
}

#[tokio::test(start_paused = true)]
async fn no_more_begin_than_the_rate_says_and_each_runs_once_at_its_first_attempt() {
    let (world, begun) = (World::new(), Begun::default());
    let limit = RateLimit::per_second(2).burst(4);
    let worker = start(worker(&world, &limited(limit, &begun)));
    let sent_at = Instant::now();
    send_all(&world, 60).await;
    world.until_empty(TASKS).await;
    assert!(sent_at.elapsed() >= Duration::from_secs(28), "{:?}", sent_at.elapsed());
    assert!(sent_at.elapsed() < Duration::from_secs(90), "{:?}", sent_at.elapsed());
    // A burst, and what the rate adds in the time.
    assert!(most_within(&begun, Duration::from_secs(10)) <= 4 + 20);
    let report = worker.stop().await;
    assert_eq!((report.done, report.lost, report.dead, report.retried), (60, 0, 0, 0));
    assert_eq!(begun.lock().unwrap().len(), 60);
    assert!(world.simulation.messages(TASKS_DEAD).is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_would_wait_long_comes_again_at_its_turn_and_keeps_its_attempts() {
    let (world, begun) = (World::new(), Begun::default());
    let worker = start(worker(&world, &limited(RateLimit::per_minute(1), &begun)));
    let sent_at = Instant::now();
    send_all(&world, 8).await;
    world.until_empty(TASKS).await;
    let at: Vec<u64> =
        begun.lock().unwrap().iter().map(|at| (*at - sent_at).as_secs() / 60).collect();
    assert_eq!(at, [0, 1, 2, 3, 4, 5, 6, 7]);
    let report = worker.stop().await;
    assert_eq!((report.done, report.dead, report.retried), (8, 0, 0));
    // Each was put off once or twice, and not over and over.
    assert!(report.snoozed <= 16, "{}", report.snoozed);
    assert!(world.simulation.messages(TASKS_DEAD).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_a_limited_task_leaves_places_to_others() {
    let (world, begun) = (World::new(), Begun::default());
    let others = Counter::default();
    let counter = others.clone();
    let handlers = limited(RateLimit::per_second(2).burst(1), &begun);
    let handlers = handlers.handle(move |Other(number): Other| {
        counter.add();
        async move { Ok(number) }
    });
    let worker = start(worker(&world, &handlers));
    send_all(&world, 100).await;
    until(|| begun.lock().unwrap().len() >= 3).await;
    let sent_at = Instant::now();
    world.client.send(Other(1)).await.unwrap();
    until(|| others.get() == 1).await;
    // At two a second, the flood alone takes 50 s.
    assert!(sent_at.elapsed() < Duration::from_secs(15), "{:?}", sent_at.elapsed());
    world.until_empty(TASKS).await;
    let report = worker.stop().await;
    assert_eq!((report.done, report.dead), (101, 0));
    assert!(report.snoozed < 300, "{}", report.snoozed);
    assert!(most_within(&begun, Duration::from_secs(10)) <= 21);
}

#[tokio::test(start_paused = true)]
async fn on_a_fifo_queue_a_task_waits_for_its_turn_with_its_lease_kept() {
    let (world, client) = fifo::world();
    let begun = Begun::default();
    let handlers = limited(RateLimit::per_minute(1), &begun);
    let (queue, store) = (Arc::clone(&world.simulation) as _, Arc::clone(&world.store) as _);
    let worker = Worker::new(queue, fifo::TASKS, store).handlers(&handlers, &());
    let worker = worker.own_thread(false).clock(Arc::new(world.clock)).wait(Duration::from_secs(1));
    let worker = start(worker);
    for number in 0..4 {
        client.send(Square(number)).key("one").await.unwrap();
    }
    until(|| world.simulation.messages(fifo::TASKS).is_empty()).await;
    let gaps: Vec<u64> =
        begun.lock().unwrap().windows(2).map(|two| (two[1] - two[0]).as_secs()).collect();
    assert_eq!(gaps, [60, 60, 60]);
    let report = worker.stop().await;
    assert_eq!((report.done, report.snoozed, report.lost), (4, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn the_workers_of_a_process_share_a_rate() {
    let (world, begun) = (World::new(), Begun::default());
    let handlers = limited(RateLimit::per_second(1), &begun);
    let workers = [start(worker(&world, &handlers)), start(worker(&world, &handlers))];
    send_all(&world, 20).await;
    world.until_empty(TASKS).await;
    assert!(most_within(&begun, Duration::from_secs(5)) <= 6, "{begun:?}");
    for worker in workers {
        worker.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_worker_does_not_start_with_a_rate_that_lets_nothing_run() {
    let world = World::new();
    for (limit, told) in [
        (RateLimit::per_second(0), "a rate of 0"),
        (RateLimit::per_second(8).burst(0), "a burst of 0"),
        (RateLimit::new(1, Duration::MAX), "a day or less"),
    ] {
        let worker = worker(&world, &limited(limit, &Begun::default()));
        let refusal = worker.run(CancellationToken::new()).await.unwrap_err();
        assert!(matches!(refusal, WorkerError::Rate { .. }), "{refusal}");
        assert!(refusal.to_string().contains(told), "{refusal}");
    }
}
