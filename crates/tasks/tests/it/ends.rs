//! A store that is away when a run ends: its result waits, and the task is not run again.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use longshore_tasks::store::Change;
use longshore_tasks::transport::Action;
use longshore_tasks::{Status, WorkerReport, life};
use tokio::time::{Instant, sleep};

use crate::logged::Logged;
use crate::simulation::Fault;
use crate::world::{Counter, REPLIES, Running, Square, TASKS, VISIBILITY, World, start, until};

/// What a drain gives to what runs: the worker's own default.
const GRACE: Duration = Duration::from_secs(25);

/// A worker whose store goes away at the end of its first run.
fn start_to_lose_the_store(world: &World, runs: &Counter) -> Running<WorkerReport> {
    let (counter, store) = (runs.clone(), Arc::clone(&world.flaky));
    start(world.worker(move |Square(n), _| {
        store.set_down(counter.add() == 1);
        async move { Ok(n) }
    }))
}

#[tokio::test(start_paused = true)]
async fn a_run_whose_store_is_away_at_its_end_is_not_repeated_however_long_that_takes() {
    for away in [1, 30, 600, 8 * 3600].map(Duration::from_secs) {
        let (logged, _guard) = Logged::begin();
        let (world, runs) = (World::new(), Counter::default());
        let worker = start_to_lose_the_store(&world, &runs);
        // Free for whatever the queue would bring a second time.
        let idle = start(world.worker(|_, _| async { panic!("it has run") }));
        let id = world.send(8).await;
        until(|| runs.get() == 1).await;
        sleep(away).await;
        assert_eq!(world.status(&id).await, Some(Status::Pending), "{away:?}");
        world.flaky.set_down(false);
        let back_at = Instant::now();
        until(|| !world.bodies(REPLIES).is_empty()).await;
        assert!(back_at.elapsed() <= Duration::from_secs(6), "{:?}", back_at.elapsed());
        world.until_empty(TASKS).await;
        assert_eq!((runs.get(), world.bodies(REPLIES)), (1, vec!["8".to_owned()]), "{away:?}");
        let report = worker.stop().await;
        assert_eq!((report.ends_held_up, report.lost, report.deleted), (1, 0, 1), "{away:?}");
        assert_eq!(logged.lines_with("an end was not kept").len(), 1, "{away:?}");
        idle.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_end_that_waits_for_the_store_is_given_up_with_the_grace_of_a_drain() {
    let (world, runs) = (World::new(), Counter::default());
    let worker = start_to_lose_the_store(&world, &runs);
    world.send(8).await;
    until(|| runs.get() == 1).await;
    let stopped_at = Instant::now();
    let report = worker.stop().await;
    let took = stopped_at.elapsed();
    assert!(took >= GRACE && took < GRACE + Duration::from_secs(2), "{took:?}");
    assert_eq!((report.ends_held_up, report.deleted, report.lost), (1, 0, 0));
    // Handed back for as long as a store that was just away is left alone, and not for the rest of its lease.
    let message = &world.simulation.messages(TASKS)[0];
    assert!(message.available_at <= Instant::now() + VISIBILITY);

    world.flaky.set_down(false);
    let next = start_to_lose_the_store(&world, &runs);
    world.until_empty(TASKS).await;
    assert_eq!((runs.get(), world.bodies(REPLIES)), (2, vec!["8".to_owned()]));
    next.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_end_that_a_store_hangs_over_is_given_up_soon_after_the_grace_and_counts_as_handed_back()
{
    let world = World::new();
    world.flaky.ends_held.store(true, Ordering::SeqCst);
    let runs = Counter::default();
    let counter = runs.clone();
    let worker = start(world.worker(move |Square(n), _| {
        counter.add();
        async move { Ok(n) }
    }));
    world.send(8).await;
    until(|| runs.get() == 1).await;
    let stopped_at = Instant::now();
    let report = worker.stop().await;
    let took = stopped_at.elapsed();
    assert!(took >= GRACE && took < GRACE + Duration::from_secs(4), "{took:?}");
    assert_eq!((report.done, report.returned, report.lost), (0, 1, 0));
    let message = &world.simulation.messages(TASKS)[0];
    assert!(message.available_at <= Instant::now() + VISIBILITY);
}

#[tokio::test(start_paused = true)]
async fn an_end_that_was_kept_and_sent_by_others_meanwhile_is_the_workers_own() {
    let world = World::new();
    // Both answers of the first try.
    world.flaky.lost_ends.store(2, Ordering::SeqCst);
    let worker = start(world.worker(|Square(n), _| async move { Ok(n) }));
    let id = world.send(8).await;
    let records = world.client.records();
    let ended = || async { records.find(&id).await.unwrap().record.unwrap() };
    while ended().await.life.ending.is_none() {
        sleep(Duration::from_millis(10)).await;
    }
    // As a worker does that has found the reply due, and sent it.
    let record = ended().await;
    let sent = life::sent(&record, 1, true, true).unwrap();
    records.write_one(Change::of(record, sent)).await.unwrap();
    world.until_empty(TASKS).await;
    let report = worker.stop().await;
    assert_eq!((report.done, report.repeated, report.deleted), (1, 0, 1));
    assert_eq!(world.bodies(REPLIES), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn an_end_that_waits_for_the_store_is_given_up_before_sqs_gives_up_the_message() {
    let (world, runs) = (World::new(), Counter::default());
    let worker = start_to_lose_the_store(&world, &runs);
    world.send(8).await;
    until(|| runs.get() == 1).await;
    let began_at = Instant::now();
    until(|| world.simulation.messages(TASKS)[0].receive_count == 2).await;
    let waited = began_at.elapsed().as_secs();
    assert!((41_400..43_200).contains(&waited), "{waited} s");
    world.flaky.set_down(false);
    world.until_empty(TASKS).await;
    assert_eq!((runs.get(), world.bodies(REPLIES)), (2, vec!["8".to_owned()]));
    assert_eq!(worker.stop().await.ends_held_up, 1);
}

#[tokio::test(start_paused = true)]
async fn an_end_that_waits_for_the_store_is_refused_once_another_worker_has_taken_the_task_over() {
    let (world, runs) = (World::new(), Counter::default());
    let worker = start_to_lose_the_store(&world, &runs);
    let id = world.send(8).await;
    until(|| runs.get() == 1).await;
    // Its claim is over by then: whoever reaches the store, with a copy of the message, may have the task.
    sleep(VISIBILITY * 3).await;
    world.claim_elsewhere(&id, Duration::from_secs(3600)).await;
    world.flaky.set_down(false);
    sleep(VISIBILITY).await;
    assert_eq!(world.status(&id).await, Some(Status::Pending));
    assert!(world.bodies(REPLIES).is_empty());
    let report = worker.stop().await;
    assert_eq!((report.ends_held_up, report.lost, report.deleted), (1, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn an_end_that_waits_for_the_store_is_given_up_with_its_lease() {
    let (world, runs) = (World::new(), Counter::default());
    let worker = start_to_lose_the_store(&world, &runs);
    world.send(8).await;
    until(|| runs.get() == 1).await;
    let action = Action::ChangeMessageVisibilityBatch;
    world.simulation.fail_next(action, Fault::Entries(vec![0], "ReceiptHandleIsInvalid"));
    sleep(VISIBILITY).await;
    world.flaky.set_down(false);
    world.until_empty(TASKS).await;
    assert_eq!((runs.get(), world.bodies(REPLIES)), (2, vec!["8".to_owned()]));
    let report = worker.stop().await;
    assert_eq!((report.ends_held_up, report.lost), (1, 1));
}
