//! Tasks whose message SQS dead-letters itself, because no worker lived to do anything about it.

use std::sync::Arc;
use std::time::Duration;

use longshore_tasks::transport::Action;
use longshore_tasks::{
    Client, ClientOptions, Failure, RetryPolicy, Status, TaskId, Worker, WorkerReport,
};
use tokio::time::{Instant, sleep};

use crate::fifo;
use crate::lost::{kill_in_a_run, squaring};
use crate::world::{
    Counter, RECEIVES_MAX, REPLIES, RETENTION, Running, Square, TASKS, TASKS_DEAD, VISIBILITY,
    World, start, until,
};

const DEAD_FIFO: &str = "tasks-dead.fifo";

fn done(body: &str) -> Status {
    Status::Completed { body: body.to_owned() }
}

/// How often something was sent to the task queue.
fn sends(world: &World) -> usize {
    let calls = world.simulation.calls(Action::SendMessageBatch);
    calls.iter().filter(|call| call.queue == TASKS).count()
}

/// Puts every dead letter back on a queue, as a redrive with a destination does.
fn redrive(world: &World, from: &str, to: &str) {
    for dead in world.simulation.take_all(from) {
        world.simulation.put(to, &dead.body, dead.attributes);
    }
}

/// A worker that is killed when it sends the task anew, before that is carried out.
async fn kill_in_a_resend(world: &World) {
    world.simulation.hold(Action::SendMessageBatch);
    let before = sends(world);
    let worker = squaring(world, &Counter::default());
    until(|| sends(world) > before).await;
    worker.kill().await;
    world.simulation.let_go(Action::SendMessageBatch);
}

async fn until_answered(world: &World) {
    until(|| !world.simulation.messages(REPLIES).is_empty()).await;
}

#[tokio::test(start_paused = true)]
async fn a_task_whose_workers_are_killed_at_both_of_its_last_receives_is_sent_anew_by_one_worker() {
    let world = World::new();
    let id = world.send(8).await;
    world.simulation.set_receive_count(TASKS, RECEIVES_MAX - 2);
    kill_in_a_resend(&world).await;
    kill_in_a_resend(&world).await;
    assert_eq!(world.simulation.messages(TASKS)[0].receive_count, RECEIVES_MAX);
    let (killed_at, before, runs) = (Instant::now(), sends(&world), Counter::default());
    let workers = [squaring(&world, &runs), squaring(&world, &runs)];
    until_answered(&world).await;
    // The claim, its message's return, and the time for which it is seen to be gone.
    let bound = VISIBILITY * 3 + Duration::from_secs(10);
    assert!(killed_at.elapsed() < bound, "{:?}", killed_at.elapsed());
    assert_eq!((world.status(&id).await, runs.get()), (Some(done("64")), 1));
    assert_eq!(sends(&world), before + 1, "one of the two workers sends it anew");
    let native = world.simulation.messages(TASKS_DEAD);
    assert_eq!((native.len(), native[0].text("reason")), (1, None));

    // What SQS dead-lettered is a duplicate, and nobody looks for the task any more.
    redrive(&world, TASKS_DEAD, TASKS);
    sleep(VISIBILITY * 10).await;
    assert!(world.simulation.messages(TASKS).is_empty());
    assert_eq!((sends(&world), runs.get()), (before + 1, 1));
    let [one, other] = workers;
    let (one, other) = (one.stop().await, other.stop().await);
    assert_eq!(one.stranded + other.stranded, 1);
}

#[tokio::test(start_paused = true)]
async fn a_task_that_gets_one_receive_survives_a_kill() {
    let world = World::new();
    world.simulation.create(TASKS, VISIBILITY, Some((TASKS_DEAD, 1)));
    let id = world.send(8).await;
    kill_in_a_run(&world).await;
    let runs = Counter::default();
    let worker = squaring(&world, &runs);
    until_answered(&world).await;
    assert_eq!((world.status(&id).await, runs.get()), (Some(done("64")), 1));
    assert_eq!(world.simulation.messages(TASKS_DEAD).len(), 1);
    assert_eq!(worker.stop().await.stranded, 1);
}

#[tokio::test(start_paused = true)]
async fn a_redriven_task_that_is_stranded_is_sent_anew_in_its_own_generation() {
    let world = World::new();
    let id = world.send(8).await;
    let dying = start(world.worker(|_, _| async { Err(Failure::dead("broken")) }));
    until(|| !world.simulation.messages(TASKS_DEAD).is_empty()).await;
    dying.stop().await;
    redrive(&world, TASKS_DEAD, TASKS);
    world.simulation.set_receive_count(TASKS, RECEIVES_MAX - 2);
    kill_in_a_resend(&world).await;
    kill_in_a_resend(&world).await;
    let runs = Counter::default();
    let worker = squaring(&world, &runs);
    until(|| runs.get() == 1).await;
    world.until_empty(TASKS).await;
    assert_eq!(world.status(&id).await, Some(done("64")));
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_stranded_task_whose_end_is_wanted_ends_cancelled_and_does_not_run() {
    let world = World::new();
    let id = world.send(8).await;
    world.simulation.set_receive_count(TASKS, RECEIVES_MAX - 2);
    kill_in_a_resend(&world).await;
    kill_in_a_resend(&world).await;
    world.client.cancel(&id).await.unwrap();
    let runs = Counter::default();
    let worker = squaring(&world, &runs);
    until_answered(&world).await;
    assert_eq!(world.simulation.messages(REPLIES)[0].text("status"), Some("FAILED"));
    let report = worker.stop().await;
    assert_eq!((report.cancelled, report.stranded, runs.get()), (1, 1, 0));
}

async fn kill_in_a_run_that_keeps_nothing(world: &World) {
    let runs = Counter::default();
    let counter = runs.clone();
    let deadly = world.worker(move |_, _| {
        counter.add();
        std::future::pending()
    });
    let worker = start(deadly.argument_kept_bytes(0));
    until(|| runs.get() == 1).await;
    worker.kill().await;
}

/// A client whose records keep no arguments, and a worker of which they do not either.
fn keeping_nothing(world: &World, runs: &Counter) -> (Client, Worker) {
    let options = ClientOptions {
        clock: Arc::new(world.clock),
        reply_queue: Some(REPLIES.to_owned()),
        retention: RETENTION,
        argument_kept_bytes: 0,
        ..ClientOptions::default()
    };
    let (queue, store) = (Arc::clone(&world.simulation) as _, Arc::clone(&world.store) as _);
    let runs = runs.clone();
    let worker = world.worker(move |Square(n), _| {
        runs.add();
        async move { Ok(n * n) }
    });
    (Client::new(queue, TASKS, store, options), worker.argument_kept_bytes(0))
}

#[tokio::test(start_paused = true)]
async fn a_task_whose_argument_is_not_kept_is_answered_and_its_message_leads_to_a_dead_letter() {
    let (world, runs) = (World::new(), Counter::default());
    world.simulation.create(TASKS, VISIBILITY, Some((TASKS_DEAD, 1)));
    let (client, worker) = keeping_nothing(&world, &runs);
    let id = client.send(Square(8)).await.unwrap().id().clone();
    kill_in_a_run_that_keeps_nothing(&world).await;
    let worker = start(worker);
    until_answered(&world).await;
    let Some(Status::Failed { body }) = world.status(&id).await else { panic!("no answer") };
    assert!(body.contains("none of its workers ended it"), "{body}");
    assert!(runs.get() == 0 && world.simulation.messages(TASKS_DEAD).len() == 1);

    // The message that SQS dead-lettered is all that there is of the argument.
    redrive(&world, TASKS_DEAD, TASKS);
    until(|| !world.simulation.messages(TASKS_DEAD).is_empty()).await;
    assert_eq!(world.simulation.messages(TASKS_DEAD)[0].text("generation"), Some("1"));
    redrive(&world, TASKS_DEAD, TASKS);
    until(|| runs.get() == 1).await;
    world.until_empty(TASKS).await;
    assert_eq!(world.status(&id).await, Some(done("64")));
    worker.stop().await;
}

/// A task of a FIFO queue with three receives, whose worker is killed at the last.
async fn killed_at_the_last_receive() -> (World, TaskId) {
    let (world, client) = fifo::world();
    let id = client.send(Square(8)).await.unwrap().id().clone();
    world.simulation.set_receive_count(fifo::TASKS, 2);
    let runs = Counter::default();
    let counter = runs.clone();
    let deadly = start(fifo::flaky(&world).handle(move |_: Square| {
        counter.add();
        std::future::pending::<Result<i64, Failure>>()
    }));
    until(|| runs.get() == 1).await;
    deadly.kill().await;
    (world, id)
}

fn fifo_sends(world: &World) -> usize {
    let calls = world.simulation.calls(Action::SendMessageBatch);
    calls.iter().filter(|call| call.queue == fifo::TASKS).count()
}

#[tokio::test(start_paused = true)]
async fn on_a_fifo_queue_a_task_whose_worker_is_killed_at_its_last_receive_is_answered() {
    let (world, id) = killed_at_the_last_receive().await;
    let (killed_at, worker) = (Instant::now(), start(fifo::squaring(&world)));
    until_answered(&world).await;
    let bound = VISIBILITY * 3 + Duration::from_secs(25);
    assert!(killed_at.elapsed() < bound, "{:?}", killed_at.elapsed());
    assert!(matches!(world.status(&id).await, Some(Status::Failed { .. })));
    assert_eq!(fifo_sends(&world), 1, "nothing is sent anew to a FIFO queue");
    until(|| world.simulation.messages(DEAD_FIFO).len() == 2).await;
    let dead = world.simulation.messages(DEAD_FIFO);
    let generations: Vec<_> = dead.iter().map(|dead| dead.text("generation")).collect();
    assert_eq!(generations, [None, Some("1")], "the message itself, and the copy");

    // Redriven together, the copy runs; the message itself is a duplicate.
    redrive(&world, DEAD_FIFO, fifo::TASKS);
    world.until_empty(fifo::TASKS).await;
    assert_eq!(world.status(&id).await, Some(done("64")));
    let report = worker.stop().await;
    assert_eq!((report.stranded, report.dead, report.done), (1, 1, 1));
}

/// Fails the first run of each task but `2`, which takes ten minutes.
fn slow_at_two(world: &World, failed: &Counter) -> Running<WorkerReport> {
    let failed = failed.clone();
    let run = move |Square(n): Square| {
        let first = n != 2 && failed.get() == 0;
        if first {
            failed.add();
        }
        async move {
            if n == 2 {
                sleep(Duration::from_secs(600)).await;
            }
            if first { Err(Failure::retry_after(Duration::from_secs(5), "again")) } else { Ok(n) }
        }
    };
    let policy = RetryPolicy::default().attempts(2);
    start(fifo::flaky(world).handle(run).retry(policy).concurrency(1))
}

#[tokio::test(start_paused = true)]
async fn on_a_fifo_queue_a_task_that_waits_for_a_place_is_not_given_up() {
    let (world, client) = fifo::world();
    let id = client.send(Square(8)).await.unwrap().id().clone();
    let failed = Counter::default();
    let worker = slow_at_two(&world, &failed);
    client.send(Square(2)).await.unwrap();
    until(|| failed.get() == 1).await;
    world.until_empty(fifo::TASKS).await;
    assert_eq!(world.status(&id).await, Some(done("8")));
    let report = worker.stop().await;
    assert_eq!((report.stranded, report.done), (0, 2));
}

#[tokio::test(start_paused = true)]
async fn on_a_fifo_queue_that_is_paused_nobody_is_given_up() {
    let (world, client) = fifo::world();
    let id = client.send(Square(8)).await.unwrap().id().clone();
    let failed = Counter::default();
    let worker = slow_at_two(&world, &failed);
    until(|| failed.get() == 1).await;
    client.pause(fifo::TASKS).await.unwrap();
    sleep(Duration::from_secs(3600)).await;
    assert_eq!(world.simulation.messages(fifo::TASKS).len(), 1);
    client.resume(fifo::TASKS).await.unwrap();
    world.until_empty(fifo::TASKS).await;
    assert_eq!(world.status(&id).await, Some(done("8")));
    assert_eq!(worker.stop().await.stranded, 0);
}
