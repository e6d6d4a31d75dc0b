//! Handlers that go on though their runs were given up: on real threads, beside a worker under a paused clock.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use longshore_tasks::{Context, Failure, Handlers, TaskOptions, Worker, WorkerError};
use tokio::runtime::{Builder, Runtime};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::world::{Answer, Counter, REPLIES, Square, TASKS, World, start, until};

/// A handler that blocks its thread for each negative number until it is let go, whatever it is told.
#[derive(Clone)]
struct Blocking {
    begun: Counter,
    let_go: Arc<Mutex<Receiver<()>>>,
    saw_the_end: Arc<AtomicBool>,
}

impl Blocking {
    fn new() -> (Self, Sender<()>) {
        let (release, let_go) = channel();
        let (begun, saw_the_end) = (Counter::default(), Arc::default());
        (Self { begun, let_go: Arc::new(Mutex::new(let_go)), saw_the_end }, release)
    }

    fn run(&self, Square(n): Square, context: &Context) -> Answer {
        let square = n.checked_mul(n).ok_or_else(|| Failure::dead("too large"))?;
        if n < 0 {
            self.begun.add();
            self.let_go.lock().unwrap().recv().unwrap();
            self.saw_the_end.store(context.is_cancelled(), Ordering::SeqCst);
        }
        Ok(square)
    }
}

/// The application's runtime, whose clock is not paused.
fn threads() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).build().unwrap()
}

/// Registers the handler in one of the three ways.
type Register = fn(Worker, Blocking) -> Worker;

const WAYS: [Register; 3] = [
    |worker, handler| {
        worker.handle_blocking(move |task: Square, context: Context| handler.run(task, &context))
    },
    |worker, handler| {
        let handler = Arc::new(handler);
        worker.handle(move |task: Square, context: Context| {
            let handler = Arc::clone(&handler);
            async move { handler.run(task, &context) }
        })
    },
    |worker, handler| {
        let handler = Arc::new(handler);
        worker.handle_batch(move |tasks: Vec<(Square, Context)>| {
            let handler = Arc::clone(&handler);
            async move {
                tasks
                    .into_iter()
                    .map(|(task, context)| handler.run(task, &context))
                    .collect::<Vec<_>>()
            }
        })
    },
];

#[tokio::test(start_paused = true)]
async fn a_cancelled_task_ends_and_the_next_one_runs_while_its_handler_goes_on() {
    for register in WAYS {
        let (world, threads) = (World::new(), threads());
        let (handler, release) = Blocking::new();
        let worker = world.worker_without_handlers().concurrency(1);
        let worker = register(worker, handler.clone()).handler_runtime(threads.handle().clone());
        let status = worker.status();
        let worker = start(worker);
        let first = world.send(-1).await;
        until(|| handler.begun.get() == 1).await;
        world.client.cancel(&first).await.unwrap();
        world.send(3).await;
        until(|| world.bodies(REPLIES).len() == 2).await;
        assert!(world.bodies(REPLIES)[0].contains("it was cancelled"));
        assert_eq!(world.bodies(REPLIES)[1], "9");
        // What can be dropped is dropped, which takes the other runtime a moment of real time.
        for _ in 0..3 {
            threads.spawn(async {}).await.unwrap();
        }
        until(|| status.stuck_tasks(10).len() == 1).await;
        assert_eq!(status.stuck_tasks(10)[0].task, first.to_string());
        let numbers = |of: &str| status.numbers().tasks[of].clone();
        assert_eq!((numbers("square").stuck, numbers("square").running), (1, 0));
        release.send(()).unwrap();
        until(|| status.stuck_tasks(10).is_empty()).await;
        assert!(handler.saw_the_end.load(Ordering::SeqCst));
        // To drop what can be dropped takes real time, and the paused clock may run on meanwhile.
        until(|| numbers("square").stuck == 0 && numbers("square").abandoned >= 1).await;
        worker.stop().await;
        threads.shutdown_background();
    }
}

#[tokio::test(start_paused = true)]
async fn no_more_handlers_are_left_behind_than_the_worker_has_places() {
    let (world, threads) = (World::new(), threads());
    let (handler, release) = Blocking::new();
    let worker = world.worker_without_handlers().concurrency(1);
    let worker = WAYS[0](worker, handler.clone()).handler_runtime(threads.handle().clone());
    let status = worker.status();
    let worker = start(worker);
    for (number, closed) in [(1, 0), (2, 1)] {
        let task = world.send(-1).await;
        until(|| handler.begun.get() == number).await;
        world.client.cancel(&task).await.unwrap();
        until(|| world.simulation.messages(TASKS).is_empty()).await;
        assert_eq!(status.places_closed(), closed);
    }
    world.send(3).await;
    sleep(Duration::from_secs(60)).await;
    assert_eq!(world.simulation.messages(TASKS)[0].receive_count, 0, "its place is closed");
    release.send(()).unwrap();
    until(|| world.bodies(REPLIES).len() == 3).await;
    assert_eq!(status.places_closed(), 0);
    release.send(()).unwrap();
    until(|| status.stuck_tasks(10).is_empty()).await;
    worker.stop().await;
    threads.shutdown_background();
}

#[tokio::test(start_paused = true)]
async fn the_place_among_the_tasks_of_a_name_is_free_too() {
    let (world, threads) = (World::new(), threads());
    let (handler, release) = Blocking::new();
    let blocking = handler.clone();
    let handlers = Handlers::<()>::new()
        .handle_blocking(move |task: Square, context: Context| blocking.run(task, &context))
        .options::<Square>(TaskOptions::new().concurrency(1));
    let worker = world.worker_without_handlers().handlers(&handlers, &());
    let worker = start(worker.handler_runtime(threads.handle().clone()));
    let first = world.send(-1).await;
    until(|| handler.begun.get() == 1).await;
    world.send(3).await;
    sleep(Duration::from_secs(60)).await;
    assert!(world.bodies(REPLIES).is_empty(), "one of its name runs");
    world.client.cancel(&first).await.unwrap();
    until(|| world.bodies(REPLIES).len() == 2).await;
    release.send(()).unwrap();
    worker.stop().await;
    threads.shutdown_background();
}

#[tokio::test(start_paused = true)]
async fn a_drain_leaves_a_blocked_handler_behind_and_says_so() {
    let (world, threads) = (World::new(), threads());
    let (handler, release) = Blocking::new();
    let worker = world.worker_without_handlers().grace(Duration::from_secs(5));
    let worker = WAYS[0](worker, handler.clone()).handler_runtime(threads.handle().clone());
    let status = worker.status();
    let worker = start(worker);
    world.send(-1).await;
    until(|| handler.begun.get() == 1).await;
    assert!(worker.stop().await.returned > 0);
    assert_eq!(status.stuck_tasks(10).len(), 1);
    release.send(()).unwrap();
    until(|| status.stuck_tasks(10).is_empty()).await;
    assert!(handler.saw_the_end.load(Ordering::SeqCst), "a drain cancels what it gives up");
    threads.shutdown_background();
}

#[tokio::test(start_paused = true)]
async fn a_worker_with_two_handlers_for_a_task_does_not_start() {
    let world = World::new();
    let squares = |Square(n): Square| async move { Ok(n * n) };
    let twice = world.worker_without_handlers().handle(squares).handle(squares);
    let handlers = Handlers::<()>::new().handle(squares);
    let merged = world.worker_without_handlers().handle(squares).handlers(&handlers, &());
    for worker in [twice, merged] {
        let refusal = worker.run(CancellationToken::new()).await.unwrap_err();
        assert!(matches!(refusal, WorkerError::TwoHandlers { task: "square", .. }), "{refusal}");
        assert!(refusal.to_string().contains("two handlers for the task `square`"), "{refusal}");
    }
}
