//! What operators say of a queue while its workers run: a pause, and how many tasks may run.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use longshore_tasks::life::When;
use longshore_tasks::store::{Expected, PutValue, Store as _};
use longshore_tasks::transport::Action;
use longshore_tasks::{ControlError, QueueControl, Worker};
use longshore_types::Timestamp;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep};

use crate::world::{Counter, Square, TASKS, World, start, until};

/// Longer than a worker takes to see what was said.
const SEEN: Duration = Duration::from_millis(2100);

/// A worker that runs tasks until each is let go, one by one.
struct Gated {
    runs: Counter,
    gate: Arc<Semaphore>,
}

impl Gated {
    fn new(world: &World) -> (Self, Worker) {
        let gated = Self { runs: Counter::default(), gate: Arc::new(Semaphore::new(0)) };
        let (runs, gate) = (gated.runs.clone(), Arc::clone(&gated.gate));
        let worker = world.worker(move |Square(n), _| {
            runs.add();
            let gate = Arc::clone(&gate);
            async move {
                gate.acquire().await.unwrap().forget();
                Ok(n)
            }
        });
        (gated, worker)
    }

    fn let_go(&self, count: usize) {
        self.gate.add_permits(count);
    }
}

fn count(count: u32) -> Option<NonZeroU32> {
    NonZeroU32::new(count)
}

#[tokio::test(start_paused = true)]
async fn while_a_queue_is_paused_nothing_is_received_and_what_runs_goes_on() {
    let world = World::new();
    world.simulation.set_receive_patience(Duration::ZERO);
    let (gated, worker) = Gated::new(&world);
    let status = worker.status();
    let worker = start(worker);
    world.send(1).await;
    until(|| gated.runs.get() == 1).await;

    world.client.pause(TASKS).by("ada").why("the disk is full").await.unwrap();
    sleep(SEEN).await;
    let said = status.control().paused.unwrap();
    assert_eq!((said.by.as_deref(), said.why.as_deref()), (Some("ada"), Some("the disk is full")));
    world.send(2).await;
    let before = world.simulation.calls(Action::ReceiveMessage).len();
    gated.let_go(1);
    sleep(Duration::from_secs(600)).await;
    assert_eq!(world.simulation.calls(Action::ReceiveMessage).len(), before);
    assert_eq!(world.bodies(TASKS).len(), 1, "what ran is done, and what came later waits");
    assert_eq!((status.report().done, status.receiving()), (1, 0));
    assert_eq!(status.unanswered_since(Timestamp::ZERO), None, "it is well");

    world.client.resume(TASKS).await.unwrap();
    sleep(SEEN).await;
    assert_eq!(gated.runs.get(), 2);
    assert!(status.control().paused.is_none());
    gated.let_go(1);
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_a_parked_receive_brings_to_a_paused_queue_is_handed_back_and_counts_no_attempt() {
    let world = World::new();
    let worker = start(world.worker(|_, context| async move { Ok(i64::from(context.attempt())) }));
    until(|| !world.simulation.calls(Action::ReceiveMessage).is_empty()).await;
    world.client.pause(TASKS).await.unwrap();
    sleep(SEEN).await;
    let pending = world.client.send(Square(8)).await.unwrap();
    until(|| world.simulation.messages(TASKS)[0].receive_count == 1).await;
    sleep(Duration::from_secs(1)).await;
    assert!(world.simulation.messages(TASKS)[0].available_at <= Instant::now());
    sleep(Duration::from_secs(600)).await;
    assert_eq!(world.simulation.messages(TASKS)[0].receive_count, 1);

    world.client.resume(TASKS).await.unwrap();
    world.until_empty(TASKS).await;
    assert_eq!(pending.now().await.unwrap(), Some(1));
    assert_eq!(worker.stop().await.returned, 1);
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_starts_keeps_to_a_pause() {
    let world = World::new();
    world.client.pause(TASKS).await.unwrap();
    world.send(8).await;
    let worker = start(world.worker(|Square(n), _| async move { Ok(n) }));
    sleep(Duration::from_secs(60)).await;
    assert!(world.simulation.calls(Action::ReceiveMessage).is_empty());
    world.client.resume(TASKS).await.unwrap();
    world.until_empty(TASKS).await;
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn while_the_store_is_away_what_was_known_last_holds() {
    let world = World::new();
    world.client.pause(TASKS).await.unwrap();
    world.send(8).await;
    let worker = start(world.worker(|Square(n), _| async move { Ok(n) }));
    sleep(SEEN).await;
    world.flaky.set_down(true);
    world.client.resume(TASKS).await.unwrap();
    sleep(Duration::from_secs(60)).await;
    assert!(world.simulation.calls(Action::ReceiveMessage).is_empty());
    world.flaky.set_down(false);
    world.until_empty(TASKS).await;
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_a_later_version_said_changes_nothing_here_and_is_not_written_over() {
    let world = World::new();
    world.client.pause(TASKS).await.unwrap();
    world.send(8).await;
    let worker = start(world.worker(|Square(n), _| async move { Ok(n) }));
    sleep(SEEN).await;
    let (key, text) = (format!("queues/{TASKS}"), r#"{"format":2}"#.to_owned());
    let keep = When::In(Duration::from_secs(3600));
    let later = PutValue { key, expected: Expected::Anything, mark: 1, text, keep };
    world.store.put_value(later).await.unwrap();
    sleep(Duration::from_secs(60)).await;
    assert!(world.simulation.calls(Action::ReceiveMessage).is_empty());
    let refused = world.client.resume(TASKS).await.unwrap_err();
    assert!(matches!(refused, ControlError::Unreadable { .. }), "{refused}");
    worker.kill().await;
}

#[tokio::test(start_paused = true)]
async fn more_and_fewer_tasks_run_at_once_as_an_operator_says() {
    let world = World::new();
    let (gated, worker) = Gated::new(&world);
    let status = worker.status();
    let worker = start(worker.concurrency(2));
    world.client.send_all((0..40).map(Square)).await;
    sleep(SEEN).await;
    assert_eq!((gated.runs.get(), status.concurrency()), (2, Some(2)));

    world.client.set_concurrency(TASKS, count(15)).await.unwrap();
    sleep(SEEN).await;
    assert_eq!((gated.runs.get(), status.concurrency()), (15, Some(15)));

    world.client.set_concurrency(TASKS, count(3)).await.unwrap();
    sleep(SEEN).await;
    gated.let_go(12);
    sleep(SEEN).await;
    assert_eq!((gated.runs.get(), status.running()), (15, 3), "none begins before three are left");
    gated.let_go(1);
    sleep(SEEN).await;
    assert_eq!((gated.runs.get(), status.running()), (16, 3));

    world.client.set_concurrency(TASKS, None).await.unwrap();
    sleep(SEEN).await;
    assert_eq!(status.concurrency(), Some(2));
    gated.let_go(100);
    world.until_empty(TASKS).await;
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_a_parked_receive_brings_beyond_a_smaller_number_is_handed_back() {
    let world = World::new();
    let (gated, worker) = Gated::new(&world);
    let worker = start(worker);
    until(|| !world.simulation.calls(Action::ReceiveMessage).is_empty()).await;
    world.client.set_concurrency(TASKS, count(2)).await.unwrap();
    sleep(SEEN).await;
    world.client.send_all((0..7).map(Square)).await;
    sleep(SEEN).await;
    assert_eq!(gated.runs.get(), 2);
    gated.let_go(100);
    world.until_empty(TASKS).await;
    let report = worker.stop().await;
    assert_eq!((report.done, report.returned), (7, 5));
}

#[tokio::test(start_paused = true)]
async fn orders_that_are_given_together_are_all_kept_and_a_url_is_as_good_as_a_name() {
    let world = World::new();
    let url = format!("sim://queues/{TASKS}");
    let (paused, chosen) = tokio::join!(
        world.client.pause(url.as_str()).into_future(),
        world.client.set_concurrency(TASKS, count(4)).into_future(),
    );
    paused.and(chosen).unwrap();
    let control = world.client.queue_control(TASKS).await.unwrap();
    assert!(control.is_paused());
    assert_eq!(control.concurrency(), count(4));
    let other = world.client.queue_control("others").await.unwrap();
    assert_eq!(other, QueueControl::default());
}
