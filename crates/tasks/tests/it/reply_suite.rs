//! What every reply store must do, whatever it is made of.

use std::sync::Arc;
use std::time::Duration;

use longshore_tasks::{Horizon, MemoryStore, Reply, ReplyStore, Status, TaskId};
use longshore_types::Timestamp;

const EARLY: Timestamp = Timestamp::from_millis(1_000);
const LATE: Timestamp = Timestamp::from_millis(2_000);
const LATER: Duration = Duration::from_secs(1);

fn id(text: &str) -> TaskId {
    TaskId::parse(text).unwrap()
}

fn completed(body: &str) -> Status {
    Status::Completed { body: body.to_owned() }
}

fn failed(message: &str) -> Status {
    Status::Failed { body: format!(r#"{{"message":"{message}"}}"#) }
}

/// Runs the suite over stores that `open` makes, each of them empty.
pub(crate) async fn exercise<S: ReplyStore>(open: impl Fn() -> Arc<S>) {
    a_task_is_pending_until_its_reply(&*open()).await;
    a_late_pending_overwrites_nothing(&*open()).await;
    a_reply_before_its_task_is_found(&*open()).await;
    a_second_reply_changes_nothing(&*open()).await;
    completed_replaces_failed_and_not_the_reverse(&*open()).await;
    a_reply_to_the_message_id_answers_the_task(&*open()).await;
    a_reply_before_its_alias_is_found(&*open()).await;
    an_alias_never_takes_a_reply_back(&*open()).await;
    only_pending_is_forgotten(&*open()).await;
    a_task_is_known_since_it_was_sent_and_then_since_its_reply(&*open()).await;
    old_results_go_a_few_at_a_time(&*open()).await;
    pending_tasks_outlive_results(&*open()).await;
    a_body_keeps_every_digit(&*open()).await;
}

async fn a_task_is_pending_until_its_reply(store: &impl ReplyStore) {
    assert_eq!(store.status(&id("t")).await.unwrap(), None);
    store.begin(&id("t"), EARLY).await.unwrap();
    assert_eq!(store.status(&id("t")).await.unwrap(), Some(Status::Pending));
    store.complete(&id("t"), Reply::completed("1"), LATE).await.unwrap();
    assert_eq!(store.status(&id("t")).await.unwrap(), Some(completed("1")));
}

async fn a_late_pending_overwrites_nothing(store: &impl ReplyStore) {
    store.complete(&id("t"), Reply::completed("1"), EARLY).await.unwrap();
    store.begin(&id("t"), LATE).await.unwrap();
    assert_eq!(store.status(&id("t")).await.unwrap(), Some(completed("1")));
}

async fn a_reply_before_its_task_is_found(store: &impl ReplyStore) {
    store.complete(&id("t"), Reply::failed("no"), EARLY).await.unwrap();
    assert_eq!(store.status(&id("t")).await.unwrap(), Some(failed("no")));
}

async fn a_second_reply_changes_nothing(store: &impl ReplyStore) {
    store.complete(&id("t"), Reply::completed("1"), EARLY).await.unwrap();
    store.complete(&id("t"), Reply::completed("2"), LATE).await.unwrap();
    assert_eq!(store.status(&id("t")).await.unwrap(), Some(completed("1")));
    store.complete(&id("f"), Reply::failed("a"), EARLY).await.unwrap();
    store.complete(&id("f"), Reply::failed("b"), LATE).await.unwrap();
    assert_eq!(store.status(&id("f")).await.unwrap(), Some(failed("a")));
}

async fn completed_replaces_failed_and_not_the_reverse(store: &impl ReplyStore) {
    store.complete(&id("t"), Reply::failed("no"), EARLY).await.unwrap();
    store.complete(&id("t"), Reply::completed("1"), LATE).await.unwrap();
    assert_eq!(store.status(&id("t")).await.unwrap(), Some(completed("1")));
    store.complete(&id("t"), Reply::failed("no"), LATE).await.unwrap();
    assert_eq!(store.status(&id("t")).await.unwrap(), Some(completed("1")));
}

async fn a_reply_to_the_message_id_answers_the_task(store: &impl ReplyStore) {
    store.begin(&id("t"), EARLY).await.unwrap();
    store.alias(&id("m"), &id("t"), EARLY).await.unwrap();
    store.complete(&id("m"), Reply::completed("1"), LATE).await.unwrap();
    for either in ["t", "m"] {
        assert_eq!(store.status(&id(either)).await.unwrap(), Some(completed("1")));
    }
}

async fn a_reply_before_its_alias_is_found(store: &impl ReplyStore) {
    store.begin(&id("t"), EARLY).await.unwrap();
    store.complete(&id("m"), Reply::completed("1"), EARLY).await.unwrap();
    store.alias(&id("m"), &id("t"), LATE).await.unwrap();
    for either in ["t", "m"] {
        assert_eq!(store.status(&id(either)).await.unwrap(), Some(completed("1")));
    }
}

async fn an_alias_never_takes_a_reply_back(store: &impl ReplyStore) {
    store.complete(&id("t"), Reply::completed("1"), EARLY).await.unwrap();
    store.alias(&id("m"), &id("t"), LATE).await.unwrap();
    store.alias(&id("m"), &id("t"), LATE).await.unwrap();
    store.alias(&id("t"), &id("t"), LATE).await.unwrap();
    assert_eq!(store.status(&id("t")).await.unwrap(), Some(completed("1")));
}

async fn only_pending_is_forgotten(store: &impl ReplyStore) {
    store.begin(&id("t"), EARLY).await.unwrap();
    store.forget(&id("t")).await.unwrap();
    assert_eq!(store.status(&id("t")).await.unwrap(), None);
    store.complete(&id("r"), Reply::completed("1"), EARLY).await.unwrap();
    store.forget(&id("r")).await.unwrap();
    assert_eq!(store.status(&id("r")).await.unwrap(), Some(completed("1")));
}

async fn a_task_is_known_since_it_was_sent_and_then_since_its_reply(store: &impl ReplyStore) {
    let since = async || store.known(&id("t")).await.unwrap().map(|known| known.since);
    store.begin(&id("t"), EARLY).await.unwrap();
    store.begin(&id("t"), LATE).await.unwrap();
    assert_eq!(since().await, Some(EARLY));
    store.complete(&id("t"), Reply::completed("1"), LATE).await.unwrap();
    store.complete(&id("t"), Reply::completed("1"), LATE + LATER).await.unwrap();
    assert_eq!(since().await, Some(LATE));
}

async fn old_results_go_a_few_at_a_time(store: &impl ReplyStore) {
    for old in ["a", "b", "c"] {
        store.begin(&id(old), EARLY).await.unwrap();
        store.alias(&id(&format!("m-{old}")), &id(old), EARLY).await.unwrap();
        store.complete(&id(old), Reply::completed("1"), EARLY).await.unwrap();
    }
    store.complete(&id("young"), Reply::completed("1"), LATE).await.unwrap();
    let horizon = Horizon { ended: LATE, pending: LATE };
    assert_eq!(store.expire_replies(horizon, 2).await.unwrap(), 2);
    assert_eq!(store.expire_replies(horizon, 2).await.unwrap(), 1);
    assert_eq!(store.expire_replies(horizon, 2).await.unwrap(), 0);
    for old in ["a", "b", "c", "m-a"] {
        assert_eq!(store.status(&id(old)).await.unwrap(), None);
    }
    assert_eq!(store.status(&id("young")).await.unwrap(), Some(completed("1")));
}

async fn pending_tasks_outlive_results(store: &impl ReplyStore) {
    store.begin(&id("pending"), EARLY).await.unwrap();
    store.complete(&id("ended"), Reply::completed("1"), EARLY).await.unwrap();
    let horizon = Horizon { ended: LATE, pending: EARLY };
    assert_eq!(store.expire_replies(horizon, 10).await.unwrap(), 1);
    assert_eq!(store.status(&id("ended")).await.unwrap(), None);
    assert_eq!(store.status(&id("pending")).await.unwrap(), Some(Status::Pending));
    let horizon = Horizon { ended: LATE, pending: LATE };
    assert_eq!(store.expire_replies(horizon, 10).await.unwrap(), 1);
    assert_eq!(store.status(&id("pending")).await.unwrap(), None);
}

async fn a_body_keeps_every_digit(store: &impl ReplyStore) {
    let body = format!(r#"{{"value":2.6863810024485354e+208,"exact":{}}}"#, "9".repeat(400));
    store.complete(&id("t"), Reply::completed(&body), EARLY).await.unwrap();
    assert_eq!(store.status(&id("t")).await.unwrap(), Some(completed(&body)));
}

#[tokio::test]
async fn the_memory_store_passes() {
    exercise(|| Arc::new(MemoryStore::new())).await;
}
