//! The application's side: replies of ours, of foreign workers, and what is no reply.

use std::sync::Arc;
use std::time::Duration;

use longshore_tasks::life::{self, Standing, Survives, When};
use longshore_tasks::reply::{REPLY_MESSAGE_ID, STATUS};
use longshore_tasks::store::{Alias, Change, LifeRow, Write};
use longshore_tasks::transport::Action;
use longshore_tasks::{Reply, ReplyError, Status, Store as _, TaskId};
use longshore_types::{MessageAttribute, MessageAttributes};
use tokio::time::sleep;

use crate::logged::Logged;
use crate::simulation::Fault;
use crate::world::{
    RECEIVES_MAX, REPLIES, REPLIES_DEAD, RETENTION, Square, TASKS, VISIBILITY, World, until,
};

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
    let id = world.send(8).await;
    world.simulation.put(REPLIES, "1", foreign_reply(id.as_str()));
    world.until_empty(REPLIES).await;
    assert_eq!(world.status(&id).await, Some(Status::Completed { body: "1".to_owned() }));
    assert_eq!(replies.stop().await.kept, 2);
}

#[tokio::test(start_paused = true)]
async fn a_result_is_known_for_its_retention_after_the_end_and_no_longer_whatever_is_swept() {
    let world = World::new();
    let pending = world.client.send(Square(8)).await.unwrap();
    tokio::time::advance(RETENTION * 2).await;
    assert_eq!(world.client.status(pending.id()).await.unwrap(), Some(Status::Pending));
    let records = world.client.records();
    records.take_in(pending.id(), &Reply::completed("64"), RETENTION).await.unwrap();
    tokio::time::advance(RETENTION.saturating_sub(Duration::from_millis(1))).await;
    assert!(world.client.status(pending.id()).await.unwrap().is_some());
    tokio::time::advance(Duration::from_millis(1)).await;
    assert_eq!(world.client.status(pending.id()).await.unwrap(), None);
    let refusal = pending.reply(RETENTION).await.unwrap_err();
    assert!(matches!(refusal, ReplyError::NotKnown { .. }), "{refusal}");
    assert_eq!(world.known().await, 1);
}

#[tokio::test(start_paused = true)]
async fn a_result_that_was_kept_long_enough_is_gone_and_what_is_pending_stays() {
    let world = World::new();
    let (ended, pending) = (world.send(8).await, world.send(9).await);
    let replies = world.start_replies();
    world.simulation.put(REPLIES, "64", foreign_reply(ended.as_str()));
    world.until_empty(REPLIES).await;
    tokio::time::advance(RETENTION).await;
    assert_eq!(world.status(&ended).await, None);
    assert_eq!(world.status(&pending).await, Some(Status::Pending));
    replies.stop().await;
}

#[tokio::test(start_paused = true)]
async fn l6_a_late_duplicate_of_a_reply_revives_no_result() {
    let world = World::new();
    let id = world.send(8).await;
    let replies = world.start_replies();
    world.simulation.put(REPLIES, "64", foreign_reply(id.as_str()));
    world.until_empty(REPLIES).await;
    for wait in [RETENTION, Duration::from_secs(10 * 86_400), Duration::from_secs(30 * 86_400)] {
        tokio::time::advance(wait).await;
        world.simulation.put(REPLIES, "64", foreign_reply(id.as_str()));
        world.until_empty(REPLIES).await;
        assert_eq!(world.status(&id).await, None, "{wait:?}");
    }
    replies.stop().await;
}

#[tokio::test(start_paused = true)]
async fn u6_a_reply_to_a_task_of_another_store_is_counted_and_dropped() {
    let world = World::new();
    let replies = world.start_replies();
    let theirs = "01a20808-1aa5-74af-a683-db4ace7f8031";
    world.simulation.put(REPLIES, "1", foreign_reply(theirs));
    world.until_empty(REPLIES).await;
    assert_eq!(world.known().await, 0);
    let report = replies.stop().await;
    assert_eq!((report.unknown, report.kept), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn u6_a_reply_to_an_id_that_looks_like_a_message_id_is_counted_and_said_once_no_alias_came() {
    let (logged, _guard) = Logged::begin();
    let world = World::new();
    let replies = world.start_replies();
    let id = |n: u32| TaskId::parse(&format!("00000000-0000-4000-9000-{n:012}")).unwrap();
    // Two of an app with another store, whose callers chose the ids; and one whose alias comes in time.
    for n in 1..=3 {
        world.simulation.put(REPLIES, "64", foreign_reply(id(n).as_str()));
    }
    world.until_empty(REPLIES).await;
    let ours = world.send(8).await;
    let alias = Alias { message_id: id(3), id: ours.clone(), keep: When::In(RETENTION) };
    world.client.records().alias(vec![alias]).await.unwrap();
    sleep(Duration::from_secs(180)).await;
    assert_eq!(world.status(&ours).await, Some(Status::Completed { body: "64".to_owned() }));
    let said = logged.lines_with("not known here");
    assert!(said.len() == 1 && said[0].contains("count=2"), "{said:?}");
    let report = replies.stop().await;
    assert_eq!((report.kept, report.unknown), (3, 2));
}

#[tokio::test(start_paused = true)]
async fn a_foreign_reply_that_is_faster_than_the_alias_is_hidden_until_it_comes() {
    let world = World::new();
    let replies = world.start_replies();
    // The message id that the next send will have.
    let message_id = "00000000-0000-4000-8000-000000000002";
    world.simulation.put(REPLIES, "64", foreign_reply(message_id));
    world.until_empty(REPLIES).await;
    let early = longshore_tasks::TaskId::parse(message_id).unwrap();
    assert_eq!(world.status(&early).await, None);
    // The receive took a number for its receipt, so the message is the fourth thing that has one.
    let id = loop {
        let id = world.send(8).await;
        if world.simulation.messages(TASKS).last().unwrap().id == message_id {
            break id;
        }
        assert!(world.known().await < 10, "the message id never came");
        world.simulation.set_next_number(1);
    };
    assert_eq!(world.status(&id).await, Some(Status::Completed { body: "64".to_owned() }));
    replies.stop().await;
}

#[tokio::test(start_paused = true)]
async fn of_two_early_replies_to_a_message_id_completed_replaces_failed() {
    for statuses in [["FAILED", "COMPLETED"], ["COMPLETED", "FAILED"]] {
        let world = World::new();
        let replies = world.start_replies();
        let message_id = TaskId::parse("00000000-0000-4000-9000-000000000001").unwrap();
        for status in statuses {
            let mut attributes = foreign_reply(message_id.as_str());
            attributes.insert(STATUS.to_owned(), MessageAttribute::text(status));
            world.simulation.put(REPLIES, if status == "FAILED" { "{}" } else { "64" }, attributes);
            world.until_empty(REPLIES).await;
        }
        let task = world.send(8).await;
        let alias = Alias { message_id, id: task.clone(), keep: When::In(RETENTION) };
        world.client.records().alias(vec![alias]).await.unwrap();
        sleep(Duration::from_secs(61)).await;
        let done = Some(Status::Completed { body: "64".to_owned() });
        assert_eq!(world.status(&task).await, done, "{statuses:?}");
        replies.stop().await;
    }
}

/// Overwrites the first version of a task's record as a later version of this framework does.
async fn write_as_a_later_version_does(world: &World, id: &TaskId) {
    let text = r#"{"format":99,"value":{"phase":"teleported"}}"#.to_owned();
    let (standing, keep) = (Standing::Pending, When::In(RETENTION));
    let life = LifeRow { text, standing, until: None, wake: None, keep };
    let write = Write {
        id: id.clone(),
        expected: Some(1),
        mark: 7,
        asked: None,
        life,
        survives: Survives::PowerCut,
    };
    world.store.write(vec![write]).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_reply_to_a_task_whose_record_a_later_version_wrote_is_left_on_the_queue() {
    let world = World::new();
    let (later, ours) = (world.send(8).await, world.send(9).await);
    write_as_a_later_version_does(&world, &later).await;
    world.simulation.put(REPLIES, "64", foreign_reply(later.as_str()));
    world.simulation.put(REPLIES, "81", foreign_reply(ours.as_str()));
    let replies = world.start_replies();
    until(|| world.simulation.messages(REPLIES).len() == 1).await;
    assert_eq!(world.bodies(REPLIES), ["64"]);
    assert_eq!(world.status(&ours).await, Some(Status::Completed { body: "81".to_owned() }));
    let report = replies.stop().await;
    assert_eq!((report.kept, report.unknown), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_reply_outlives_any_outage_of_the_store_on_its_queue() {
    let world = World::new();
    let id = world.send(8).await;
    let replies = world.start_replies_into(Arc::clone(&world.flaky) as _);
    world.flaky.set_down(true);
    world.simulation.put(REPLIES, "64", foreign_reply(id.as_str()));
    // Twenty times as long as the queue would give it, were it received whenever it is visible.
    sleep(VISIBILITY * RECEIVES_MAX * 20).await;
    assert!(world.bodies(REPLIES_DEAD).is_empty());
    assert_eq!(world.bodies(REPLIES), ["64"]);
    world.flaky.set_down(false);
    world.until_empty(REPLIES).await;
    assert_eq!(world.status(&id).await, Some(Status::Completed { body: "64".to_owned() }));
    world.simulation.put(REPLIES, "64", foreign_reply(id.as_str()));
    world.until_empty(REPLIES).await;
    assert_eq!(replies.stop().await.kept, 2);
}

#[tokio::test(start_paused = true)]
async fn a_consumer_of_replies_stops_though_its_store_does_not_answer() {
    let world = World::new();
    let replies = world.start_replies_into(Arc::clone(&world.flaky) as _);
    world.flaky.set_down(true);
    world.simulation.put(REPLIES, "64", foreign_reply("t"));
    until(|| world.simulation.calls(Action::ReceiveMessage).len() == 1).await;
    sleep(VISIBILITY).await;
    let stopped = tokio::time::timeout(VISIBILITY, replies.stop()).await.unwrap();
    assert_eq!((stopped.kept, stopped.unknown), (0, 0));
    assert_eq!(world.bodies(REPLIES), ["64"]);
}

#[tokio::test(start_paused = true)]
async fn a_wait_for_a_reply_may_be_for_ever() {
    let world = World::new();
    let pending = world.client.send(Square(8)).await.unwrap();
    let records = world.client.records();
    records.take_in(pending.id(), &Reply::completed("64"), RETENTION).await.unwrap();
    assert_eq!(pending.reply(Duration::MAX).await.unwrap(), 64);
}

#[tokio::test(start_paused = true)]
async fn an_early_reply_is_revealed_however_many_are_hidden_after_it() {
    let world = World::new();
    let task = world.send(8).await;
    let records = world.client.records();
    let id = |n: u32| TaskId::parse(&format!("00000000-0000-4000-9000-{n:012}")).unwrap();
    for n in 0..250 {
        let hidden = life::hidden(REPLIES, Reply::completed("64"), world.now());
        records.write_one(Change::first(id(n), hidden)).await.unwrap();
    }
    // Whoever noted the alias of the oldest died before it took the reply in.
    let alias = Alias { message_id: id(0), id: task.clone(), keep: When::In(RETENTION) };
    records.alias(vec![alias]).await.unwrap();
    let replies = world.start_replies();
    sleep(Duration::from_secs(1)).await;
    assert_eq!(world.status(&task).await, Some(Status::Completed { body: "64".to_owned() }));
    replies.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_early_reply_to_a_task_of_a_later_version_keeps_no_other_hidden() {
    let world = World::new();
    let (later, ours) = (world.send(8).await, world.send(8).await);
    write_as_a_later_version_does(&world, &later).await;
    let records = world.client.records();
    // The list begins with the one that cannot be read.
    for (n, task) in [(1, &ours), (2, &later)] {
        let message_id = TaskId::parse(&format!("00000000-0000-4000-9000-{n:012}")).unwrap();
        let hidden = life::hidden(REPLIES, Reply::completed("64"), world.now());
        records.write_one(Change::first(message_id.clone(), hidden)).await.unwrap();
        let alias = Alias { message_id, id: task.clone(), keep: When::In(RETENTION) };
        records.alias(vec![alias]).await.unwrap();
    }
    let replies = world.start_replies();
    sleep(Duration::from_secs(1)).await;
    assert_eq!(world.status(&ours).await, Some(Status::Completed { body: "64".to_owned() }));
    replies.stop().await;
}
