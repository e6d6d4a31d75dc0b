//! What is due: found by its time to wake, the earliest first, and not before.

use std::time::Duration;

use longshore_tasks::life::When;
use longshore_tasks::store::Row;
use longshore_types::Timestamp;

use super::case::{Case, SHORT, first, over, same};

pub(super) async fn exercise(case: &Case) {
    the_earliest_comes_first(case).await;
    nothing_is_due_before_its_time(case).await;
}

async fn the_earliest_comes_first(case: &Case) {
    same(&case.due_ids().await, &Vec::new(), "nothing is due at first");
    for (id, wake) in [("third", 3_000), ("first", 1), ("second", 2_000)] {
        let mut write = first(id);
        write.life.wake = Some(When::At(Timestamp::from_millis(wake)));
        case.done(write).await;
    }
    case.done(first("never")).await;
    same(
        &case.due_ids().await,
        &vec!["first".into(), "second".into(), "third".into()],
        "in their order",
    );
    let two = case.due(2).await.value;
    let ids: Vec<&str> = two.iter().map(|row| row.id.as_str()).collect();
    same(&ids, &vec!["first", "second"], "no more are due than was asked, the earliest");
    same(&two.first(), &case.read("first").await.as_ref(), "a row that is due is whole");
    case.done(over("first", 1)).await;
    same(
        &case.due_ids().await,
        &vec!["second".into(), "third".into()],
        "one whose wake was cleared is not",
    );
    let mut later = over("second", 1);
    later.life.wake = Some(When::At(Timestamp::from_millis(4_000)));
    case.done(later).await;
    same(
        &case.due_ids().await,
        &vec!["third".into(), "second".into()],
        "one that was moved on is later",
    );
}

async fn nothing_is_due_before_its_time(case: &Case) {
    let wake = case.now().await + SHORT;
    let mut write = first("soon");
    write.life.wake = Some(When::At(wake));
    case.done(write).await;
    let mut far = first("far");
    far.life.wake = Some(When::In(Duration::from_secs(3600)));
    case.done(far).await;
    let due = case.due(100).await;
    let is_due = |rows: &[Row], id: &str| rows.iter().any(|row| row.id.as_str() == id);
    assert!(!is_due(&due.value, "soon") || due.now >= wake, "nothing is due before its time");
    case.pass(wake).await;
    let due = case.due(100).await.value;
    assert!(is_due(&due, "soon"), "it is due once its time has come");
    assert!(!is_due(&due, "far"), "and what has a later time is not");
}
