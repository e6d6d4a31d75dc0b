//! Leases: renewed, lost, stopped before they are spent.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use longshore_tasks::transport::Action;
use longshore_tasks::{Client, Failure, Worker, WorkerError};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::fifo;
use crate::simulation::Fault;
use crate::world::{Counter, Log, REPLIES, Square, TASKS, VISIBILITY, World, start, until};

#[tokio::test(start_paused = true)]
async fn a_task_far_longer_than_the_visibility_timeout_runs_once() {
    let world = World::with_visibility(Duration::from_secs(4));
    let runs = Counter::default();
    let counter = runs.clone();
    let long = move |Square(n), _| {
        counter.add();
        async move {
            sleep(Duration::from_secs(3600)).await;
            Ok(n)
        }
    };
    let (one, other) = (start(world.worker(long.clone())), start(world.worker(long)));
    world.send(8).await;
    world.until_empty(TASKS).await;
    assert_eq!((runs.get(), world.bodies(REPLIES)), (1, vec!["8".to_owned()]));
    one.stop().await;
    other.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_fails_is_tried_again_before_the_lease_ends() {
    let world = World::new();
    let action = Action::ChangeMessageVisibilityBatch;
    for fault in [Fault::NotSent, Fault::AnswerLost, Fault::Entries(vec![0], "InternalError")] {
        world.simulation.fail_next(action, fault);
    }
    let worker = start(world.worker(|Square(n), _| async move {
        sleep(VISIBILITY * 3).await;
        Ok(n)
    }));
    world.send(8).await;
    world.until_empty(TASKS).await;
    assert_eq!(world.bodies(REPLIES), ["8"]);
    let report = worker.stop().await;
    assert_eq!((report.done, report.lost), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_lost_lease_cancels_the_handler_and_forbids_its_reply() {
    let world = World::new();
    let action = Action::ChangeMessageVisibilityBatch;
    world.simulation.fail_next(action, Fault::Entries(vec![0], "ReceiptHandleIsInvalid"));
    let runs = Counter::default();
    let counter = runs.clone();
    let worker = start(world.worker(move |_, _| {
        let run = counter.add();
        async move {
            sleep(VISIBILITY * 2).await;
            Ok(i64::from(run))
        }
    }));
    world.send(8).await;
    world.until_empty(TASKS).await;
    assert_eq!(world.bodies(REPLIES), ["2"]);
    let report = worker.stop().await;
    assert_eq!((report.lost, report.done), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_cannot_be_renewed_is_lost_when_it_ends() {
    let world = World::new();
    let worker = start(world.worker(|_, _| std::future::pending()));
    world.send(8).await;
    until(|| !world.simulation.calls(Action::ChangeMessageVisibilityBatch).is_empty()).await;
    world.simulation.hold(Action::ChangeMessageVisibilityBatch);
    let begun = Instant::now();
    until(|| world.simulation.messages(TASKS)[0].receive_count == 2).await;
    assert!(begun.elapsed() >= VISIBILITY / 2);
    world.simulation.let_go(Action::ChangeMessageVisibilityBatch);
    worker.kill().await;
}

#[tokio::test(start_paused = true)]
async fn r2_a_renewal_in_flight_when_the_handler_ends_is_awaited_before_the_delete() {
    let world = World::new();
    world.simulation.hold(Action::ChangeMessageVisibilityBatch);
    let worker = start(world.worker(|Square(n), _| async move {
        sleep(VISIBILITY / 2 + Duration::from_secs(1)).await;
        Ok(n)
    }));
    world.send(8).await;
    until(|| !world.simulation.calls(Action::ChangeMessageVisibilityBatch).is_empty()).await;
    sleep(Duration::from_secs(5)).await;
    assert!(world.simulation.calls(Action::DeleteMessageBatch).is_empty());
    world.simulation.let_go(Action::ChangeMessageVisibilityBatch);
    world.until_empty(TASKS).await;
    assert_eq!(world.bodies(REPLIES), ["8"]);
    assert_eq!(world.simulation.calls(Action::ChangeMessageVisibilityBatch).len(), 1);
    assert_eq!(worker.stop().await.lost, 0);
}

#[tokio::test(start_paused = true)]
async fn r5_the_tenth_message_of_a_batch_never_loses_its_lease() {
    let world = World::with_visibility(Duration::from_secs(5));
    let tasks: Vec<Square> = (0..10).map(Square).collect();
    world.client.send_all(tasks).await;
    let worker = start(world.worker(|Square(n), _| async move {
        sleep(Duration::from_secs(4 * u64::try_from(n).unwrap())).await;
        Ok(n)
    }));
    world.until_empty(TASKS).await;
    let report = worker.stop().await;
    assert_eq!((report.done, report.lost, report.received), (10, 0, 10));
}

#[tokio::test(start_paused = true)]
async fn leases_of_a_batch_are_renewed_by_one_call() {
    let world = World::new();
    let tasks: Vec<Square> = (0..10).map(Square).collect();
    world.client.send_all(tasks).await;
    let worker = start(world.worker(|Square(n), _| async move {
        sleep(VISIBILITY / 2 + Duration::from_secs(1)).await;
        Ok(n)
    }));
    world.until_empty(TASKS).await;
    let renewals = world.simulation.calls(Action::ChangeMessageVisibilityBatch);
    assert_eq!(renewals.iter().map(|call| call.entries).collect::<Vec<_>>(), [10]);
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_run_of_twelve_hours_is_given_up_in_time_to_say_so() {
    let world = World::new();
    let worker = start(world.worker(|_, _| std::future::pending()));
    world.send(8).await;
    world.until_empty(TASKS).await;
    let body = &world.bodies(REPLIES)[0];
    assert!(body.contains("longer than the 12 hours"), "{body}");
    assert_eq!(worker.stop().await.dead, 1);
}

#[tokio::test(start_paused = true)]
async fn a_lease_begins_when_the_message_comes_and_not_with_the_long_poll() {
    let visibility = Duration::from_secs(6);
    let world = World::with_visibility(visibility);
    let worker = start(world.worker(|Square(n), _| async move {
        sleep(Duration::from_secs(20)).await;
        Ok(n)
    }));
    until(|| !world.simulation.calls(Action::ReceiveMessage).is_empty()).await;
    sleep(visibility * 3).await;
    world.send(8).await;
    let sent_at = Instant::now();
    until(|| !world.simulation.calls(Action::ChangeMessageVisibilityBatch).is_empty()).await;
    assert!(sent_at.elapsed() >= visibility / 4, "renewed at once: {:?}", sent_at.elapsed());
    world.until_empty(TASKS).await;
    let report = worker.stop().await;
    assert_eq!((report.received, report.done, report.lost), (1, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_lost_lease_frees_its_claim_for_the_next_delivery() {
    let world = World::new();
    let action = Action::ChangeMessageVisibilityBatch;
    world.simulation.fail_next(action, Fault::Entries(vec![0], "ReceiptHandleIsInvalid"));
    let worker = start(world.worker(|Square(n), context| async move {
        sleep(if context.attempt() == 1 { VISIBILITY * 2 } else { Duration::ZERO }).await;
        Ok(n)
    }));
    let sent_at = Instant::now();
    world.send(8).await;
    until(|| !world.simulation.messages(REPLIES).is_empty()).await;
    assert!(sent_at.elapsed() <= VISIBILITY + Duration::from_secs(1), "{:?}", sent_at.elapsed());
    world.until_empty(TASKS).await;
    let report = worker.stop().await;
    assert_eq!((report.lost, report.busy, report.done), (1, 0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_hangs_hides_from_nobody_that_his_lease_has_ended() {
    let world = World::new();
    let action = Action::ChangeMessageVisibilityBatch;
    // The first task's renewal is tried every 1.5 s from 15 s on, and goes out at 28.5 s together
    // with the second one's, whose lease ends 14 s later.
    for _ in 0..9 {
        world.simulation.fail_next(action, Fault::NotSent);
    }
    let ends: Log<Duration> = Arc::default();
    let (log, begun) = (Arc::clone(&ends), Instant::now());
    let worker = start(world.worker(move |_, context| {
        let log = Arc::clone(&log);
        tokio::spawn(async move {
            context.cancelled().cancelled().await;
            log.lock().unwrap().push(begun.elapsed());
        });
        std::future::pending()
    }));
    world.send(1).await;
    sleep(Duration::from_secs(14)).await;
    world.send(2).await;
    sleep(Duration::from_secs(14)).await;
    world.simulation.hold(action);
    until(|| !ends.lock().unwrap().is_empty()).await;
    let first = ends.lock().unwrap()[0];
    assert!(first <= VISIBILITY + Duration::from_millis(50), "{first:?}");
    worker.kill().await;
}

#[tokio::test(start_paused = true)]
async fn a_worker_whose_heartbeat_panics_ends_and_says_so() {
    let world = World::new();
    world.flaky.broken.store(true, Ordering::SeqCst);
    world.send(8).await;
    let worker = world.worker(|_, _| std::future::pending());
    let ended = worker.run(CancellationToken::new()).await;
    assert!(matches!(ended, Err(WorkerError::Broken)), "{ended:?}");
    assert_eq!(world.simulation.messages(TASKS).len(), 1);
}

/// What a run takes that is far longer than the visibility timeout.
const TEN_MINUTES: Duration = Duration::from_secs(600);

/// How many renewals each of three runs of ten minutes costs, one after the other.
async fn renewals(world: &World, tasks: &Client, queue: &str, worker: Worker) -> Vec<usize> {
    let worker = start(worker.handle(|Square(n): Square| async move {
        sleep(TEN_MINUTES).await;
        Ok::<_, Failure>(n)
    }));
    let made = || world.simulation.calls(Action::ChangeMessageVisibilityBatch).len();
    let mut renewals = Vec::new();
    for number in 0..3 {
        let before = made();
        tasks.send(Square(number)).await.unwrap();
        world.until_empty(queue).await;
        renewals.push(made() - before);
    }
    assert_eq!(worker.stop().await.lost, 0);
    renewals
}

#[tokio::test(start_paused = true)]
async fn a_task_that_is_known_to_run_for_ten_minutes_needs_three_renewals() {
    let world = World::new();
    let learning = world.worker_without_handlers();
    assert_eq!(renewals(&world, &world.client, TASKS, learning).await, [40, 3, 3]);
    // As it was before, and is without learning.
    let not_learning = world.worker_without_handlers().lease_max(Duration::ZERO);
    assert_eq!(renewals(&world, &world.client, TASKS, not_learning).await, [40, 40, 40]);
}

#[tokio::test(start_paused = true)]
async fn on_a_fifo_queue_no_lease_is_longer_than_the_visibility_timeout() {
    let (world, client) = fifo::world();
    let worker = fifo::flaky(&world);
    assert_eq!(renewals(&world, &client, fifo::TASKS, worker).await, [40, 40, 40]);
}

#[tokio::test(start_paused = true)]
async fn the_task_of_a_killed_worker_waits_no_longer_than_the_longest_lease() {
    for (lease_max, waits) in [(300, 240..=310), (60, 30..=65), (0, 15..=35)] {
        let world = World::new();
        let runs = Counter::default();
        let ten_minutes = |runs: &Counter| {
            let runs = runs.clone();
            move |Square(n), _| {
                runs.add();
                async move {
                    sleep(TEN_MINUTES).await;
                    Ok(n)
                }
            }
        };
        let worker = world.worker(ten_minutes(&runs)).lease_max(Duration::from_secs(lease_max));
        let worker = start(worker);
        world.send(1).await;
        world.until_empty(TASKS).await;
        world.send(2).await;
        until(|| runs.get() == 2).await;
        sleep(VISIBILITY / 2 + Duration::from_secs(5)).await;
        worker.kill().await;
        let killed_at = Instant::now();
        let other = start(world.worker(ten_minutes(&runs)));
        until(|| runs.get() == 3).await;
        let waited = killed_at.elapsed().as_secs();
        assert!(waits.contains(&waited), "{waited} s with {lease_max} s at most");
        other.kill().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_short_task_among_long_ones_costs_no_renewal() {
    let world = World::new();
    let worker = start(world.worker(|Square(n), _| async move {
        sleep(Duration::from_secs(u64::try_from(n).unwrap())).await;
        Ok(n)
    }));
    for seconds in [600, 10, 10] {
        let before = world.simulation.calls(Action::ChangeMessageVisibilityBatch).len();
        world.send(seconds).await;
        world.until_empty(TASKS).await;
        let renewed = world.simulation.calls(Action::ChangeMessageVisibilityBatch).len() > before;
        assert_eq!(renewed, seconds == 600);
    }
    worker.stop().await;
}

/// Has a call of the store hang while a task runs: the first that comes after that time.
async fn run_through_a_hung_call(after: Duration, says_progress: bool) {
    let world = World::new();
    let worker = start(world.worker(move |Square(n), context| async move {
        for percent in 0..50 {
            sleep(VISIBILITY / 10).await;
            if says_progress {
                context.progress(percent, "on its way");
            }
        }
        Ok(n)
    }));
    world.send(8).await;
    until(|| world.simulation.messages(TASKS)[0].receive_count == 1).await;
    sleep(after).await;
    world.flaky.hangs.store(true, Ordering::SeqCst);
    world.until_empty(TASKS).await;
    assert_eq!(world.bodies(REPLIES), ["8"], "{after:?}");
    let report = worker.stop().await;
    assert_eq!((report.done, report.lost, report.received), (1, 0, 1), "{after:?}");
}

#[tokio::test(start_paused = true)]
async fn a_call_of_the_store_that_hangs_loses_no_lease_whichever_it_is() {
    // Whatever a worker asks of its store in the time between two renewals: looks, progress, extensions.
    for after in (0..80).map(|quarters| Duration::from_millis(250) * quarters) {
        run_through_a_hung_call(after, true).await;
        run_through_a_hung_call(after, false).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_can_end_while_the_store_hangs_over_its_progress() {
    let world = World::new();
    let worker = start(world.worker(|Square(n), context| async move {
        sleep(Duration::from_millis(500)).await;
        context.progress(50, "half of it");
        sleep(Duration::from_secs(9)).await;
        Ok(n)
    }));
    world.send(8).await;
    until(|| world.simulation.messages(TASKS)[0].receive_count == 1).await;
    let begun = Instant::now();
    // The look after two seconds reads, and then writes.
    sleep(Duration::from_millis(1100)).await;
    world.flaky.hangs_in_writes.store(true, Ordering::SeqCst);
    world.until_empty(TASKS).await;
    assert!(begun.elapsed() < Duration::from_secs(11), "{:?}", begun.elapsed());
    assert!(!world.flaky.hangs_in_writes.load(Ordering::SeqCst), "nothing was written");
    worker.stop().await;
}
