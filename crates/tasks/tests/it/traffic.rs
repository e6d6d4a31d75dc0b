//! How many requests a worker makes, and for how many messages.

use std::time::Duration;

use longshore_tasks::transport::Action;
use longshore_types::MessageAttributes;
use tokio::time::sleep;

use crate::simulation::Fault;
use crate::world::{Counter, REPLIES, Square, TASKS, World, start, until};

#[tokio::test(start_paused = true)]
async fn r7_a_slow_task_does_not_keep_others_waiting() {
    let world = World::new();
    let worker = start(world.worker(|Square(n), _| async move {
        if n == 0 {
            sleep(Duration::from_secs(3600)).await;
        }
        Ok(n)
    }));
    world.send(0).await;
    until(|| world.simulation.messages(TASKS)[0].receive_count == 1).await;
    let begun = tokio::time::Instant::now();
    for n in 1..50 {
        world.send(n).await;
    }
    until(|| world.simulation.messages(REPLIES).len() == 49).await;
    assert!(begun.elapsed() < Duration::from_secs(10));
    worker.kill().await;
}

#[tokio::test(start_paused = true)]
async fn r8_no_more_is_received_than_can_be_run() {
    let world = World::new();
    let tasks: Vec<Square> = (0..20).map(Square).collect();
    world.client.send_all(tasks).await;
    let runs = Counter::default();
    let counter = runs.clone();
    let worker = start(
        world
            .worker(move |_, _| {
                counter.add();
                std::future::pending()
            })
            .concurrency(3),
    );
    until(|| runs.get() == 3).await;
    sleep(Duration::from_secs(600)).await;
    let held = world.simulation.messages(TASKS).iter().filter(|m| m.receive_count > 0).count();
    assert_eq!((held, runs.get()), (3, 3));
    let asked = world.simulation.calls(Action::ReceiveMessage);
    assert!(asked.iter().all(|call| call.entries <= 3), "{asked:?}");
    worker.kill().await;
}

#[tokio::test(start_paused = true)]
async fn while_a_reply_is_on_its_way_another_task_runs_and_no_more_than_may_run() {
    let (world, ran) = (World::new(), Counter::default());
    let counter = ran.clone();
    let worker = world.worker(move |Square(n), _| {
        counter.add();
        async move { Ok(n) }
    });
    let worker = start(worker.concurrency(1));
    world.simulation.hold(Action::SendMessageBatch);
    for body in ["1", "2", "3"] {
        world.simulation.put(TASKS, body, MessageAttributes::new());
    }
    until(|| ran.get() == 2).await;
    sleep(Duration::from_secs(60)).await;
    assert_eq!(ran.get(), 2, "an end beyond the bound keeps the place of its run");
    world.simulation.let_go(Action::SendMessageBatch);
    world.until_empty(TASKS).await;
    assert_eq!(ran.get(), 3);
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn r26_queues_are_asked_about_at_the_start_and_never_for_a_message() {
    let world = World::new();
    let replies = world.start_replies();
    let worker = start(world.worker(|Square(n), _| async move { Ok(n) }));
    world.send(0).await;
    world.until_empty(TASKS).await;
    let asked = || {
        let meter = &world.simulation.meter;
        (meter.total(Action::GetQueueUrl), meter.total(Action::GetQueueAttributes))
    };
    let at_first = asked();
    for n in 1..200 {
        world.send(n).await;
    }
    world.until_empty(TASKS).await;
    world.until_empty(REPLIES).await;
    assert_eq!(asked(), at_first);
    worker.stop().await;
    replies.stop().await;
}

#[tokio::test(start_paused = true)]
async fn deletes_and_replies_of_tasks_that_end_together_share_requests() {
    let world = World::new();
    let tasks: Vec<Square> = (0..10).map(Square).collect();
    world.client.send_all(tasks).await;
    let worker = start(world.worker(|Square(n), _| async move { Ok(n) }));
    world.until_empty(TASKS).await;
    assert_eq!(world.simulation.meter.total(Action::DeleteMessageBatch), 1);
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn r1_a_delete_that_failed_for_one_entry_is_made_again_for_it() {
    let world = World::new();
    let fault = Fault::Entries(vec![3], "InternalError");
    world.simulation.fail_next(Action::DeleteMessageBatch, fault);
    let tasks: Vec<Square> = (0..10).map(Square).collect();
    world.client.send_all(tasks).await;
    let worker = start(world.worker(|Square(n), _| async move { Ok(n) }));
    world.until_empty(TASKS).await;
    let sizes: Vec<_> =
        world.simulation.calls(Action::DeleteMessageBatch).iter().map(|c| c.entries).collect();
    assert_eq!(sizes, [10, 1]);
    assert_eq!(worker.stop().await.deleted, 10);
}

#[tokio::test(start_paused = true)]
async fn r6_a_delete_by_a_stale_receipt_is_counted_as_unknown() {
    let world = World::new();
    let fault = Fault::Entries(vec![0], "ReceiptHandleIsInvalid");
    world.simulation.fail_next(Action::DeleteMessageBatch, fault);
    let worker = start(world.worker(|Square(n), _| async move { Ok(n) }));
    world.send(8).await;
    world.until_empty(TASKS).await;
    let report = worker.stop().await;
    assert_eq!((report.delete_unknown, report.deleted, report.repeated), (1, 1, 1));
    assert_eq!(world.bodies(REPLIES), ["8", "8"]);
}

#[tokio::test(start_paused = true)]
async fn a_receive_that_fails_is_made_again() {
    let world = World::new();
    for fault in [Fault::NotSent, Fault::NotSent, Fault::AnswerLost] {
        world.simulation.fail_next(Action::ReceiveMessage, fault);
    }
    let worker = start(world.worker(|Square(n), _| async move { Ok(n) }));
    world.send(8).await;
    world.until_empty(TASKS).await;
    assert_eq!(worker.stop().await.done, 1);
}

#[tokio::test(start_paused = true)]
async fn a_worker_waits_for_a_broker_that_is_not_up_yet() {
    let world = World::new();
    for _ in 0..5 {
        world.simulation.fail_next(Action::GetQueueUrl, Fault::NotSent);
    }
    let worker = start(world.worker(|Square(n), _| async move { Ok(n) }));
    until(|| world.simulation.calls(Action::GetQueueUrl).len() >= 6).await;
    world.send(8).await;
    world.until_empty(TASKS).await;
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn tasks_on_fifo_queues_bear_groups_and_deduplication_ids() {
    let world = World::new();
    world.simulation.create("tasks.fifo", crate::world::VISIBILITY, None);
    let options = longshore_tasks::ClientOptions::default();
    let client = longshore_tasks::Client::new(
        std::sync::Arc::clone(&world.simulation) as _,
        "tasks.fifo",
        std::sync::Arc::clone(&world.store) as _,
        options,
    );
    let pending = client.send(Square(8)).await.unwrap();
    let sent = &world.simulation.messages("tasks.fifo")[0];
    assert_eq!(sent.deduplication_id.as_deref(), Some(pending.id().as_str()));
}
