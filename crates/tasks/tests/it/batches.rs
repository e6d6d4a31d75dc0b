//! Batch handlers: who shares a call, when it is made, and that each task has its own end.

use std::future::{Ready, pending, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use longshore_tasks::envelope::TASK_NAME;
use longshore_tasks::transport::Action;
use longshore_tasks::{
    BatchOptions, Context, Failure, Handlers, Json, State, Status, Task, TaskId, TaskOptions,
    Worker,
};
use longshore_types::{MessageAttribute, MessageAttributes};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep, timeout};

use crate::simulation::Fault;
use crate::world::{
    Answer, Counter, Log, REPLIES, Square, TASKS, TASKS_DEAD, VISIBILITY, World, start, until,
};

/// Longer than any test waits for a batch.
const HOUR: Duration = Duration::from_secs(3600);

/// Cubes a number.
#[derive(Debug, Serialize, Deserialize)]
struct Cube(i64);

impl Task for Cube {
    const NAME: &'static str = "cube";
    type Reply = i64;
    type Codec = Json;
}

/// The numbers of each call, in its order.
type Calls = Log<Vec<i64>>;

fn numbers(tasks: &[Square]) -> Vec<i64> {
    tasks.iter().map(|Square(n)| *n).collect()
}

/// Squares what it is given, and notes each call.
fn squares(calls: &Calls) -> impl Fn(Vec<Square>) -> Ready<Vec<Answer>> + Send + Sync + 'static {
    let calls = Arc::clone(calls);
    move |tasks| {
        calls.lock().unwrap().push(numbers(&tasks));
        ready(tasks.into_iter().map(|Square(n)| Ok(n * n)).collect())
    }
}

fn up_to(tasks_max: usize) -> BatchOptions {
    BatchOptions::new().tasks_max(tasks_max).linger(HOUR)
}

async fn send(world: &World, numbers: std::ops::Range<i64>) -> Vec<TaskId> {
    let sent = world.client.send_all(numbers.map(Square).collect::<Vec<_>>()).await;
    sent.into_iter().map(|pending| pending.unwrap().id().clone()).collect()
}

/// Waits until the condition holds, for much less than [`HOUR`].
async fn soon(condition: impl FnMut() -> bool) {
    timeout(HOUR / 60, until(condition)).await.expect("it takes no linger of an hour");
}

fn sizes(calls: &Calls) -> Vec<usize> {
    calls.lock().unwrap().iter().map(Vec::len).collect()
}

/// The numbers that were replied, smallest first.
fn replies(world: &World) -> Vec<i64> {
    let bodies = world.bodies(REPLIES);
    let mut replies: Vec<i64> = bodies.iter().filter_map(|body| body.parse().ok()).collect();
    replies.sort_unstable();
    replies
}

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
async fn a_failure_of_one_task_concerns_no_other() {
    let world = World::new();
    let calls = Calls::default();
    let noted = Arc::clone(&calls);
    let judge = move |tasks: Vec<(Square, Context)>| {
        noted.lock().unwrap().push(tasks.iter().map(|(Square(n), _)| *n).collect());
        let judged = tasks.into_iter().map(|(Square(n), context)| match n {
            1 if context.attempt() == 1 => Err(Failure::retry("not yet")),
            2 => Err(Failure::dead("never")),
            n => Ok(n),
        });
        ready(judged.collect::<Vec<Answer>>())
    };
    send(&world, 0..4).await;
    let worker = start(world.worker_without_handlers().handle_batch(judge));
    world.until_empty(TASKS).await;
    let mut calls = calls.lock().unwrap().clone();
    calls[0].sort_unstable();
    assert_eq!(calls, [vec![0, 1, 2, 3], vec![1]]);
    let dead = world.simulation.messages(TASKS_DEAD);
    assert_eq!(
        (dead.len(), dead[0].body.as_str(), dead[0].text("reason")),
        (1, "2", Some("never"))
    );
    let report = worker.stop().await;
    assert_eq!((report.done, report.retried, report.dead), (3, 1, 1));
}

#[tokio::test(start_paused = true)]
async fn one_failure_in_place_of_all_results_is_that_of_each_task() {
    let world = World::new();
    let refuse = |_: Vec<Square>| async {
        let () = Err(Failure::dead("the database is gone"))?;
        Ok(Vec::<Answer>::new())
    };
    send(&world, 0..3).await;
    let worker = start(world.worker_without_handlers().handle_batch(refuse));
    world.until_empty(TASKS).await;
    let dead = world.simulation.messages(TASKS_DEAD);
    assert_eq!(dead.len(), 3);
    assert!(dead.iter().all(|dead| dead.text("reason") == Some("the database is gone")));
    assert_eq!(worker.stop().await.dead, 3);
}

/// Has a function answer `results` results to three tasks, and says what becomes of them.
async fn answered(results: usize) {
    let (world, calls) = (World::new(), Counter::default());
    let counter = calls.clone();
    let wrong = move |tasks: Vec<Square>| {
        assert!(tasks.len() == 3 || counter.get() > 0, "the first three come together");
        let first = counter.add() == 1;
        let count = if first { results } else { tasks.len() };
        let results =
            tasks.into_iter().map(|Square(n)| Ok(n)).chain((100..200).map(Ok)).take(count);
        ready(results.collect::<Vec<Answer>>())
    };
    let ids = send(&world, 0..3).await;
    let worker = start(world.worker_without_handlers().handle_batch(wrong));
    world.until_empty(TASKS).await;
    assert_eq!(replies(&world), [0, 1, 2]);
    let report = worker.stop().await;
    assert_eq!((report.retried, report.done), (3, 3));
    for id in ids {
        let record = world.client.task(&id).await.unwrap().unwrap();
        let error = &record.life.attempts[0].error[0];
        assert!(error.contains(&format!("answered {results} results for 3 tasks")), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn fewer_results_than_tasks_fail_each_of_them_and_none_has_anothers() {
    answered(2).await;
    answered(0).await;
}

#[tokio::test(start_paused = true)]
async fn more_results_than_tasks_fail_each_of_them_and_none_has_anothers() {
    answered(4).await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_fails_each_task_of_its_batch_and_not_the_next_batch() {
    let (world, calls) = (World::new(), Counter::default());
    let counter = calls.clone();
    let panics = move |tasks: Vec<Square>| {
        // The first before its future is made, the second within it.
        let call = counter.add();
        assert!(call != 1, "out of luck");
        async move {
            assert!(call != 2, "out of luck again");
            tasks.into_iter().map(|Square(n)| Ok(n)).collect::<Vec<Answer>>()
        }
    };
    let ids = send(&world, 0..3).await;
    let worker = start(world.worker_without_handlers().handle_batch_with(panics, up_to(3)));
    world.until_empty(TASKS).await;
    assert_eq!((replies(&world), calls.get()), (vec![0, 1, 2], 3));
    for id in ids {
        let record = world.client.task(&id).await.unwrap().unwrap();
        let errors: Vec<_> = record.life.attempts.iter().map(|run| run.error.concat()).collect();
        assert_eq!(errors[0], "the handler panicked: out of luck");
        assert_eq!(errors[1], "the handler panicked: out of luck again");
    }
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_argument_that_cannot_be_read_disturbs_no_batch() {
    let (world, calls) = (World::new(), Calls::default());
    let worker = world.worker_without_handlers().handle_batch(squares(&calls));
    let named = (TASK_NAME.to_owned(), MessageAttribute::text("square"));
    world.simulation.put(TASKS, "1", MessageAttributes::from([named.clone()]));
    world.simulation.put(TASKS, "one", MessageAttributes::from([named.clone()]));
    world.simulation.put(TASKS, "2", MessageAttributes::from([named]));
    let worker = start(worker);
    world.until_empty(TASKS).await;
    assert_eq!(sizes(&calls), [2]);
    let dead = world.simulation.messages(TASKS_DEAD);
    assert_eq!((dead.len(), dead[0].body.as_str()), (1, "one"));
    worker.stop().await;
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
