//! Tasks that leave their batch, and batches that are cut off.

use std::future::{pending, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use longshore_tasks::transport::Action;
use longshore_tasks::{BatchOptions, Context, Handlers, Status, TaskOptions, Worker};
use tokio::time::sleep;

use super::{Calls, replies, send, sizes, soon, squares, up_to};
use crate::simulation::Fault;
use crate::world::{Answer, Counter, Square, TASKS, TASKS_DEAD, VISIBILITY, World, start, until};

/// Whether it was dropped.
#[derive(Clone, Debug, Default)]
struct Dropped(Arc<AtomicBool>);

impl Dropped {
    fn get(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// Notes its end.
struct Witness(Dropped);

impl Drop for Witness {
    fn drop(&mut self) {
        self.0.0.store(true, Ordering::SeqCst);
    }
}

/// A worker whose function never answers; it counts its calls, and notes that it was dropped.
fn endless(world: &World, options: BatchOptions) -> (Worker, Counter, Dropped) {
    let (calls, dropped) = (Counter::default(), Dropped::default());
    let (counter, noted) = (calls.clone(), dropped.clone());
    let wait = move |_: Vec<Square>| {
        counter.add();
        let witness = Witness(noted.clone());
        async move {
            let _witness = witness;
            pending::<Vec<Answer>>().await
        }
    };
    (world.worker_without_handlers().handle_batch_with(wait, options), calls, dropped)
}

#[tokio::test(start_paused = true)]
async fn a_task_cancelled_before_its_batch_leaves_is_not_in_it() {
    let (world, calls) = (World::new(), Calls::default());
    let worker =
        start(world.worker_without_handlers().handle_batch_with(squares(&calls), up_to(3)));
    let ids = send(&world, 0..2).await;
    until(|| worker_holds(&world, 2)).await;
    world.client.cancel(&ids[0]).await.unwrap();
    until(|| worker_holds(&world, 1)).await;
    // Its place in the batch is free again: two more make three.
    send(&world, 2..4).await;
    soon(|| replies(&world).len() == 3).await;
    let mut call = calls.lock().unwrap().concat();
    call.sort_unstable();
    assert_eq!(call, [1, 2, 3]);
    assert_eq!(worker.stop().await.cancelled, 1);
}

/// Whether so many tasks are on the queue, all of them received.
fn worker_holds(world: &World, count: usize) -> bool {
    let messages = world.simulation.messages(TASKS);
    messages.len() == count && messages.iter().all(|message| message.receive_count > 0)
}

#[tokio::test(start_paused = true)]
async fn what_is_answered_for_a_task_that_was_cancelled_meanwhile_is_ignored() {
    let world = World::new();
    let calls = Counter::default();
    let counter = calls.clone();
    let slow = move |tasks: Vec<(Square, Context)>| {
        counter.add();
        async move {
            let (_, first) = &tasks[0];
            first.cancelled().cancelled().await;
            sleep(Duration::from_secs(60)).await;
            tasks.into_iter().map(|(Square(n), _)| Ok(n)).collect::<Vec<Answer>>()
        }
    };
    let worker = start(world.worker_without_handlers().handle_batch(slow));
    let ids = send(&world, 0..3).await;
    until(|| calls.get() == 1).await;
    world.client.cancel(&ids[0]).await.unwrap();
    world.until_empty(TASKS).await;
    let cancelled = r#"{"message":"it was cancelled"}"#.to_owned();
    assert_eq!(world.status(&ids[0]).await, Some(Status::Failed { body: cancelled }));
    let report = worker.stop().await;
    assert_eq!((report.cancelled, report.done, calls.get()), (1, 2, 1));
}

#[tokio::test(start_paused = true)]
async fn a_batch_whose_tasks_are_all_cancelled_is_dropped() {
    let world = World::new();
    let (worker, calls, dropped) = endless(&world, BatchOptions::new());
    let worker = start(worker);
    let ids = send(&world, 0..2).await;
    until(|| calls.get() == 1).await;
    world.client.cancel(&ids[0]).await.unwrap();
    until(|| worker_holds(&world, 1)).await;
    assert!(!dropped.get(), "the other task still wants its answer");
    world.client.cancel(&ids[1]).await.unwrap();
    until(|| dropped.get()).await;
    assert_eq!(worker.stop().await.cancelled, 2);
}

#[tokio::test(start_paused = true)]
async fn a_tasks_timeout_holds_in_a_batch() {
    let world = World::new();
    let dropped = Dropped::default();
    let noted = dropped.clone();
    let wait = move |_: Vec<Square>| {
        let witness = Witness(noted.clone());
        async move {
            let _witness = witness;
            pending::<Vec<Answer>>().await
        }
    };
    let once = longshore_tasks::RetryPolicy::never();
    let options = TaskOptions::new().timeout(Duration::from_secs(30)).retry(once);
    let handlers = Handlers::new().handle_batch(wait).options::<Square>(options);
    send(&world, 0..2).await;
    let worker = start(world.worker_without_handlers().handlers(&handlers, &()));
    until(|| world.simulation.messages(TASKS_DEAD).len() == 2).await;
    until(|| dropped.get()).await;
    let dead = world.simulation.messages(TASKS_DEAD);
    assert!(
        dead.iter()
            .all(|dead| dead.text("reason") == Some("it took longer than its timeout of 30s"))
    );
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_linger_longer_than_the_tasks_timeout_fails_nothing() {
    let (world, calls) = (World::new(), Calls::default());
    let handlers = Handlers::new()
        .handle_batch_with(squares(&calls), up_to(10))
        .options::<Square>(TaskOptions::new().timeout(Duration::from_secs(30)));
    send(&world, 0..2).await;
    let worker = start(world.worker_without_handlers().handlers(&handlers, &()));
    soon(|| replies(&world).len() == 2).await;
    assert_eq!(worker.stop().await.retried, 0);
}

#[tokio::test(start_paused = true)]
async fn a_task_whose_lease_is_lost_leaves_the_others_of_its_batch_alone() {
    let world = World::new();
    let action = Action::ChangeMessageVisibilityBatch;
    world.simulation.fail_next(action, Fault::Entries(vec![0], "ReceiptHandleIsInvalid"));
    let calls = Counter::default();
    let counter = calls.clone();
    let slow = move |tasks: Vec<Square>| {
        let call = i64::from(counter.add());
        async move {
            sleep(VISIBILITY * 2).await;
            tasks.into_iter().map(|_| Ok(call)).collect::<Vec<Answer>>()
        }
    };
    let worker = start(world.worker_without_handlers().handle_batch(slow));
    send(&world, 0..3).await;
    world.until_empty(TASKS).await;
    assert_eq!(replies(&world), [1, 1, 2]);
    let report = worker.stop().await;
    assert_eq!((report.lost, report.done), (1, 3));
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_does_not_wait_for_the_linger() {
    let (world, calls) = (World::new(), Calls::default());
    let worker =
        start(world.worker_without_handlers().handle_batch_with(squares(&calls), up_to(10)));
    send(&world, 0..3).await;
    until(|| worker_holds(&world, 3)).await;
    let report = worker.stop().await;
    assert_eq!((report.done, report.returned, sizes(&calls)), (3, 0, vec![3]));
    assert!(world.simulation.messages(TASKS).is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_outlives_the_grace_period_is_handed_back_uncounted_and_its_call_dropped() {
    let world = World::new();
    let (worker, calls, dropped) = endless(&world, BatchOptions::new());
    let worker = start(worker);
    send(&world, 0..3).await;
    until(|| calls.get() == 1).await;
    assert_eq!(worker.stop().await.returned, 3);
    until(|| dropped.get()).await;

    let attempts = |tasks: Vec<(Square, Context)>| {
        ready(
            tasks.iter().map(|(_, context)| Ok(context.attempt().into())).collect::<Vec<Answer>>(),
        )
    };
    let next = start(world.worker_without_handlers().handle_batch(attempts));
    world.until_empty(TASKS).await;
    assert_eq!(replies(&world), [1, 1, 1]);
    next.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_killed_worker_takes_its_batches_with_it() {
    let world = World::new();
    let (worker, calls, dropped) = endless(&world, BatchOptions::new());
    let worker = start(worker);
    send(&world, 0..3).await;
    until(|| calls.get() == 1).await;
    worker.kill().await;
    until(|| dropped.get()).await;
}
