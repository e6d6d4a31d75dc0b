//! L2: what is kept and not sent is found again, and sent.

use std::sync::atomic::Ordering;
use std::time::Duration;

use longshore_tasks::life::{Standing, Survives, When};
use longshore_tasks::store::{LifeRow, Write};
use longshore_tasks::transport::Action;
use longshore_tasks::{Failure, Status, Store as _, TaskId};
use longshore_types::{MessageAttribute, MessageAttributes, Timestamp};
use tokio::time::{Instant, sleep};

use super::{redrive, squaring};
use crate::world::{
    Counter, REPLIES, RETENTION, Square, TASKS, TASKS_DEAD, VISIBILITY, World, start, until,
};

#[tokio::test(start_paused = true)]
async fn l2_a_reply_whose_queue_was_away_arrives_once_it_is_back() {
    let world = World::new();
    let away = world.simulation.remove(REPLIES);
    world.send(8).await;
    let runs = Counter::default();
    let worker = squaring(&world, &runs);
    world.until_empty(TASKS).await;
    sleep(Duration::from_secs(40)).await;
    world.simulation.restore(REPLIES, away);
    until(|| !world.simulation.messages(REPLIES).is_empty()).await;
    assert_eq!((world.bodies(REPLIES), runs.get()), (vec!["64".to_owned()], 1));
    assert!(world.simulation.messages(TASKS_DEAD).is_empty());
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn l2_a_reply_that_was_not_sent_at_first_arrives_though_its_result_is_soon_over() {
    let world = World::new();
    let away = world.simulation.remove(REPLIES);
    world.send(8).await;
    let worker = world.worker(|Square(n), _| async move { Ok(n) });
    let worker = start(worker.retention(Duration::from_secs(5)));
    world.until_empty(TASKS).await;
    world.simulation.restore(REPLIES, away);
    until(|| world.bodies(REPLIES) == ["8"]).await;
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn l2_a_dead_letter_queue_that_does_not_answer_delays_no_reply_that_is_due() {
    let world = World::new();
    let worker = start(world.worker(|Square(n), _| async move {
        if n == 1 { Err(Failure::dead("broken")) } else { Ok(n) }
    }));
    world.send(2).await;
    until(|| world.bodies(REPLIES) == ["2"]).await;
    let dead = world.simulation.remove(TASKS_DEAD);
    world.send(1).await;
    world.until_empty(TASKS).await;
    let away = world.simulation.remove(REPLIES);
    world.send(3).await;
    world.until_empty(TASKS).await;
    world.simulation.restore(REPLIES, away);
    world.simulation.restore(TASKS_DEAD, dead);
    // The reply queue is known; the dead-letter queue is asked for when the dead letter is due.
    world.simulation.hold(Action::GetQueueUrl);
    sleep(Duration::from_secs(60)).await;
    assert_eq!(world.bodies(REPLIES).last().map(String::as_str), Some("3"));
    assert!(world.bodies(TASKS_DEAD).is_empty());
    world.simulation.let_go(Action::GetQueueUrl);
    until(|| world.bodies(TASKS_DEAD) == ["1"]).await;
    worker.stop().await;
}

/// A record of a later version, which has been due for long.
fn later_record(number: u32) -> Write {
    Write {
        id: TaskId::parse(&format!("later-{number}")).unwrap(),
        expected: None,
        mark: 1,
        asked: None,
        life: LifeRow {
            text: r#"{"format":99,"value":{}}"#.to_owned(),
            standing: Standing::Completed,
            until: None,
            wake: Some(When::At(Timestamp::from_millis(1))),
            keep: When::In(RETENTION),
        },
        survives: Survives::PowerCut,
    }
}

#[tokio::test(start_paused = true)]
async fn l2_records_of_a_later_version_that_are_due_keep_no_other_reply_from_being_sent() {
    let world = World::new();
    world.store.write((0..250).map(later_record).collect()).await.unwrap();
    let away = world.simulation.remove(REPLIES);
    world.send(8).await;
    let worker = squaring(&world, &Counter::default());
    world.until_empty(TASKS).await;
    world.simulation.restore(REPLIES, away);
    sleep(Duration::from_secs(90)).await;
    assert_eq!(world.bodies(REPLIES), ["64"]);
    worker.stop().await;
}

/// A worker kept the end of a task, 8 squared, and was killed before its reply was sent. The message is
/// still there.
async fn kept_and_not_sent() -> World {
    let world = World::new();
    world.send(8).await;
    world.simulation.hold(Action::SendMessageBatch);
    let first = squaring(&world, &Counter::default());
    until(|| world.simulation.calls(Action::SendMessageBatch).len() == 2).await;
    first.kill().await;
    world.simulation.let_go(Action::SendMessageBatch);
    world
}

#[tokio::test(start_paused = true)]
async fn l2_what_a_worker_kept_and_could_not_send_is_sent_by_another_whatever_became_of_the_message()
 {
    let world = kept_and_not_sent().await;
    world.simulation.take_all(TASKS);
    let runs = Counter::default();
    let second = squaring(&world, &runs);
    until(|| !world.simulation.messages(REPLIES).is_empty()).await;
    assert_eq!((world.bodies(REPLIES), runs.get()), (vec!["64".to_owned()], 0));
    second.stop().await;
}

#[tokio::test(start_paused = true)]
async fn l2_what_a_worker_kept_is_sent_though_sqs_dead_letters_the_message_and_its_redrive_runs_nothing()
 {
    let world = kept_and_not_sent().await;
    for message in world.simulation.take_all(TASKS) {
        world.simulation.put(TASKS_DEAD, &message.body, message.attributes);
    }
    let runs = Counter::default();
    let second = squaring(&world, &runs);
    until(|| !world.simulation.messages(REPLIES).is_empty()).await;
    redrive(&world);
    world.until_empty(TASKS).await;
    assert!(world.bodies(REPLIES).iter().all(|body| body == "64"));
    assert_eq!((runs.get(), world.simulation.messages(TASKS_DEAD).len()), (0, 0));
    second.stop().await;
}

#[tokio::test(start_paused = true)]
async fn l2_a_dead_letter_that_could_not_be_sent_is_sent_from_the_record() {
    let world = World::new();
    world.send(8).await;
    let away = world.simulation.remove(TASKS_DEAD);
    let worker = start(world.worker(|_, _| async { Err(Failure::dead("broken")) }));
    world.until_empty(TASKS).await;
    world.simulation.restore(TASKS_DEAD, away);
    until(|| !world.simulation.messages(TASKS_DEAD).is_empty()).await;
    let dead = &world.simulation.messages(TASKS_DEAD)[0];
    assert_eq!((dead.body.as_str(), dead.text("reason")), ("8", Some("broken")));
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn l2_a_queue_that_cannot_be_reached_is_asked_now_and_then_and_delays_no_other() {
    let world = World::new();
    world.simulation.create("away", VISIBILITY, None);
    let away = world.simulation.remove("away");
    let runs = Counter::default();
    let counter = runs.clone();
    let worker = world.worker(move |Square(n), _| {
        counter.add();
        async move { Ok(n) }
    });
    let worker = start(worker.allow_reply_queue("away"));
    let to_away = (longshore_tasks::envelope::REPLY_TO.to_owned(), MessageAttribute::text("away"));
    for _ in 0..20 {
        world.simulation.put(TASKS, "1", MessageAttributes::from([to_away.clone()]));
    }
    until(|| runs.get() == 20).await;
    world.send(2).await;
    until(|| world.bodies(REPLIES) == ["2"]).await;
    let asked = || world.simulation.calls(Action::GetQueueUrl).len();
    let before = asked();
    sleep(Duration::from_secs(1800)).await;
    assert!(asked() - before < 30, "{} look-ups in half an hour", asked() - before);
    world.simulation.restore("away", away);
    until(|| world.simulation.messages("away").len() == 20).await;
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_end_whose_every_answer_was_lost_is_replied_at_once() {
    let world = World::new();
    let id = world.send(8).await;
    // Both answers of the first try, and the next try meets what the first has written.
    world.flaky.lost_ends.store(2, Ordering::SeqCst);
    let runs = Counter::default();
    let worker = squaring(&world, &runs);
    let begun = Instant::now();
    until(|| !world.simulation.messages(REPLIES).is_empty()).await;
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    world.until_empty(TASKS).await;
    assert_eq!((runs.get(), world.simulation.messages(REPLIES).len()), (1, 1));
    worker.stop().await;
    assert_eq!(world.status(&id).await, Some(Status::Completed { body: "64".to_owned() }));
}
