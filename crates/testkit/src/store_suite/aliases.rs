//! Aliases: a `MessageId` stands for a task, and moves no version.

use longshore_tasks::life::{Standing, When};
use longshore_tasks::store::Row;
use longshore_types::Timestamp;

use super::case::{Case, LONG, SHORT, first, over, same};

pub(super) async fn exercise(case: &Case) {
    a_task_is_found_by_its_message_id(case).await;
    a_reply_that_came_first_is_answered(case).await;
    an_alias_may_come_before_its_task(case).await;
    several_message_ids_stand_for_one_task(case).await;
    a_message_id_may_come_to_stand_for_another_task(case).await;
    an_alias_goes_when_it_is_over(case).await;
}

async fn a_task_is_found_by_its_message_id(case: &Case) {
    let row = case.done(first("task")).await;
    same(&case.alias("message", "task", When::In(LONG)).await, &None, "no reply came first");
    let aliased = Row { message_id: Some("message".to_owned()), ..row };
    let found = case.read_all(&["task", "message"]).await;
    same(
        &found,
        &vec![Some(aliased.clone()), Some(aliased)],
        "both ids find one row; no version moves",
    );
    let later = case.done(over("task", 1)).await;
    same(
        &later.message_id.as_deref(),
        &Some("message"),
        "the message id stays when the row is written",
    );
    same(&case.there("message").await, &later, "the message id finds the latest version");
}

async fn a_reply_that_came_first_is_answered(case: &Case) {
    let mut write = first("early-message");
    write.life.standing = Standing::Hidden;
    let hidden = case.done(write).await;
    let task = case.done(first("early-task")).await;
    let early = case.alias("early-message", "early-task", When::In(LONG)).await;
    same(&early, &Some(hidden), "the row under the message id itself is answered");
    let found = case.there("early-message").await;
    same(&found.id, &task.id, "from then on the message id finds the task");
    same(&found.version, &1, "and its version did not move");
}

async fn an_alias_may_come_before_its_task(case: &Case) {
    same(&case.alias("ahead", "comes-later", When::In(LONG)).await, &None, "nothing is there yet");
    same(&case.read("ahead").await, &None, "an alias of no task finds nothing");
    let row = case.done(first("comes-later")).await;
    same(&case.there("ahead").await.id, &row.id, "it finds the task once that is there");
}

async fn several_message_ids_stand_for_one_task(case: &Case) {
    let row = case.done(first("sent-twice")).await;
    for message_id in ["sent-one", "sent-two", "sent-two"] {
        case.alias(message_id, "sent-twice", When::In(LONG)).await;
    }
    for found in case.read_all(&["sent-one", "sent-two"]).await {
        let found = found.expect("both message ids stand for the task");
        same(&(found.id, found.version), &(row.id.clone(), 1), "both message ids find the task");
        same(&found.message_id.as_deref(), &Some("sent-two"), "the last message id is shown");
    }
}

async fn a_message_id_may_come_to_stand_for_another_task(case: &Case) {
    case.done(first("moved-from")).await;
    case.done(first("moved-to")).await;
    case.alias("moved", "moved-from", When::In(LONG)).await;
    case.alias("moved", "moved-to", When::In(LONG)).await;
    same(&case.there("moved").await.id.as_str(), &"moved-to", "the last alias counts");
}

async fn an_alias_goes_when_it_is_over(case: &Case) {
    case.done(first("outlives")).await;
    case.alias("over-at-once", "outlives", When::At(Timestamp::ZERO)).await;
    same(&case.read("over-at-once").await, &None, "an alias whose time is over is not there");
    let until = case.now().await + SHORT;
    case.alias("over-soon", "outlives", When::At(until)).await;
    let still = case.read("over-soon").await;
    assert!(
        still.is_some() || case.now().await >= until,
        "an alias is there before its time is over"
    );
    case.pass(until).await;
    same(&case.read("over-soon").await, &None, "and not after");
    assert!(case.read("outlives").await.is_some(), "its task stays");
    case.alias("over-soon", "outlives", When::In(LONG)).await;
    assert!(case.read("over-soon").await.is_some(), "it can be noted again");
}
