//! Rows whose time to live is over: they are not there, whether or not they were removed.

use longshore_tasks::life::When;
use longshore_tasks::store::{Expected, ListQuery, Write, Written};
use longshore_types::Timestamp;

use super::case::{Case, LONG, SHORT, conflict, first, over, put, same};

pub(super) async fn exercise(case: &Case) {
    a_row_goes_when_it_is_over(case).await;
    a_row_can_be_written_away(case).await;
    a_later_write_lets_a_row_live_longer(case).await;
    what_lives_is_never_removed(case).await;
}

fn dying(id: &str, at: Timestamp) -> Write {
    let mut write = first(id);
    write.life.keep = When::At(at);
    write.life.wake = Some(When::At(Timestamp::from_millis(1)));
    write
}

async fn a_row_goes_when_it_is_over(case: &Case) {
    let over_at = case.now().await + SHORT;
    let written = case.write(dying("dies", over_at)).await;
    same(&written, &Written::Done, "a row is written");
    let there = case.read("dies").await.is_some();
    assert!(there || case.now().await >= over_at, "a row is there before its time is over");
    case.pass(over_at).await;
    absent(case, "dies").await;
    let again = case.done(Write { mark: 5, ..first("dies") }).await;
    same(&(again.version, again.mark), &(1, 5), "its place is empty: versions begin again");
    same(&again.message_id, &None, "and nothing of the row before is left");
}

/// Nobody finds the row in any way.
async fn absent(case: &Case, id: &str) {
    same(&case.read(id).await, &None, "a row that is over is not read");
    let listed = case.list(ListQuery::default()).await.rows;
    assert!(listed.iter().all(|row| row.id.as_str() != id), "a row that is over is not listed");
    assert!(!case.due_ids().await.contains(&id.to_owned()), "a row that is over is not due");
    let met = conflict(case.write(over(id, 1)).await);
    same(&met, &None, "a write over a row that is over meets nothing");
}

async fn a_row_can_be_written_away(case: &Case) {
    case.done(first("withdrawn")).await;
    case.alias("withdrawn-message", "withdrawn", When::In(LONG)).await;
    let mut write = over("withdrawn", 1);
    write.life.keep = When::At(Timestamp::ZERO);
    let written = case.write(write).await;
    same(&written, &Written::Done, "a row can be written away");
    absent(case, "withdrawn").await;
    same(&case.read("withdrawn-message").await, &None, "nor does its message id find it");
    let again = case.done(first("withdrawn")).await;
    same(&again.version, &1, "its place is empty");
    same(&again.message_id, &None, "and no message id is shown of the row before");
}

async fn a_later_write_lets_a_row_live_longer(case: &Case) {
    let over_at = case.now().await + SHORT;
    let written = case.write(dying("lives-on", over_at)).await;
    same(&written, &Written::Done, "a row is written");
    let longer = case.write(over("lives-on", 1)).await;
    if case.now().await < over_at {
        same(&longer, &Written::Done, "a row that lives is written over");
        case.pass(over_at).await;
        same(&case.there("lives-on").await.version, &2, "the last write says how long it lives");
    }
}

async fn what_lives_is_never_removed(case: &Case) {
    case.done(first("living")).await;
    case.alias("living-message", "living", When::In(LONG)).await;
    case.put(put("living-value", Expected::Nothing, "v")).await;
    while case.expire(1000).await > 0 {}
    let over_at = case.now().await + SHORT;
    for number in 0..5 {
        case.write(dying(&format!("over-{number}"), over_at)).await;
    }
    case.pass(over_at).await;
    let some = case.expire(2).await;
    assert!(some <= 2, "no more rows go than was asked: {some}");
    let rest = case.expire(1000).await;
    assert!(
        [0, 5].contains(&(some + rest)),
        "it says how many went, or the store expires by itself: {some} and {rest} of 5"
    );
    same(&case.expire(1000).await, &0, "what went does not go again");
    assert!(case.read("living-message").await.is_some(), "what lives is never removed");
    assert!(case.value("living-value").await.is_some(), "nor is a value that lives");
}
