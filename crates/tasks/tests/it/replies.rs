//! The application's side: replies of ours, of foreign workers, and what is no reply.

use std::time::Duration;

use longshore_tasks::reply::{REPLY_MESSAGE_ID, STATUS};
use longshore_tasks::transport::Action;
use longshore_tasks::{Reply, ReplyError, ReplyStore as _, Status, TaskId};
use longshore_types::{MessageAttribute, MessageAttributes};

use crate::simulation::Fault;
use crate::world::{REPLIES, REPLIES_DEAD, RETENTION, Square, TASKS, World, until};

pub(crate) fn foreign_reply(id: &str) -> MessageAttributes {
    MessageAttributes::from([
        (STATUS.to_owned(), MessageAttribute::text("COMPLETED")),
        (REPLY_MESSAGE_ID.to_owned(), MessageAttribute::text(id)),
    ])
}

#[tokio::test(start_paused = true)]
async fn a_foreign_reply_answers_to_the_message_id_and_completes_our_task() {
    let world = World::new();
    let replies = world.start_replies();
    let id = world.send(8).await;
    let message_id = world.simulation.messages(TASKS)[0].id.clone();
    let body = r#"{"arg":8,"value":2.6863810024485354e+208}"#;
    world.simulation.put(REPLIES, body, foreign_reply(&message_id));
    world.until_empty(REPLIES).await;
    assert_eq!(world.status(&id).await, Some(Status::Completed { body: body.to_owned() }));
    assert_eq!(replies.stop().await.kept, 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_no_reply_is_dead_lettered_with_its_reason() {
    let world = World::new();
    let replies = world.start_replies();
    world.simulation.put(REPLIES, "not a reply", MessageAttributes::new());
    world.until_empty(REPLIES).await;
    let dead = world.simulation.messages(REPLIES_DEAD);
    assert_eq!(dead[0].body, "not a reply");
    assert!(dead[0].text("reason").unwrap().contains("status"));
    assert_eq!(replies.stop().await.dead_lettered, 1);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_dead_lettered_stays_on_the_queue_until_it_can() {
    let world = World::new();
    world.simulation.fail_next(Action::SendMessageBatch, Fault::NotSent);
    let replies = world.start_replies();
    world.simulation.put(REPLIES, "not a reply", MessageAttributes::new());
    world.until_empty(REPLIES).await;
    assert_eq!(world.simulation.messages(REPLIES_DEAD).len(), 1);
    assert_eq!(replies.stop().await.dead_lettered, 1);
}

#[tokio::test(start_paused = true)]
async fn a_reply_whose_delete_failed_comes_again_and_changes_nothing() {
    let world = World::new();
    for _ in 0..6 {
        world.simulation.fail_next(Action::DeleteMessageBatch, Fault::NotSent);
    }
    let replies = world.start_replies();
    world.simulation.put(REPLIES, "1", foreign_reply("t"));
    world.until_empty(REPLIES).await;
    let id = TaskId::parse("t").unwrap();
    assert_eq!(world.status(&id).await, Some(Status::Completed { body: "1".to_owned() }));
    assert_eq!(replies.stop().await.kept, 2);
}

#[tokio::test(start_paused = true)]
async fn a_result_is_known_for_its_retention_after_the_end_and_no_longer_whatever_is_swept() {
    let world = World::new();
    let pending = world.client.send(&Square(8)).await.unwrap();
    tokio::time::advance(RETENTION * 2).await;
    assert_eq!(world.client.status(pending.id()).await.unwrap(), Some(Status::Pending));
    world.store.complete(pending.id(), Reply::completed("64"), world.now()).await.unwrap();
    tokio::time::advance(RETENTION).await;
    assert!(world.client.status(pending.id()).await.unwrap().is_some());
    tokio::time::advance(Duration::from_millis(1)).await;
    assert_eq!(world.client.status(pending.id()).await.unwrap(), None);
    let refusal = pending.reply(RETENTION).await.unwrap_err();
    assert!(matches!(refusal, ReplyError::NotKnown { .. }), "{refusal}");
    assert_eq!(world.store.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn results_that_were_kept_long_enough_are_removed_and_pending_tasks_stay() {
    let world = World::new();
    let (ended, pending) = (world.send(8).await, world.send(9).await);
    let replies = world.start_replies();
    world.simulation.put(REPLIES, "64", foreign_reply(ended.as_str()));
    world.until_empty(REPLIES).await;
    let begun = tokio::time::Instant::now();
    until(|| world.store.len() == 1).await;
    assert!(begun.elapsed() <= RETENTION + Duration::from_secs(61), "{:?}", begun.elapsed());
    assert_eq!(world.status(&pending).await, Some(Status::Pending));
    replies.stop().await;
}
