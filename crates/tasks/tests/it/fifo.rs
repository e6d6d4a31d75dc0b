//! FIFO queues: message groups, and deduplication ids that swallow nothing that is meant.

use std::sync::Arc;
use std::time::Duration;

use longshore_tasks::transport::{Action, QueueHandle};
use longshore_tasks::{
    Client, ClientOptions, Failure, Reply, RetryPolicy, SendError, Status, Store, Worker,
    WorkerError, WorkerReport, reply,
};
use tokio_util::sync::CancellationToken;

use tokio::time::{Instant, sleep};

use crate::inputs::Counting;
use crate::simulation::Fault;
use crate::world::{Counter, REPLIES, Running, Square, VISIBILITY, World, start, until};

pub(crate) const TASKS: &str = "tasks.fifo";
const DEAD: &str = "tasks-dead.fifo";

pub(crate) fn world() -> (World, Client) {
    let world = World::new();
    world.simulation.create(DEAD, VISIBILITY, None);
    world.simulation.create(TASKS, VISIBILITY, Some((DEAD, 3)));
    let options = ClientOptions { clock: Arc::new(world.clock), ..ClientOptions::default() };
    let (queue, store) = (Arc::clone(&world.simulation) as _, Arc::clone(&world.store) as _);
    let client = Client::new(queue, TASKS, store, options);
    (world, client)
}

fn worker(world: &World, runs: &Counter) -> Worker {
    let counter = runs.clone();
    worker_without_handlers(world).handle(move |_: Square| {
        counter.add();
        async { Err(Failure::retry("again")) }
    })
}

fn worker_without_handlers(world: &World) -> Worker {
    let store: Arc<dyn Store> = Arc::clone(&world.store) as _;
    Worker::new(Arc::clone(&world.simulation) as _, TASKS, store)
        .own_thread(false)
        .reply_queue(REPLIES)
        .random(Arc::new(Counting::default()))
        .clock(Arc::new(world.clock))
        .wait(Duration::from_secs(1))
}

/// A worker whose store can be down.
pub(crate) fn squaring(world: &World) -> Worker {
    flaky(world).handle(|Square(n): Square| async move { Ok(n * n) })
}

/// The same without a handler.
pub(crate) fn flaky(world: &World) -> Worker {
    Worker::new(Arc::clone(&world.simulation) as _, TASKS, Arc::clone(&world.flaky) as _)
        .own_thread(false)
        .reply_queue(REPLIES)
        .random(Arc::new(Counting::default()))
        .clock(Arc::new(world.clock))
        .wait(Duration::from_secs(1))
}

#[tokio::test(start_paused = true)]
async fn on_a_fifo_queue_a_task_is_never_sent_anew_and_its_attempts_fit_its_receives() {
    let (world, client) = world();
    client.send(Square(8)).await.unwrap();
    let runs = Counter::default();
    let worker = start(worker(&world, &runs));
    until(|| world.simulation.messages(TASKS).is_empty()).await;
    // The queue grants three receives: two attempts, and one for an attempt that ends its worker.
    assert_eq!(runs.get(), 2);
    let sends = world.simulation.calls(Action::SendMessageBatch);
    assert_eq!(sends.iter().filter(|call| call.queue == TASKS).count(), 1);
    assert_eq!(world.simulation.messages(DEAD)[0].text("reason"), Some("again"));
    assert_eq!(world.simulation.messages(REPLIES)[0].text("status"), Some("FAILED"));
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_fifo_queue_without_slack_over_the_attempts_is_refused_at_the_start() {
    let (world, _) = world();
    let worker = worker(&world, &Counter::default()).retry(RetryPolicy::default().attempts(3));
    let refusal = worker.run(CancellationToken::new()).await.unwrap_err();
    assert!(matches!(refusal, WorkerError::NoSlack { attempts: 3, receives: 3, .. }), "{refusal}");
    assert!(refusal.to_string().contains("maxReceiveCount"), "{refusal}");
}

#[tokio::test(start_paused = true)]
async fn on_a_fifo_queue_the_task_of_a_worker_that_dies_each_time_ends_with_a_reply() {
    let (world, client) = world();
    client.send(Square(8)).await.unwrap();
    for _ in 0..2 {
        let runs = Counter::default();
        let counter = runs.clone();
        let deadly = worker_without_handlers(&world).handle(move |_: Square| {
            counter.add();
            std::future::pending::<Result<i64, Failure>>()
        });
        let worker = start(deadly);
        until(|| runs.get() == 1).await;
        worker.kill().await;
    }
    let last = start(worker(&world, &Counter::default()));
    until(|| world.simulation.messages(TASKS).is_empty()).await;
    let reason = world.simulation.messages(DEAD)[0].text("reason").unwrap().to_owned();
    assert!(reason.starts_with("attempt 2 was the last"), "{reason}");
    assert_eq!(world.simulation.messages(REPLIES)[0].text("status"), Some("FAILED"));
    last.stop().await;
}

#[tokio::test(start_paused = true)]
async fn on_a_fifo_queue_a_task_that_dies_again_after_its_redrive_leaves_a_dead_letter_again() {
    let (world, client) = world();
    client.send(Square(8)).await.unwrap();
    let worker = start(worker(&world, &Counter::default()));
    until(|| world.simulation.messages(DEAD).len() == 1).await;
    // SQS knows the deduplication id of what has left a queue for five minutes; the simulation, of
    // what is on it. So a copy is put back, and the first stays.
    let dead = world.simulation.messages(DEAD)[0].clone();
    world.simulation.put(TASKS, &dead.body, dead.attributes);
    until(|| world.simulation.messages(TASKS).is_empty()).await;
    let generations: Vec<_> = world.simulation.messages(DEAD);
    let generations: Vec<_> = generations.iter().map(|dead| dead.text("generation")).collect();
    assert_eq!(generations, [Some("1"), Some("2")]);
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn on_a_fifo_queue_a_dead_letter_whose_answer_was_lost_is_not_sent_twice() {
    let (world, client) = world();
    client.send(Square(8)).await.unwrap();
    // Neither of the reply nor of the dead letter an answer comes, however often they are tried.
    for _ in 0..12 {
        world.simulation.fail_next(Action::SendMessageBatch, Fault::AnswerLost);
    }
    let broken = || async { Err::<i64, _>(Failure::dead("broken")) };
    let worker = start(worker_without_handlers(&world).handle(move |_: Square| broken()));
    sleep(Duration::from_secs(60)).await;
    assert_eq!(world.simulation.messages(DEAD).len(), 1);
    assert_eq!(worker.stop().await.made_good, 2, "both were sent again from the record");
}

/// A worker that has begun to receive when the store goes: one that starts without it receives nothing.
async fn start_and_lose_the_store(world: &World) -> Running<WorkerReport> {
    let worker = start(squaring(world));
    until(|| !world.simulation.calls(Action::ReceiveMessage).is_empty()).await;
    world.flaky.set_down(true);
    worker
}

#[tokio::test(start_paused = true)]
async fn on_a_fifo_queue_a_task_survives_an_hour_without_the_store() {
    let (world, client) = world();
    let worker = start_and_lose_the_store(&world).await;
    let id = client.send(Square(8)).await.unwrap().id().clone();
    sleep(Duration::from_secs(3600)).await;
    assert_eq!(world.simulation.messages(TASKS)[0].receive_count, 3);
    world.flaky.set_down(false);
    until(|| world.simulation.messages(TASKS).is_empty()).await;
    assert_eq!(world.simulation.messages(REPLIES)[0].text("status"), Some("COMPLETED"));
    assert_eq!(client.status(&id).await.unwrap(), Some(Status::Completed { body: "64".into() }));
    assert!(world.simulation.messages(DEAD).is_empty());
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn on_a_fifo_queue_a_task_that_runs_elsewhere_is_waited_for_at_its_last_receive() {
    let (world, client) = world();
    let worker = start_and_lose_the_store(&world).await;
    let id = client.send(Square(8)).await.unwrap().id().clone();
    until(|| world.simulation.messages(TASKS)[0].receive_count == 2).await;
    world.claim_elsewhere(&id, Duration::from_secs(1800)).await;
    world.flaky.set_down(false);
    until(|| world.simulation.messages(TASKS).is_empty()).await;
    assert_eq!(world.simulation.messages(REPLIES)[0].text("status"), Some("COMPLETED"));
    assert!(world.simulation.messages(DEAD).is_empty());
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn on_a_fifo_queue_a_wait_at_the_last_receive_holds_no_shutdown_up() {
    let (world, client) = world();
    let worker = start_and_lose_the_store(&world).await;
    client.send(Square(8)).await.unwrap();
    until(|| world.simulation.messages(TASKS)[0].receive_count == 3).await;
    sleep(Duration::from_secs(60)).await;
    let stopped_at = Instant::now();
    worker.stop().await;
    assert!(stopped_at.elapsed() < Duration::from_secs(30), "{:?}", stopped_at.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_key_is_the_message_group_on_both_kinds_of_queue() {
    let (world, client) = world();
    client.send(Square(8)).key("tenant-1").await.unwrap();
    world.client.send(Square(8)).key("tenant-1").await.unwrap();
    for queue in [TASKS, crate::world::TASKS] {
        let sent = &world.simulation.messages(queue)[0];
        assert_eq!(sent.group_id.as_deref(), Some("tenant-1"), "{queue}");
    }
    let refusal = client.send(Square(8)).key("no group").await.unwrap_err();
    assert!(matches!(refusal, SendError::Invalid { .. }), "{refusal}");
}

#[tokio::test(start_paused = true)]
async fn completed_is_not_taken_for_a_duplicate_of_failed() {
    let (world, client) = world();
    let id = client.send(Square(8)).await.unwrap().id().clone();
    let queue = QueueHandle::new("replies.fifo", "sim://replies.fifo");
    let failed = reply::seal(&queue, &id, Reply::failed("no"), world.now(), None);
    let completed = reply::seal(&queue, &id, Reply::completed("64"), world.now(), None);
    assert_eq!(failed.group_id, completed.group_id);
    assert_ne!(failed.deduplication_id, completed.deduplication_id);
}
