//! Declared queues on a real broker.

use std::sync::Arc;

use longshore::broker::{Broker, BrokerOptions};
use longshore::queues::{Admin, Change, DesiredQueue, QueueNames, apply, desired, preview};
use longshore::role::Endpoint;
use longshore::types::AttributeName;

const QUEUES: &str = "
    [queues.Work]
    visibility_timeout = '30s'
    message_retention_period = '4d'
    receive_message_wait_time = '20s'
    dead_letter = { queue = 'Dead', max_receive_count = 5 }
    tags = { system = 'test' }
    [queues.Dead]
    message_retention_period = '14d'
";

async fn admin() -> Arc<dyn Admin> {
    Endpoint::embedded(&Broker::open(BrokerOptions::default()).await.unwrap()).admin
}

fn queues(text: &str, names: &QueueNames) -> Vec<DesiredQueue> {
    desired(text, names).unwrap()
}

#[tokio::test]
async fn queues_are_created_as_declared_and_then_there_is_nothing_to_do() {
    let admin = admin().await;
    let queues = queues(QUEUES, &QueueNames::default());
    assert_eq!(preview(&*admin, &queues).await.unwrap().len(), 2);
    assert_eq!(apply(&*admin, &queues).await.unwrap().len(), 2);
    assert_eq!(preview(&*admin, &queues).await.unwrap(), []);
    assert_eq!(apply(&*admin, &queues).await.unwrap(), []);
}

#[tokio::test]
async fn a_changed_declaration_changes_that_and_nothing_else() {
    let admin = admin().await;
    apply(&*admin, &queues(QUEUES, &QueueNames::default())).await.unwrap();
    let changed = QUEUES.replace("'30s'", "'31s'").replace("'test'", "'tests'");

    let done = apply(&*admin, &queues(&changed, &QueueNames::default())).await.unwrap();

    let [Change::SetAttributes { attributes, .. }, Change::Tag { .. }] = &done[..] else {
        panic!("{done:?}")
    };
    assert_eq!(attributes.keys().collect::<Vec<_>>(), [&AttributeName::VisibilityTimeout]);
    assert_eq!(apply(&*admin, &queues(&changed, &QueueNames::default())).await.unwrap(), []);
}

#[tokio::test]
async fn declared_fifo_queues_are_created_as_such_with_what_only_they_have() {
    let text = include_str!("../../../../examples/fibonacci/queues.fifo.toml");
    let admin = admin().await;
    let queues = queues(text, &QueueNames::default());
    let done = apply(&*admin, &queues).await.unwrap();

    assert_eq!(done.len(), 4);
    for change in &done {
        let Change::Create { attributes, .. } = change else { panic!("{change:?}") };
        assert_eq!(attributes[&AttributeName::FifoQueue], "true");
    }
    assert_eq!(preview(&*admin, &queues).await.unwrap(), []);
}
