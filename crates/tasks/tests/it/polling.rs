//! When a worker receives, how many receives it makes at once, and what becomes of one that hangs.

use std::sync::Arc;
use std::time::Duration;

use longshore_tasks::WorkerStatus;
use longshore_tasks::transport::Action;
use longshore_types::Timestamp;
use tokio::time::{Instant, sleep};

use crate::replies::foreign_reply;
use crate::simulation::Fault;
use crate::world::{Counter, REPLIES, Square, TASKS, World, start, until};

/// The most receives at once that were seen until the queue was empty.
async fn most_at_once(world: &World, status: &WorkerStatus) -> u64 {
    let mut most = 0;
    until(|| {
        most = most.max(status.receiving());
        world.simulation.messages(TASKS).is_empty()
    })
    .await;
    most
}

#[tokio::test(start_paused = true)]
async fn receives_go_side_by_side_while_they_come_back_full_and_one_is_left_when_idle() {
    let world = World::new();
    world.simulation.set_way(Duration::from_millis(50));
    let tasks: Vec<Square> = (0..400).map(Square).collect();
    world.client.send_all(tasks).await;
    let worker = world.worker(|Square(n), _| async move { Ok(n) }).concurrency(100);
    let status = worker.status();
    let worker = start(worker);
    assert_eq!(most_at_once(&world, &status).await, 8);
    sleep(Duration::from_secs(60)).await;
    assert_eq!(status.receiving(), 1);
    let before = world.simulation.calls(Action::ReceiveMessage).len();
    sleep(Duration::from_secs(200)).await;
    let idle = world.simulation.calls(Action::ReceiveMessage).len() - before;
    assert!(idle <= 10, "{idle} receives in 200 s without a task");
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_may_run_ten_receives_one_at_a_time() {
    let world = World::new();
    world.simulation.set_way(Duration::from_millis(50));
    let tasks: Vec<Square> = (0..100).map(Square).collect();
    world.client.send_all(tasks).await;
    let worker = world.worker(|Square(n), _| async move { Ok(n) });
    let status = worker.status();
    let worker = start(worker);
    assert_eq!(most_at_once(&world, &status).await, 1);
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn r8_receives_side_by_side_ask_for_no_more_than_can_be_run() {
    let world = World::new();
    world.simulation.set_way(Duration::from_millis(50));
    let tasks: Vec<Square> = (0..200).map(Square).collect();
    world.client.send_all(tasks).await;
    let runs = Counter::default();
    let counter = runs.clone();
    let worker = world.worker(move |_, _| {
        counter.add();
        std::future::pending()
    });
    let worker = start(worker.concurrency(45));
    until(|| runs.get() == 45).await;
    sleep(Duration::from_secs(600)).await;
    let held = world.simulation.messages(TASKS).iter().filter(|m| m.receive_count > 0).count();
    assert_eq!((held, runs.get()), (45, 45));
    worker.kill().await;
}

#[tokio::test(start_paused = true)]
async fn r10_a_receive_that_hangs_is_begun_again() {
    let world = World::new();
    world.simulation.fail_next(Action::ReceiveMessage, Fault::Hangs);
    let worker = start(world.worker(|Square(n), _| async move { Ok(n) }));
    let begun = Instant::now();
    world.send(8).await;
    world.until_empty(TASKS).await;
    let took = begun.elapsed();
    assert!((50..52).contains(&took.as_secs()), "20 s of wait and 30 s more, not {took:?}");
    let report = worker.stop().await;
    assert_eq!((report.overdue, report.done), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn r10_the_consumer_of_replies_begins_a_receive_again_that_hangs() {
    let world = World::new();
    world.simulation.fail_next(Action::ReceiveMessage, Fault::Hangs);
    let replies = world.start_replies();
    let id = world.send(8).await;
    world.simulation.put(REPLIES, "64", foreign_reply(id.as_str()));
    world.until_empty(REPLIES).await;
    assert_eq!(replies.stop().await.kept, 1);
}

/// For how long an answer has been awaited.
fn unanswered(world: &World, status: &Arc<WorkerStatus>) -> Option<Duration> {
    Some(world.now().since(status.unanswered_since(Timestamp::ZERO)?))
}

#[tokio::test(start_paused = true)]
async fn r10_a_worker_whose_receives_hang_or_fail_is_known_by_it_also_while_it_runs_a_task() {
    let world = World::new();
    let worker = world.worker(|_, _| std::future::pending());
    let status = worker.status();
    let worker = start(worker.concurrency(2));
    world.send(8).await;
    until(|| status.running() == 1).await;
    sleep(Duration::from_secs(300)).await;
    assert!(unanswered(&world, &status).unwrap() <= Duration::from_secs(20));

    world.simulation.hold(Action::ReceiveMessage);
    sleep(Duration::from_secs(120)).await;
    assert!(unanswered(&world, &status).unwrap() >= Duration::from_secs(100));
    for _ in 0..1000 {
        world.simulation.fail_next(Action::ReceiveMessage, Fault::NotSent);
    }
    world.simulation.let_go(Action::ReceiveMessage);
    sleep(Duration::from_secs(120)).await;
    assert!(unanswered(&world, &status).unwrap() >= Duration::from_secs(220));
    worker.kill().await;
}

#[tokio::test(start_paused = true)]
async fn no_answer_is_awaited_while_every_place_is_taken() {
    let world = World::new();
    let (runs, may_end) = (Counter::default(), Arc::new(tokio::sync::Notify::new()));
    let (counter, ends) = (runs.clone(), Arc::clone(&may_end));
    let worker = world.worker(move |Square(n), _| {
        counter.add();
        let ends = Arc::clone(&ends);
        async move {
            ends.notified().await;
            Ok(n)
        }
    });
    let status = worker.status();
    let worker = start(worker.concurrency(1));
    world.send(8).await;
    until(|| runs.get() == 1).await;
    sleep(Duration::from_secs(3600)).await;
    assert_eq!(unanswered(&world, &status), None);
    may_end.notify_one();
    world.until_empty(TASKS).await;
    assert!(unanswered(&world, &status).unwrap() <= Duration::from_secs(20));
    worker.stop().await;
}
