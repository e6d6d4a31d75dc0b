//! Sends, and what is known of them when they fail.

use std::future::IntoFuture as _;
use std::sync::atomic::Ordering;
use std::time::Duration;

use longshore_tasks::envelope::{CREATED_AT, REPLY_TO, TASK_ID, TASK_NAME};
use longshore_tasks::transport::Action;
use longshore_tasks::{Json, ReplyError, SendError, SendOptions, Status, Task, TaskId};
use tokio::time::{Instant, sleep, timeout};

use crate::simulation::Fault;
use crate::world::{REPLIES, Square, TASKS, World, start, until};

#[tokio::test(start_paused = true)]
async fn a_task_is_its_argument_and_four_attributes() {
    let world = World::new();
    let id = world.send(8).await;
    let sent = &world.simulation.messages(TASKS)[0];
    assert_eq!(sent.body, "8");
    assert_eq!(sent.text(TASK_NAME), Some("square"));
    assert_eq!(sent.text(TASK_ID), Some(id.as_str()));
    assert_eq!(sent.text(REPLY_TO), Some(REPLIES));
    assert_eq!(sent.attributes[CREATED_AT].data_type, "Number");
    assert_eq!(sent.attributes.len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_send_that_never_left_leaves_nothing() {
    let world = World::new();
    world.simulation.fail_next(Action::SendMessageBatch, Fault::NotSent);
    let refusal = world.client.send(Square(8)).await.unwrap_err();
    assert!(matches!(refusal, SendError::NotSent { .. }), "{refusal}");
    assert_eq!(world.known().await, 0);
    assert!(world.simulation.messages(TASKS).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_send_without_an_answer_is_unknown_and_stays_pending() {
    let world = World::new();
    world.simulation.fail_next(Action::SendMessageBatch, Fault::AnswerLost);
    let doubt = world.client.send(Square(8)).await.unwrap_err();
    let SendError::Unknown { id, .. } = doubt else { panic!("{doubt}") };
    assert_eq!(world.status(&id).await, Some(Status::Pending));
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_cannot_be_found_yet_is_asked_again_by_the_next_send() {
    let world = World::new();
    world.simulation.fail_next(Action::GetQueueUrl, Fault::NotSent);
    let refusal = world.client.send(Square(8)).await.unwrap_err();
    assert!(matches!(refusal, SendError::NotSent { .. }), "{refusal}");
    world.send(8).await;
}

#[tokio::test(start_paused = true)]
async fn while_the_broker_cannot_be_found_senders_wait_side_by_side() {
    let world = World::new();
    world.simulation.hold(Action::GetQueueUrl);
    let sends: Vec<_> = (0..3)
        .map(|n| {
            let client = world.client.clone();
            tokio::spawn(async move { client.send(Square(n)).await.is_ok() })
        })
        .collect();
    until(|| world.simulation.calls(Action::GetQueueUrl).len() == 3).await;
    world.simulation.let_go(Action::GetQueueUrl);
    for send in sends {
        assert!(send.await.unwrap());
    }
}

#[tokio::test(start_paused = true)]
async fn r12_many_tasks_go_in_batches_of_ten_and_each_is_answered_for() {
    let world = World::new();
    let tasks: Vec<Square> = (0..23).map(Square).collect();
    // Certain, unlike an InternalError: its task was not sent, and its PENDING is withdrawn.
    let fault = Fault::Entries(vec![1], "ServiceUnavailable");
    world.simulation.fail_next(Action::SendMessageBatch, fault);
    let answers = world.client.send_all(tasks).await;
    let sizes: Vec<usize> =
        world.simulation.calls(Action::SendMessageBatch).iter().map(|call| call.entries).collect();
    assert_eq!(sizes, [10, 10, 3]);
    let failed: Vec<usize> =
        answers.iter().enumerate().filter(|(_, answer)| answer.is_err()).map(|(n, _)| n).collect();
    assert_eq!(failed, [1]);
    assert_eq!(world.known().await, 22);
}

#[tokio::test(start_paused = true)]
async fn r28_a_wait_for_a_reply_never_hangs() {
    let world = World::new();
    let pending = world.client.send(Square(8)).await.unwrap();
    let patience = Duration::from_secs(60);
    let waited = pending.reply(patience).await.unwrap_err();
    assert!(matches!(waited, ReplyError::TimedOut { .. }), "{waited}");

    let unknown = world.client.pending::<Square>(TaskId::parse("nobody").unwrap());
    let refusal = unknown.reply(patience).await.unwrap_err();
    assert!(matches!(refusal, ReplyError::NotKnown { .. }), "{refusal}");
}

#[tokio::test(start_paused = true)]
async fn a_call_with_an_id_of_the_callers_own_is_the_task_that_has_it() {
    let world = World::new();
    let replies = world.start_replies();
    let worker = start(world.worker(|Square(n), _| async move { Ok(n * n) }));
    let id = TaskId::parse("square-of-eight").unwrap();
    for asked in [8, 9] {
        let call = world.client.call(Square(asked)).id(id.clone()).tag("squares");
        assert_eq!(call.await.unwrap(), 64);
    }
    assert_eq!(worker.stop().await.done, 1);
    replies.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_wait_outlives_a_store_that_is_away_for_a_while() {
    let world = World::new();
    let pending = world.flaky_client().send(Square(8)).await.unwrap();
    let worker = start(world.worker(|Square(n), _| async move { Ok(n * n) }));
    world.until_empty(TASKS).await;
    worker.stop().await;
    world.flaky.set_down(true);
    let wait = tokio::spawn(async move { pending.reply(Duration::from_secs(10)).await });
    sleep(Duration::from_secs(8)).await;
    world.flaky.set_down(false);
    assert_eq!(wait.await.unwrap().unwrap(), 64);
}

#[tokio::test(start_paused = true)]
async fn a_wait_ends_with_its_patience_and_says_what_the_store_said_last() {
    let world = World::new();
    let pending = world.flaky_client().send(Square(8)).await.unwrap();
    let patience = Duration::from_secs(5);
    let begun = Instant::now();
    world.flaky.set_down(true);
    let away = pending.reply(patience).await.unwrap_err();
    assert!(matches!(away, ReplyError::Store(_)), "{away}");
    assert_eq!(begun.elapsed(), patience);
    // A store that was away, and says in time that the task has not ended.
    let (back, flaky) = (patience / 2, &world.flaky);
    let come_back = async {
        sleep(back).await;
        flaky.set_down(false);
    };
    let (waited, ()) = tokio::join!(pending.reply(patience), come_back);
    assert!(matches!(waited, Err(ReplyError::TimedOut { .. })), "{waited:?}");
    // A store that never answers.
    flaky.answers_held.store(true, Ordering::SeqCst);
    let begun = Instant::now();
    let waited = pending.reply(patience).await;
    assert!(matches!(waited, Err(ReplyError::TimedOut { .. })), "{waited:?}");
    assert_eq!(begun.elapsed(), patience);
}

#[tokio::test(start_paused = true)]
async fn tasks_of_one_id_in_one_batch_are_one_task_sent_or_not() {
    let world = World::new();
    let twice = || {
        let id = TaskId::parse("own-id").unwrap();
        let options = SendOptions { id: Some(id), ..SendOptions::default() };
        vec![
            (Square(8), options.clone()),
            (Square(7), SendOptions::default()),
            (Square(8), options),
        ]
    };
    world.simulation.fail_next(Action::SendMessageBatch, Fault::NotSent);
    let sent = world.client.send_all_with(twice()).await;
    let is_not_sent = |sent| matches!(sent, &Err(SendError::NotSent { .. }));
    assert!(sent.iter().all(is_not_sent), "{sent:?}");
    assert_eq!(world.known().await, 0);

    let sent = world.client.send_all_with(twice()).await;
    let ids: Vec<_> = sent.iter().map(|sent| sent.as_ref().unwrap().id()).collect();
    assert!(ids[0] == ids[2] && ids[0] != ids[1]);
    assert_eq!(
        (world.known().await, world.bodies(TASKS)),
        (2, vec!["8".to_owned(), "7".to_owned()])
    );
}

#[tokio::test(start_paused = true)]
async fn a_crash_while_a_task_is_sent_leaves_it_known_before_it_can_run() {
    let world = World::new();
    world.simulation.hold(Action::SendMessageBatch);
    let send = world.client.send(Square(8)).into_future();
    assert!(timeout(Duration::from_secs(1), send).await.is_err());
    assert_eq!((world.known().await, world.simulation.messages(TASKS).len()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn r13_a_task_beyond_a_mebibyte_is_refused_here_and_one_at_the_limit_is_sent() {
    let world = World::new();
    let client = &world.client;
    // Four attributes are sent beside the body; a first send tells what they weigh.
    client.send(Text(String::new())).await.unwrap();
    let first = &world.simulation.messages(TASKS)[0];
    let weight = longshore_types::message::message_bytes(&first.body, &first.attributes);
    let room = longshore_types::limits::MESSAGE_BYTES_MAX as usize - weight;
    client.send(Text("x".repeat(room))).await.unwrap();
    let refusal = client.send(Text("x".repeat(room + 1))).await.unwrap_err();
    assert!(matches!(refusal, SendError::Invalid { .. }), "{refusal}");
    assert_eq!((world.known().await, world.simulation.messages(TASKS).len()), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn characters_that_sqs_refuses_are_escaped_in_json_and_arrive() {
    let world = World::new();
    world.client.send(Text("\0\u{fffe}\u{ffff}".to_owned())).await.unwrap();
    assert_eq!(world.bodies(TASKS), [r#""\u0000\ufffe\uffff""#]);
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Text(String);

impl Task for Text {
    const NAME: &'static str = "text";
    type Reply = ();
    type Codec = Json;
}
