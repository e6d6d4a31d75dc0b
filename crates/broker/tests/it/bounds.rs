//! How large the catalog may become, and how many receives may wait.

use std::collections::BTreeMap;
use std::time::Duration;

use longshore_broker::{Broker, BrokerOptions};
use longshore_wire::{
    CreateQueue, DeleteQueue, ReceiveMessage, Reply, SetQueueAttributes, SqsError, TagQueue,
    UntagQueue,
};

use crate::support::*;

async fn bounded(options: BrokerOptions) -> Broker {
    let broker = Broker::open(options).await.unwrap();
    create(&broker, "jobs", &[]).await;
    broker
}

fn tags(key: &str, value_bytes: usize) -> BTreeMap<String, String> {
    BTreeMap::from([(key.to_owned(), "v".repeat(value_bytes))])
}

async fn tag(broker: &Broker, key: &str, value_bytes: usize) -> Result<Reply, SqsError> {
    broker.call(TagQueue { queue_url: URL.into(), tags: tags(key, value_bytes) }.into()).await
}

#[track_caller]
fn assert_over(outcome: Result<Reply, SqsError>, option: &str) {
    match outcome {
        Err(SqsError::OverLimit(text)) => assert!(text.contains(option), "{text}"),
        other => panic!("not refused: {other:?}"),
    }
}

#[track_caller]
fn assert_counted(broker: &Broker, line: &str) {
    let page = broker.metrics();
    assert!(page.contains(&format!("{line}\n")), "no {line} in\n{page}");
}

#[tokio::test]
async fn c12_beyond_the_bound_no_queue_is_created_until_one_is_deleted() {
    let broker = bounded(BrokerOptions { queues_max: 2, ..BrokerOptions::default() }).await;
    create(&broker, "second", &[]).await;
    assert_over(try_create(&broker, "third", &[]).await, "--queues-max");
    create(&broker, "second", &[]).await;
    assert_counted(&broker, "longshore_queues_refused_total 1");
    broker.call(DeleteQueue { queue_url: URL.into() }.into()).await.unwrap();
    create(&broker, "third", &[]).await;
    assert_eq!(broker.queue_count(), 2);
}

#[tokio::test]
async fn c12_tags_and_attributes_of_all_queues_have_a_bound_together() {
    let options = BrokerOptions { catalog_bytes_max: 600, ..BrokerOptions::default() };
    let broker = bounded(options).await;
    tag(&broker, "one", 200).await.unwrap();
    tag(&broker, "two", 200).await.unwrap();
    assert_counted(&broker, "longshore_catalog_bytes 534");
    assert_over(tag(&broker, "three", 50).await, "--catalog-bytes-max");
    let attributes = BTreeMap::from([("VisibilityTimeout".to_owned(), "10".to_owned())]);
    let set = SetQueueAttributes { queue_url: URL.into(), attributes };
    assert_over(broker.call(set.into()).await, "--catalog-bytes-max");
    let tags = tags("one", 50);
    let create_queue = CreateQueue { queue_name: "other".into(), tags, ..CreateQueue::default() };
    assert_over(broker.call(create_queue.into()).await, "--catalog-bytes-max");
    assert_counted(&broker, "longshore_catalog_refused_total 3");
    // What takes the place of as much is no growth, and what is taken away makes room.
    tag(&broker, "two", 200).await.unwrap();
    let tag_keys = vec!["one".to_owned()];
    broker.call(UntagQueue { queue_url: URL.into(), tag_keys }.into()).await.unwrap();
    tag(&broker, "three", 50).await.unwrap();
    broker.call(DeleteQueue { queue_url: URL.into() }.into()).await.unwrap();
    assert_counted(&broker, "longshore_catalog_bytes 0");
}

#[tokio::test]
async fn c12_what_a_store_holds_is_counted_when_it_is_opened_again() {
    let directory = tempfile::tempdir().unwrap();
    let broker = on_disk(directory.path()).await;
    create(&broker, "jobs", &[]).await;
    tag(&broker, "one", 200).await.unwrap();
    broker.close().await;
    let broker = on_disk(directory.path()).await;
    assert_counted(&broker, "longshore_catalog_bytes 267");
}

#[tokio::test]
async fn beyond_the_bound_a_receive_does_not_wait() {
    let options = BrokerOptions { waiting_receives_max: 0, ..BrokerOptions::default() };
    let broker = bounded(options).await;
    let receive = ReceiveMessage {
        queue_url: URL.into(),
        wait_time_seconds: Some(20.into()),
        ..Default::default()
    };
    assert_eq!(broker.call(receive.into()).await, Err(SqsError::RequestThrottled));
    assert_counted(&broker, "longshore_waiting_receives_refused_total 1");
}

#[tokio::test]
async fn a_receive_with_very_many_names_does_not_wait_with_them() {
    let broker = bounded(BrokerOptions::default()).await;
    let receive = |names: usize| ReceiveMessage {
        queue_url: URL.into(),
        wait_time_seconds: Some(20.into()),
        message_attribute_names: vec!["n".repeat(200); names],
        ..Default::default()
    };
    let within = |time, names| tokio::time::timeout(time, broker.call(receive(names).into()));
    let at_once = within(Duration::from_secs(10), 400).await.expect("it does not wait");
    assert!(matches!(at_once, Ok(Reply::ReceiveMessage(_))));
    let waits = within(Duration::from_millis(100), 10).await;
    assert!(waits.is_err(), "ten names are not many");
}
