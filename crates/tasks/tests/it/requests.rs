//! What a sender asks of a task beyond its run: an end before it, an id of its own, a deadline, and news.

use std::time::Duration;

use longshore_tasks::transport::Action;
use longshore_tasks::{CancelError, Failure, ReplyError, ReplyMode, Status, TaskId};
use tokio::time::{Instant, sleep};

use crate::lost::squaring;
use crate::reply_modes::client;
use crate::simulation::Fault;
use crate::world::{Counter, REPLIES, Square, TASKS, World, start, until};

/// What whoever asks for a cancelled task is told.
fn cancelled() -> Status {
    Status::Failed { body: r#"{"message":"it was cancelled"}"#.to_owned() }
}

#[tokio::test(start_paused = true)]
async fn a_task_that_is_cancelled_before_anybody_runs_it_ends_at_once_if_no_queue_wants_its_reply()
{
    let world = World::new();
    let delay = Duration::from_secs(600);
    let client = client(&world, Some(ReplyMode::Store), Some(REPLIES));
    let pending = client.send(Square(8)).delay(delay).await.unwrap();
    let waits = pending.reply(Duration::from_secs(60));
    let (reply, ()) = tokio::join!(waits, async {
        sleep(Duration::from_secs(1)).await;
        world.client.cancel(pending.id()).await.unwrap();
    });
    assert!(matches!(reply, Err(ReplyError::Failed { .. })), "{reply:?}");
    assert_eq!(world.status(pending.id()).await, Some(cancelled()));
    // Another caller with the same id finds the same task, and sends nothing.
    let again = world.client.send(Square(8)).id(pending.id().clone()).await.unwrap();
    assert!(again.now().await.is_err());
    assert_eq!(world.simulation.messages(TASKS).len(), 1);

    let runs = Counter::default();
    let worker = squaring(&world, &runs);
    world.until_empty(TASKS).await;
    assert_eq!(world.bodies(REPLIES), Vec::<String>::new());
    let report = worker.stop().await;
    assert_eq!((runs.get(), report.repeated, report.deleted), (0, 1, 1));
    let refused = world.client.cancel(pending.id()).await.unwrap_err();
    assert!(matches!(refused, CancelError::Refused { .. }), "{refused}");
}

#[tokio::test(start_paused = true)]
async fn the_reply_of_a_task_that_was_cancelled_unrun_is_sent_though_its_queue_was_away() {
    let world = World::new();
    let id = world.send(8).await;
    world.client.cancel(&id).await.unwrap();
    assert_eq!(world.status(&id).await, Some(Status::Pending), "a queue waits for its reply");
    let away = world.simulation.remove(REPLIES);
    let worker = start(world.worker(|Square(n), _| async move { Ok(n) }));
    sleep(Duration::from_secs(300)).await;
    world.simulation.restore(REPLIES, away);
    until(|| !world.bodies(REPLIES).is_empty()).await;
    world.until_empty(TASKS).await;
    assert_eq!(world.bodies(REPLIES), [r#"{"message":"it was cancelled"}"#]);
    assert_eq!(world.status(&id).await, Some(cancelled()));
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_task_that_is_cancelled_between_two_attempts_is_not_tried_again() {
    let world = World::new();
    let runs = Counter::default();
    let counter = runs.clone();
    let worker = start(world.worker(move |_, _| {
        counter.add();
        async { Err(Failure::retry_after(Duration::from_secs(3600), "the mail server is away")) }
    }));
    let client = client(&world, Some(ReplyMode::Store), Some(REPLIES));
    let id = client.send(Square(8)).await.unwrap().id().clone();
    until(|| runs.get() == 1).await;
    sleep(Duration::from_secs(1)).await;
    world.client.cancel(&id).await.unwrap();
    assert_eq!(world.status(&id).await, Some(cancelled()));
    let record = world.client.task(&id).await.unwrap().unwrap();
    assert_eq!(record.reason().as_deref(), Some("it was cancelled"));
    assert_eq!(record.life.attempts[0].error, ["the mail server is away"]);
    world.until_empty(TASKS).await;
    assert_eq!(runs.get(), 1);
    assert_eq!(world.bodies(REPLIES).len(), 0);
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_running_task_sees_within_three_seconds_that_it_was_cancelled_and_no_request_is_made() {
    let world = World::new();
    let runs = Counter::default();
    let counter = runs.clone();
    let worker = start(world.worker(move |_, _| {
        counter.add();
        std::future::pending()
    }));
    let id = world.send(8).await;
    until(|| runs.get() == 1).await;
    let cancelled_at = Instant::now();
    world.client.cancel(&id).await.unwrap();
    until(|| worker_has_replied(&world)).await;
    assert!(cancelled_at.elapsed() <= Duration::from_secs(3), "{:?}", cancelled_at.elapsed());
    assert!(world.simulation.calls(Action::ChangeMessageVisibilityBatch).is_empty());
    worker.stop().await;
    let refused = world.client.cancel(&id).await.unwrap_err();
    assert!(matches!(refused, CancelError::Refused { .. }), "{refused}");
    let nobody = TaskId::parse("nobody").unwrap();
    assert!(world.client.cancel(&nobody).await.is_err());
}

fn worker_has_replied(world: &World) -> bool {
    !world.simulation.messages(REPLIES).is_empty()
}

#[tokio::test(start_paused = true)]
async fn what_a_handler_says_of_its_progress_is_in_the_record_within_three_seconds() {
    let world = World::new();
    let worker = start(world.worker(|_, context| async move {
        context.progress(40, "resized");
        std::future::pending().await
    }));
    let id = world.send(8).await;
    sleep(Duration::from_secs(3)).await;
    let record = world.client.task(&id).await.unwrap().unwrap();
    let progress = record.life.progress.as_ref().unwrap();
    assert_eq!((progress.percent, progress.note.as_str()), (40, "resized"));
    worker.kill().await;
}

#[tokio::test(start_paused = true)]
async fn a_second_send_with_the_same_id_is_the_same_task() {
    let world = World::new();
    let id = TaskId::parse("order-17").unwrap();
    for _ in 0..3 {
        let pending = world.client.send(Square(8)).id(id.clone()).await.unwrap();
        assert_eq!(pending.id(), &id);
    }
    assert_eq!(world.simulation.messages(TASKS).len(), 1);
    // A send that is not known to have succeeded is made again.
    let doubtful = TaskId::parse("order-18").unwrap();
    world.simulation.fail_next(Action::SendMessageBatch, Fault::AnswerLost);
    assert!(world.client.send(Square(9)).id(doubtful.clone()).await.is_err());
    world.client.send(Square(9)).id(doubtful.clone()).await.unwrap();
    assert_eq!(world.simulation.messages(TASKS).len(), 3);
    let runs = Counter::default();
    let worker = squaring(&world, &runs);
    world.until_empty(TASKS).await;
    assert_eq!(runs.get(), 2);
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_task_past_its_deadline_is_not_run() {
    let world = World::new();
    let deadline = world.now() + Duration::from_secs(60);
    let pending = world.client.send(Square(8)).deadline(deadline).await.unwrap();
    sleep(Duration::from_secs(61)).await;
    let runs = Counter::default();
    let worker = squaring(&world, &runs);
    world.until_empty(TASKS).await;
    assert!(pending.reply(Duration::ZERO).await.is_err());
    assert_eq!((runs.get(), worker.stop().await.discarded), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn who_sends_an_id_again_keeps_the_task_when_the_send_before_is_refused() {
    let world = World::new();
    let id = TaskId::parse("order-19").unwrap();
    let fault = Fault::Entries(vec![0], "ServiceUnavailable");
    world.simulation.fail_next(Action::SendMessageBatch, fault);
    world.simulation.hold(Action::SendMessageBatch);
    let sends = [world.client.clone(), world.flaky_client()].map(|client| {
        let id = id.clone();
        tokio::spawn(async move { client.send(Square(8)).id(id).await.is_ok() })
    });
    until(|| world.simulation.calls(Action::SendMessageBatch).len() == 2).await;
    world.simulation.let_go(Action::SendMessageBatch);
    let sent =
        futures::future::join_all(sends).await.into_iter().filter(|sent| *sent.as_ref().unwrap());
    assert_eq!(sent.count(), 1);
    assert_eq!(world.status(&id).await, Some(Status::Pending));
}
