//! Who shares a call, and when it is made.

use std::future::{pending, ready};
use std::sync::Arc;
use std::time::Duration;

use longshore_tasks::{BatchOptions, Context, Failure, Handlers, State, Status, TaskOptions};
use tokio::time::{Instant, sleep};

use super::{Calls, Cube, HOUR, numbers, replies, send, sizes, soon, squares, up_to};
use crate::world::{Answer, Counter, Log, REPLIES, Square, TASKS, World, start, until};

#[tokio::test(start_paused = true)]
async fn tasks_that_come_together_share_a_call_and_each_has_its_own_reply() {
    let (world, calls) = (World::new(), Calls::default());
    let ids = send(&world, 1..8).await;
    let replies = world.start_replies();
    let worker = start(world.worker_without_handlers().handle_batch(squares(&calls)));
    world.until_empty(TASKS).await;
    world.until_empty(REPLIES).await;
    assert_eq!(sizes(&calls), [7]);
    for (id, n) in ids.iter().zip(1..8) {
        assert_eq!(world.status(id).await, Some(Status::Completed { body: (n * n).to_string() }));
    }
    let report = worker.stop().await;
    assert_eq!((report.done, report.deleted), (7, 7));
    replies.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_batch_leaves_when_it_is_full() {
    let (world, calls) = (World::new(), Calls::default());
    send(&world, 0..20).await;
    let worker = world.worker_without_handlers().concurrency(100);
    let worker = start(worker.handle_batch_with(squares(&calls), up_to(4)));
    soon(|| world.simulation.messages(TASKS).is_empty()).await;
    assert_eq!(sizes(&calls), [4; 5]);
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_batch_waits_for_the_places_of_an_earlier_one() {
    let (world, calls) = (World::new(), Calls::default());
    let noted = Arc::clone(&calls);
    let linger = Duration::from_secs(10);
    let slow = move |tasks: Vec<Square>| {
        noted.lock().unwrap().push(numbers(&tasks));
        async move {
            sleep(linger / 2).await;
            tasks.into_iter().map(|Square(n)| Ok(n)).collect::<Vec<Answer>>()
        }
    };
    let options = BatchOptions::new().linger(linger);
    let worker = world.worker_without_handlers().concurrency(3);
    let worker = start(worker.handle_batch_with(slow, options));
    send(&world, 0..2).await;
    until(|| calls.lock().unwrap().len() == 1).await;
    // The first of these has the last place, and the others have none until the two are done.
    send(&world, 2..5).await;
    world.until_empty(TASKS).await;
    assert_eq!(sizes(&calls), [2, 3]);
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_batch_leaves_when_its_first_task_has_waited_for_the_linger() {
    let (world, calls) = (World::new(), Calls::default());
    let linger = Duration::from_secs(10);
    let options = BatchOptions::new().linger(linger);
    let worker = start(world.worker_without_handlers().handle_batch_with(squares(&calls), options));
    let sent_at = Instant::now();
    for n in 1..=3 {
        world.send(n).await;
        sleep(linger / 4).await;
    }
    assert!(calls.lock().unwrap().is_empty());
    world.until_empty(TASKS).await;
    assert_eq!(*calls.lock().unwrap(), [[1, 2, 3]]);
    assert!(sent_at.elapsed() < linger + linger / 4, "{:?}", sent_at.elapsed());
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_batch_does_not_wait_for_more_tasks_than_the_worker_runs_at_once() {
    let (world, calls) = (World::new(), Calls::default());
    send(&world, 0..9).await;
    let worker = world.worker_without_handlers().concurrency(3);
    let worker = start(worker.handle_batch_with(squares(&calls), up_to(1000)));
    soon(|| replies(&world).len() == 9).await;
    assert_eq!(calls.lock().unwrap().concat().len(), 9);
    assert!(sizes(&calls).iter().all(|size| *size <= 3), "{calls:?}");
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_batch_does_not_wait_for_places_that_other_tasks_have_taken() {
    let (world, calls) = (World::new(), Calls::default());
    let cubing = Counter::default();
    let counter = cubing.clone();
    let worker = world.worker_without_handlers().concurrency(3).handle(move |_: Cube| {
        counter.add();
        pending::<Answer>()
    });
    let worker = start(worker.handle_batch_with(squares(&calls), up_to(3)).grace(HOUR / 60));
    world.client.send(Cube(2)).await.unwrap();
    until(|| cubing.get() == 1).await;
    send(&world, 0..2).await;
    soon(|| replies(&world).len() == 2).await;
    assert_eq!(sizes(&calls), [2]);
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn two_batches_that_fill_the_worker_together_do_not_wait_for_each_other() {
    let (world, calls) = (World::new(), Calls::default());
    let cubes = |tasks: Vec<Cube>| {
        ready(tasks.into_iter().map(|Cube(n)| Ok(n * n * n)).collect::<Vec<Answer>>())
    };
    let worker = world.worker_without_handlers().concurrency(4);
    let worker = worker.handle_batch_with(squares(&calls), up_to(4));
    let worker = start(worker.handle_batch_with(cubes, up_to(4)));
    send(&world, 2..4).await;
    world.client.send_all([Cube(2), Cube(3)]).await;
    soon(|| replies(&world).len() == 4).await;
    assert_eq!(replies(&world), [4, 8, 9, 27]);
    assert_eq!(sizes(&calls), [2]);
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_batch_does_not_wait_for_more_tasks_than_may_run_of_its_type() {
    let (world, calls) = (World::new(), Calls::default());
    send(&world, 0..6).await;
    let handlers = Handlers::new()
        .handle_batch_with(squares(&calls), up_to(6))
        .options::<Square>(TaskOptions::new().concurrency(2));
    let worker = start(world.worker_without_handlers().handlers(&handlers, &()));
    soon(|| replies(&world).len() == 6).await;
    assert!(sizes(&calls).iter().all(|size| *size <= 2), "{calls:?}");
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_batch_handler_can_have_contexts_and_state() {
    async fn sum(tasks: Vec<(Square, Context)>, State(more): State<i64>) -> Vec<Answer> {
        tasks
            .into_iter()
            .map(|(Square(n), context)| Ok(n + more + i64::from(context.attempt())))
            .collect()
    }
    async fn cubes(tasks: Vec<Cube>, State(more): State<i64>) -> Result<Vec<Answer>, Failure> {
        Ok(tasks.into_iter().map(|Cube(n)| Ok(n * n * n + more)).collect())
    }
    let world = World::new();
    let handlers = Handlers::new().handle_batch(sum).handle_batch(cubes);
    let worker = start(world.worker_without_handlers().handlers(&handlers, &100));
    world.send(5).await;
    world.client.send(Cube(2)).await.unwrap();
    world.until_empty(TASKS).await;
    assert_eq!(replies(&world), [106, 108]);
    worker.stop().await;
}

#[tokio::test]
async fn a_batch_handler_runs_on_the_applications_runtime() {
    let world = World::new();
    let threads: Log<Option<String>> = Log::default();
    let noted = Arc::clone(&threads);
    let note = move |tasks: Vec<Square>| {
        let noted = Arc::clone(&noted);
        async move {
            noted.lock().unwrap().push(std::thread::current().name().map(ToOwned::to_owned));
            tasks.into_iter().map(|Square(n)| Ok(n)).collect::<Vec<Answer>>()
        }
    };
    send(&world, 0..3).await;
    world.simulation.set_receive_patience(Duration::ZERO);
    let worker = start(world.worker_without_handlers().own_thread(true).handle_batch(note));
    until(|| replies(&world).len() == 3).await;
    let here = std::thread::current().name().map(ToOwned::to_owned);
    assert!(threads.lock().unwrap().iter().all(|thread| *thread == here), "{threads:?}");
    worker.stop().await;
}
