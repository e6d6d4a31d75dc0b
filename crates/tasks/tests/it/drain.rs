//! Shutdown: nothing is lost, nothing is doubled, nothing counts that was not run.

use std::time::Duration;

use longshore_tasks::Failure;
use longshore_tasks::transport::Action;
use tokio::time::{Instant, sleep};

use crate::logged::Logged;
use crate::world::{Counter, REPLIES, Square, TASKS, World, start, until};

#[tokio::test(start_paused = true)]
async fn what_runs_is_finished_within_the_grace_period() {
    let world = World::new();
    let runs = Counter::default();
    let counter = runs.clone();
    let worker = start(world.worker(move |Square(n), _| {
        counter.add();
        async move {
            sleep(Duration::from_secs(20)).await;
            Ok(n)
        }
    }));
    world.send(8).await;
    until(|| runs.get() == 1).await;
    let report = worker.stop().await;
    assert_eq!((report.done, report.deleted), (1, 1));
    assert_eq!(world.bodies(REPLIES), ["8"]);
    assert!(world.simulation.messages(TASKS).is_empty());
}

#[tokio::test(start_paused = true)]
async fn r22_what_outlives_the_grace_period_is_handed_back_and_counts_no_attempt() {
    let world = World::new();
    let runs = Counter::default();
    let counter = runs.clone();
    let worker = start(world.worker(move |_, _| {
        counter.add();
        std::future::pending()
    }));
    world.send(8).await;
    until(|| runs.get() == 1).await;
    let report = worker.stop().await;
    assert_eq!((report.returned, report.done), (1, 0));
    assert!(world.simulation.messages(TASKS)[0].available_at <= Instant::now());

    let next = start(world.worker(|_, context| async move { Ok(i64::from(context.attempt())) }));
    world.until_empty(TASKS).await;
    assert_eq!(world.bodies(REPLIES), ["1"]);
    next.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_drain_says_in_one_line_what_ended_and_what_it_handed_back() {
    let (logged, _guard) = Logged::begin();
    let world = World::new();
    let runs = Counter::default();
    let counter = runs.clone();
    let worker = start(world.worker(move |Square(n), _| {
        counter.add();
        async move {
            sleep(Duration::from_secs(n.unsigned_abs())).await;
            if n == 3 { Err(Failure::retry_after(Duration::from_secs(3600), "no")) } else { Ok(n) }
        }
    }));
    // Ended before the drain begins, and so none of its business.
    world.send(0).await;
    world.until_empty(TASKS).await;
    for seconds in [1, 2, 3, 3600, 3600] {
        world.send(seconds).await;
    }
    until(|| runs.get() == 6).await;
    worker.stop().await;
    let lines = logged.lines_with("drained: ");
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(
        lines[0].starts_with("drained: 2 ended, 1 to run again, 2 handed back, 0 cut off")
            && lines[0].contains("queue=\"tasks\""),
        "{lines:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn r3_what_a_parked_receive_brings_after_the_shutdown_is_handed_back() {
    let world = World::new();
    let worker = start(world.worker(|_, _| async { panic!("it must not be run") }));
    until(|| !world.simulation.calls(Action::ReceiveMessage).is_empty()).await;
    worker.shutdown.cancel();
    sleep(Duration::from_secs(1)).await;
    world.send(8).await;
    let report = worker.stop().await;
    assert_eq!((report.received, report.returned), (1, 1));
    let message = &world.simulation.messages(TASKS)[0];
    assert!(message.available_at <= Instant::now());
}

#[tokio::test(start_paused = true)]
async fn r4_a_shutdown_flushes_deletes_at_once() {
    let world = World::new();
    let runs = Counter::default();
    let counter = runs.clone();
    let worker = start(
        world
            .worker(move |Square(n), _| {
                counter.add();
                async move { Ok(n) }
            })
            .wait(Duration::from_secs(1)),
    );
    let tasks: Vec<Square> = (0..7).map(Square).collect();
    world.client.send_all(tasks).await;
    until(|| runs.get() == 7).await;
    let report = worker.stop().await;
    assert_eq!((report.done, report.deleted), (7, 7));
    assert!(world.simulation.messages(TASKS).is_empty());
}

#[tokio::test(start_paused = true)]
async fn r3_a_parked_receive_that_takes_nothing_when_dropped_holds_no_shutdown_up() {
    let world = World::new();
    world.simulation.set_receive_patience(Duration::ZERO);
    let worker = start(world.worker(|_, _| async { panic!("there is nothing to run") }));
    let replies = world.start_replies();
    until(|| world.simulation.calls(Action::ReceiveMessage).len() == 2).await;
    let stopped_at = Instant::now();
    worker.stop().await;
    replies.stop().await;
    assert!(stopped_at.elapsed() < Duration::from_millis(100), "{:?}", stopped_at.elapsed());
    world.send(8).await;
    assert_eq!(world.simulation.messages(TASKS)[0].receive_count, 0);
}

#[tokio::test(start_paused = true)]
async fn r3_what_comes_within_the_patience_is_handed_back_and_then_the_role_ends() {
    let world = World::new();
    world.simulation.set_receive_patience(Duration::from_secs(1));
    let worker = start(world.worker(|_, _| async { panic!("it must not be run") }));
    let replies = world.start_replies();
    until(|| world.simulation.calls(Action::ReceiveMessage).len() == 2).await;
    let stopped_at = Instant::now();
    worker.shutdown.cancel();
    sleep(Duration::from_millis(500)).await;
    world.send(8).await;
    let report = worker.stop().await;
    assert_eq!((report.received, report.returned), (1, 1));
    assert!(world.simulation.messages(TASKS)[0].available_at <= Instant::now());
    replies.stop().await;
    assert!(stopped_at.elapsed() <= Duration::from_secs(2), "{:?}", stopped_at.elapsed());
}

#[tokio::test(start_paused = true)]
async fn r3_the_consumer_of_replies_keeps_what_its_parked_receive_brings_after_the_shutdown() {
    let world = World::new();
    let replies = world.start_replies();
    until(|| !world.simulation.calls(Action::ReceiveMessage).is_empty()).await;
    replies.shutdown.cancel();
    sleep(Duration::from_secs(1)).await;
    let id = world.send(8).await;
    let attributes = crate::replies::foreign_reply(id.as_str());
    world.simulation.put(REPLIES, "1", attributes);
    assert_eq!(replies.stop().await.kept, 1);
    assert!(world.simulation.messages(REPLIES).is_empty());
}
