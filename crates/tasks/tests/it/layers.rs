//! Layers around handlers: what they see, and what becomes of a task that they hold back, refuse or answer.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context as Waker, Poll};
use std::time::Duration;

use longshore_tasks::{
    Context, Failure, Outcome, RetryPolicy, Status, Task as _, TaskOptions, TaskRun, TaskRunner,
};
use tokio::time::{Instant, sleep};
use tower::layer::layer_fn;
use tower::limit::ConcurrencyLimitLayer;
use tower::timeout::TimeoutLayer;
use tower::{BoxError, Service, ServiceExt as _, service_fn};

use crate::world::{Counter, Log, REPLIES, Square, TASKS, VISIBILITY, World, start, until};

async fn square(Square(number): Square, _: Context) -> Result<i64, Failure> {
    Ok(number * number)
}

/// A layer whose service never is ready.
#[derive(Clone)]
struct NeverReady;

impl Service<TaskRun> for NeverReady {
    type Response = Outcome;
    type Error = Infallible;
    type Future = std::future::Pending<Result<Outcome, Infallible>>;

    fn poll_ready(&mut self, _: &mut Waker<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Pending
    }

    fn call(&mut self, _: TaskRun) -> Self::Future {
        panic!("it is not ready")
    }
}

#[tokio::test(start_paused = true)]
async fn a_layer_sees_the_run_and_its_outcome_and_the_last_one_added_is_the_outermost() {
    let world = World::new();
    let log: Log<String> = Arc::default();
    let note = |name: &'static str| {
        let log = Arc::clone(&log);
        layer_fn(move |inner: TaskRunner| {
            let log = Arc::clone(&log);
            service_fn(move |run: TaskRun| {
                let (log, inner) = (Arc::clone(&log), inner.clone());
                let attempt = run.context().attempt();
                let seen = format!("{} {} of {} at {attempt}", run.name(), run.body(), run.queue());
                async move {
                    log.lock().unwrap().push(format!("{name}: {seen}"));
                    let outcome = inner.oneshot(run).await?;
                    log.lock().unwrap().push(format!("{name}: {}", outcome.name()));
                    Ok::<_, BoxError>(outcome)
                }
            })
        })
    };
    let worker = start(world.worker(square).layer(note("inner")).layer(note("outer")));
    world.send(3).await;
    world.until_empty(TASKS).await;
    let seen = log.lock().unwrap().clone();
    let run = "square 3 of tasks at 1";
    let expected =
        [&format!("outer: {run}"), &format!("inner: {run}"), "inner: done", "outer: done"];
    assert_eq!(seen, expected);
    assert_eq!(worker.stop().await.done, 1);
}

#[tokio::test(start_paused = true)]
async fn a_layer_can_change_the_argument_and_answer_in_the_handlers_place() {
    let world = World::new();
    let replies = world.start_replies();
    let layer = layer_fn(|inner: TaskRunner| {
        service_fn(move |mut run: TaskRun| {
            let inner = inner.clone();
            async move {
                if run.body() == "0" {
                    return Ok(Failure::discard("nothing to square").into());
                }
                run.body_mut().push('0');
                inner.oneshot(run).await
            }
        })
    });
    let worker = start(world.worker(square).layer(layer));
    let (changed, refused) = (world.send(1).await, world.send(0).await);
    world.until_empty(TASKS).await;
    world.until_empty(REPLIES).await;
    let body = |body: &str| body.to_owned();
    assert_eq!(world.status(&changed).await, Some(Status::Completed { body: body("100") }));
    let told = body(r#"{"message":"nothing to square"}"#);
    assert_eq!(world.status(&refused).await, Some(Status::Failed { body: told }));
    worker.stop().await;
    replies.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_error_of_a_layer_is_a_failed_attempt_and_the_handler_is_not_run() {
    let world = World::new();
    let runs = Counter::default();
    let counter = runs.clone();
    let handler = move |_: Square, _: Context| {
        counter.add();
        async { Ok(0) }
    };
    let refuse = layer_fn(|_: TaskRunner| {
        service_fn(|_: TaskRun| async { Err::<Outcome, BoxError>("the gate is shut".into()) })
    });
    let worker = start(world.worker(handler).layer(refuse));
    let id = world.send(3).await;
    world.until_empty(TASKS).await;
    let record = world.client.task(&id).await.unwrap().unwrap();
    assert_eq!(record.reason().unwrap(), "the gate is shut");
    let report = worker.stop().await;
    assert_eq!((report.retried, report.dead, runs.get()), (2, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_timeout_layer_ends_the_attempt_as_the_tasks_own_timeout_does() {
    let world = World::new();
    let slow = |_: Square, _: Context| async {
        sleep(Duration::from_secs(3600)).await;
        Ok(0)
    };
    let worker = world.worker(slow).retry(RetryPolicy::never());
    let worker = start(worker.layer(TimeoutLayer::new(Duration::from_secs(20))));
    let (sent_at, id) = (Instant::now(), world.send(3).await);
    world.until_empty(TASKS).await;
    assert!(sent_at.elapsed() < Duration::from_secs(25), "{:?}", sent_at.elapsed());
    let reason = world.client.task(&id).await.unwrap().unwrap().reason().unwrap();
    assert_eq!(reason, "it took longer than the timeout of a layer around its handler");
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn one_limit_of_concurrency_holds_for_the_whole_worker_and_its_leases_are_renewed() {
    let world = World::new();
    let (running, most) = (Counter::default(), Arc::new(AtomicU32::new(0)));
    let (now, seen) = (running.clone(), Arc::clone(&most));
    let handler = move |Square(number): Square, _: Context| {
        let (now, seen) = (now.clone(), Arc::clone(&seen));
        async move {
            let at_once = now.add();
            seen.fetch_max(at_once, Ordering::SeqCst);
            // Longer than a lease: who waits is held beyond it.
            sleep(VISIBILITY * 2).await;
            now.subtract();
            Ok(number)
        }
    };
    let worker = start(world.worker(handler).layer(ConcurrencyLimitLayer::new(2)));
    for number in 0..6 {
        world.send(number).await;
    }
    world.until_empty(TASKS).await;
    assert_eq!(most.load(Ordering::SeqCst), 2);
    let report = worker.stop().await;
    assert_eq!((report.done, report.lost, report.received), (6, 0, 6));
}

#[tokio::test(start_paused = true)]
async fn the_time_until_layers_are_ready_is_not_the_runs_and_a_run_that_waits_can_be_cancelled() {
    let world = World::new();
    let options = TaskOptions::new().timeout(Duration::from_secs(1));
    let handlers = longshore_tasks::Handlers::new().handle(square).options::<Square>(options);
    let worker = world.worker_without_handlers().handlers(&handlers, &());
    let worker = start(worker.layer(layer_fn(|_: TaskRunner| NeverReady)));
    let id = world.send(3).await;
    sleep(VISIBILITY * 3).await;
    let record = world.client.task(&id).await.unwrap().unwrap();
    assert_eq!((record.life.attempts_made, record.reason()), (1, None), "{record:?}");
    world.client.cancel(&id).await.unwrap();
    world.until_empty(TASKS).await;
    assert_eq!(worker.stop().await.cancelled, 1);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_layers_hold_back_is_handed_back_when_the_worker_drains_or_its_lease_is_lost() {
    let world = World::new();
    let never = || layer_fn(|_: TaskRunner| NeverReady);
    let worker = start(world.worker(square).layer(never()));
    world.send(3).await;
    until(|| world.simulation.messages(TASKS)[0].receive_count == 1).await;
    let report = worker.stop().await;
    assert_eq!((report.returned, report.done), (1, 0));
    assert!(world.simulation.messages(TASKS)[0].available_at <= Instant::now());

    let worker = start(world.worker(square).layer(never()));
    until(|| world.simulation.messages(TASKS)[0].receive_count == 2).await;
    world.simulation.end_leases(TASKS);
    sleep(VISIBILITY * 2).await;
    assert_eq!(worker.stop().await.lost, 1);
}

#[tokio::test(start_paused = true)]
async fn an_argument_that_the_handler_cannot_read_is_left_to_others_through_layers_too() {
    let world = World::new();
    let seen: Log<String> = Arc::default();
    let log = Arc::clone(&seen);
    let layer = layer_fn(move |inner: TaskRunner| {
        let log = Arc::clone(&log);
        inner.map_response(move |outcome: Outcome| {
            log.lock().unwrap().push(outcome.name().to_owned());
            outcome
        })
    });
    let worker = world.worker(square).unknown_patience(Duration::from_secs(3600)).layer(layer);
    let worker = start(worker);
    let mut attributes = longshore_types::MessageAttributes::new();
    let name = longshore_types::MessageAttribute::text(Square::NAME);
    attributes.insert(longshore_tasks::envelope::TASK_NAME.to_owned(), name);
    world.simulation.put(TASKS, "\"no number\"", attributes);
    until(|| !seen.lock().unwrap().is_empty()).await;
    assert_eq!(seen.lock().unwrap()[0], "unknown");
    let report = worker.stop().await;
    assert_eq!((report.dead, report.retried), (0, 0));
    assert!(report.unknown > 0);
}
