//! What was once lost, or run twice: tests by the names of what was done.

mod outbox;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use longshore_tasks::transport::Action;
use longshore_tasks::{
    Client, Clock, Failure, MemoryStore, SendError, Status, Task, TaskId, Worker, WorkerReport,
};
use longshore_types::{MessageAttribute, MessageAttributes, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};

use crate::inputs::SimulatedClock;
use crate::simulation::Fault;
use crate::world::{
    Counter, REPLIES, RETENTION, Running, Square, TASKS, TASKS_DEAD, VISIBILITY, World, start,
    until,
};

/// A worker whose every run ends it.
pub(crate) async fn kill_in_a_run(world: &World) {
    let runs = Counter::default();
    let counter = runs.clone();
    let worker = start(world.worker(move |_, _| {
        counter.add();
        std::future::pending()
    }));
    until(|| runs.get() == 1).await;
    worker.kill().await;
}

pub(crate) fn squaring(world: &World, runs: &Counter) -> Running<WorkerReport> {
    let runs = runs.clone();
    start(world.worker(move |Square(n), _| {
        runs.add();
        async move { Ok(n * n) }
    }))
}

/// Puts every dead letter back on the task queue, as a redrive with a destination does.
fn redrive(world: &World) {
    for dead in world.simulation.take_all(TASKS_DEAD) {
        world.simulation.put(TASKS, &dead.body, dead.attributes);
    }
}

#[tokio::test(start_paused = true)]
async fn l1_a_task_that_killed_its_workers_runs_when_it_is_redriven_and_completed_replaces_failed()
{
    let world = World::new();
    let replies = world.start_replies();
    let id = world.send(8).await;
    for _ in 0..3 {
        kill_in_a_run(&world).await;
    }
    let runs = Counter::default();
    let worker = squaring(&world, &runs);
    until(|| !world.simulation.messages(TASKS_DEAD).is_empty()).await;
    world.until_empty(REPLIES).await;
    assert!(matches!(world.status(&id).await, Some(Status::Failed { .. })));
    assert_eq!(runs.get(), 0);

    redrive(&world);
    world.until_empty(TASKS).await;
    world.until_empty(REPLIES).await;
    assert_eq!(world.status(&id).await, Some(Status::Completed { body: "64".to_owned() }));
    assert_eq!(runs.get(), 1);
    worker.stop().await;
    replies.stop().await;
}

#[tokio::test(start_paused = true)]
async fn l1_a_task_can_die_and_be_redriven_again_and_again() {
    let world = World::new();
    let id = world.send(8).await;
    let runs = Counter::default();
    let counter = runs.clone();
    let worker = start(world.worker(move |Square(n), _| {
        let run = counter.add();
        async move { if run < 4 { Err(Failure::dead("broken")) } else { Ok(n) } }
    }));
    for generation in 1..4 {
        until(|| !world.simulation.messages(TASKS_DEAD).is_empty()).await;
        let dead = &world.simulation.messages(TASKS_DEAD)[0];
        assert_eq!(dead.text("generation"), Some(generation.to_string().as_str()));
        redrive(&world);
    }
    world.until_empty(TASKS).await;
    assert_eq!(world.status(&id).await, Some(Status::Completed { body: "8".to_owned() }));
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_second_copy_of_a_dead_letter_and_the_task_itself_are_duplicates_after_the_redrive() {
    let world = World::new();
    let id = world.send(8).await;
    let original = world.simulation.messages(TASKS)[0].clone();
    let runs = Counter::default();
    let counter = runs.clone();
    let worker = start(world.worker(move |Square(n), _| {
        let run = counter.add();
        async move { if run == 1 { Err(Failure::dead("broken")) } else { Ok(n) } }
    }));
    until(|| !world.simulation.messages(TASKS_DEAD).is_empty()).await;
    let dead = world.simulation.messages(TASKS_DEAD)[0].clone();
    redrive(&world);
    world.until_empty(TASKS).await;
    world.simulation.put(TASKS, &dead.body, dead.attributes);
    world.simulation.put(TASKS, &original.body, original.attributes);
    world.until_empty(TASKS).await;
    assert_eq!(runs.get(), 2);
    assert_eq!(world.status(&id).await, Some(Status::Completed { body: "8".to_owned() }));
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn l3_a_task_that_wants_its_reply_where_nobody_allowed_it_is_not_run_and_says_so() {
    let world = World::new();
    let runs = Counter::default();
    let worker = squaring(&world, &runs);
    let named =
        (longshore_tasks::envelope::REPLY_TO.to_owned(), MessageAttribute::text(TASKS_DEAD));
    world.simulation.put(TASKS, "8", MessageAttributes::from([named]));
    until(|| !world.simulation.messages(TASKS_DEAD).is_empty()).await;
    let reason = world.simulation.messages(TASKS_DEAD)[0].text("reason").unwrap().to_owned();
    assert!(reason.contains("--allow-reply-queue"), "{reason}");
    assert_eq!(runs.get(), 0);
    worker.stop().await;
}

/// A clock that is wrong by an hour.
#[derive(Debug)]
struct Behind(SimulatedClock);

impl Clock for Behind {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.now().as_millis() - 3_600_000)
    }
}

#[tokio::test(start_paused = true)]
async fn l4_the_task_of_a_dead_worker_waits_no_longer_because_the_next_ones_clock_is_behind() {
    let world = World::new();
    world.send(8).await;
    kill_in_a_run(&world).await;
    let killed_at = Instant::now();
    // A store that has no clock but its process's: its claims end an hour too late.
    let behind = world.store.by_clock(Arc::new(Behind(world.clock)));
    let runs = Counter::default();
    let counter = runs.clone();
    let worker = Worker::new(Arc::clone(&world.simulation) as _, TASKS, Arc::new(behind))
        .handle(move |Square(n)| {
            counter.add();
            async move { Ok::<i64, Failure>(n) }
        })
        .own_thread(false)
        .reply_queue(REPLIES);
    let worker = start(worker);
    until(|| runs.get() == 1).await;
    let waited = killed_at.elapsed();
    assert!(waited <= VISIBILITY * 3, "{waited:?}");
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn l4_a_result_of_a_worker_whose_clock_is_behind_answers_for_its_whole_retention() {
    let world = World::new();
    let id = world.send(8).await;
    let worker = world
        .worker(|Square(n), _| async move { Ok(n * n) })
        .clock(Arc::new(Behind(world.clock)))
        .retention(Duration::from_secs(1800));
    let worker = start(worker);
    world.until_empty(TASKS).await;
    sleep(Duration::from_secs(1700)).await;
    assert_eq!(world.status(&id).await, Some(Status::Completed { body: "64".to_owned() }));
    sleep(Duration::from_secs(200)).await;
    assert_eq!(world.status(&id).await, None);
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn l6_a_late_duplicate_of_a_task_runs_nothing_and_revives_nothing() {
    let world = World::new();
    let id = world.send(8).await;
    let original = world.simulation.messages(TASKS)[0].clone();
    let runs = Counter::default();
    let worker = squaring(&world, &runs);
    world.until_empty(TASKS).await;
    for wait in [RETENTION, Duration::from_secs(2 * 86_400)] {
        sleep(wait).await;
        assert_eq!(world.status(&id).await, None);
        world.simulation.put(TASKS, &original.body, original.attributes.clone());
        world.until_empty(TASKS).await;
        assert_eq!((runs.get(), world.status(&id).await), (1, None), "{wait:?}");
    }
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn u1_a_task_that_this_worker_does_not_know_is_left_for_one_that_does() {
    let world = World::new();
    let named = (longshore_tasks::envelope::TASK_NAME.to_owned(), MessageAttribute::text("cube"));
    world.simulation.put(TASKS, "2", MessageAttributes::from([named]));
    world.simulation.put(TASKS, "not a number", MessageAttributes::new());
    let patient = world.worker(|Square(n), _| async move { Ok(n) });
    let old = start(patient.unknown_patience(Duration::from_secs(3600)));
    sleep(Duration::from_secs(1800)).await;
    assert!(world.simulation.messages(TASKS_DEAD).is_empty());
    assert_eq!(world.simulation.messages(TASKS).len(), 2);
    assert!(old.stop().await.unknown >= 10);

    let new = world.worker(|Square(n), _| async move { Ok(n) });
    let new = new.unknown_patience(Duration::from_secs(3600));
    let new = start(new.handle(|Cube(n)| async move { Ok::<i64, Failure>(n * n * n) }));
    until(|| world.bodies(REPLIES) == ["8"]).await;
    // What nobody can read ends as dead once the policy's time is over.
    until(|| !world.simulation.messages(TASKS_DEAD).is_empty()).await;
    let reason = world.simulation.messages(TASKS_DEAD)[0].text("reason").unwrap().to_owned();
    assert!(reason.contains("not the JSON"), "{reason}");
    new.stop().await;
}

#[derive(Debug, Serialize, Deserialize)]
struct Cube(i64);

impl Task for Cube {
    const NAME: &'static str = "cube";
    type Reply = i64;
    type Codec = longshore_tasks::Json;
}

#[tokio::test(start_paused = true)]
async fn u4_a_reply_that_is_there_is_answered_however_short_the_patience_is() {
    let world = World::new();
    let pending = world.flaky_client().send(Square(8)).await.unwrap();
    let worker = squaring(&world, &Counter::default());
    world.until_empty(TASKS).await;
    for _ in 0..1000 {
        assert_eq!(pending.reply(Duration::ZERO).await.unwrap(), 64);
    }
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_task_whose_record_was_withdrawn_under_its_second_sender_is_withdrawn_by_that_one_too() {
    let world = World::new();
    world.simulation.hold(Action::SendMessageBatch);
    let send = |client: Client| {
        let id = TaskId::parse("own-id").unwrap();
        world.simulation.fail_next(Action::SendMessageBatch, Fault::NotSent);
        tokio::spawn(async move { client.send(Square(8)).id(id).await.map(drop) })
    };
    let first = send(world.client.clone());
    until(|| world.simulation.calls(Action::SendMessageBatch).len() == 1).await;
    // The second meets the first version, and hears of it when the first sender has withdrawn that.
    world.flaky.answers_held.store(true, Ordering::SeqCst);
    let second = send(world.flaky_client());
    sleep(Duration::from_secs(1)).await;
    world.simulation.let_go(Action::SendMessageBatch);
    assert!(matches!(first.await.unwrap(), Err(SendError::NotSent { .. })));
    assert_eq!(world.known().await, 0);
    world.flaky.answers_held.store(false, Ordering::SeqCst);
    assert!(matches!(second.await.unwrap(), Err(SendError::NotSent { .. })));
    assert_eq!(world.known().await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_thousand_waits_ask_the_store_in_one_call_and_all_are_answered() {
    let world = World::new();
    let tasks = (0..1000).map(Square);
    let pending = world.client.send_all(tasks).await;
    let waits = pending.into_iter().map(|pending| async move {
        pending.unwrap().reply(Duration::from_secs(3600)).await.unwrap()
    });
    let all = tokio::spawn(futures::future::join_all(waits));
    let worker = squaring(&world, &Counter::default());
    let replies: Vec<i64> = all.await.unwrap();
    assert_eq!(replies, (0..1000).map(|n| n * n).collect::<Vec<_>>());
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_foreign_completed_ends_the_task_here_too_and_no_second_reply_is_sent() {
    let world = World::new();
    let replies = world.start_replies();
    let runs = Counter::default();
    let counter = runs.clone();
    let worker = start(world.worker(move |_, _| {
        counter.add();
        std::future::pending()
    }));
    let id = world.send(8).await;
    until(|| runs.get() == 1).await;
    let message_id = world.simulation.messages(TASKS)[0].id.clone();
    world.simulation.put(REPLIES, "13", crate::replies::foreign_reply(&message_id));
    world.until_empty(TASKS).await;
    assert_eq!(world.status(&id).await, Some(Status::Completed { body: "13".to_owned() }));
    assert_eq!(worker.stop().await.done, 0);
    assert_eq!(replies.stop().await.kept, 1);
}

#[tokio::test(start_paused = true)]
async fn l8_the_causes_of_an_error_are_in_the_dead_letter_and_in_the_record() {
    let world = World::new();
    let worker = start(world.worker(|_, _| async {
        let disk = std::io::Error::other("no space left");
        Err(Failure::from(anyhow::Error::new(disk).context("the image cannot be saved")))
    }));
    let id = world.send(8).await;
    world.until_empty(TASKS).await;
    let dead = &world.simulation.messages(TASKS_DEAD)[0];
    assert_eq!(dead.text("reason"), Some("the image cannot be saved: no space left"));
    let record = world.client.task(&id).await.unwrap().unwrap();
    let last = record.life.attempts.last().unwrap();
    assert_eq!(last.error, ["the image cannot be saved", "no space left"]);
    assert_eq!(record.reason().as_deref(), dead.text("reason"));
    assert_eq!(record.life.attempts.len(), 3);
    worker.stop().await;
}

/// Both sides with stores of their own: replies by queue are all that they share.
#[tokio::test(start_paused = true)]
async fn apps_and_workers_with_stores_of_their_own_know_each_its_part() {
    let world = World::new();
    let replies = world.start_replies();
    let own: Arc<MemoryStore> = Arc::new(MemoryStore::with_clock(Arc::new(world.clock)));
    let worker = Worker::new(Arc::clone(&world.simulation) as _, TASKS, own)
        .handle(|Square(n)| async move { Ok::<i64, Failure>(n * n) })
        .own_thread(false)
        .reply_queue(REPLIES);
    let worker = start(worker);
    let pending = world.client.send(Square(8)).await.unwrap();
    assert_eq!(pending.reply(Duration::from_secs(60)).await.unwrap(), 64);
    worker.stop().await;
    replies.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_handler_begins_while_the_end_of_the_run_before_it_is_written() {
    let world = World::new();
    let runs = Counter::default();
    let counter = runs.clone();
    let worker = world.worker(move |Square(n), _| {
        counter.add();
        async move { Ok(n * n) }
    });
    for n in 0..3 {
        world.send(n).await;
    }
    world.flaky.ends_held.store(true, Ordering::SeqCst);
    let worker = start(worker.concurrency(1));
    sleep(Duration::from_secs(5)).await;
    assert_eq!(runs.get(), 2, "as many ends are on their way as tasks may run, and no more");
    world.flaky.ends_held.store(false, Ordering::SeqCst);
    world.until_empty(TASKS).await;
    assert_eq!((runs.get(), world.bodies(REPLIES).len()), (3, 3));
    worker.stop().await;
}
