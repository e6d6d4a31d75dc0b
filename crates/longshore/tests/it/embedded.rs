//! The transport of a process that has its broker inside.

use std::time::Duration;

use longshore::broker::{Broker, BrokerOptions};
use longshore::embedded::EmbeddedTransport;
use longshore::queues::{QueueNames, apply, desired};
use longshore::role::Endpoint;
use longshore::tasks::TransportError;
use longshore::tasks::transport::{
    OutgoingMessage, QueueHandle, ReceiveRequest, ReceivedMessage, Transport,
};
use longshore::types::{MessageAttribute, MessageAttributes};

const QUEUES: &str = "
    [queues.Work]
    visibility_timeout = '7s'
    message_retention_period = '60s'
    dead_letter = { queue = 'Dead', max_receive_count = 3 }
    [queues.Dead]
";

const NOW: ReceiveRequest =
    ReceiveRequest { count_max: 10, wait: Duration::ZERO, visibility_timeout: None };

async fn transport() -> EmbeddedTransport {
    let broker = Broker::open(BrokerOptions::default()).await.unwrap();
    let queues = desired(QUEUES, &QueueNames::default()).unwrap();
    apply(&*Endpoint::embedded(&broker).admin, &queues).await.unwrap();
    EmbeddedTransport::new(broker)
}

fn message(body: &str) -> OutgoingMessage {
    OutgoingMessage::new(body, MessageAttributes::new())
}

async fn receive_one(transport: &EmbeddedTransport, queue: &QueueHandle) -> ReceivedMessage {
    let mut messages = transport.receive(queue, NOW).await.unwrap();
    assert_eq!(messages.len(), 1);
    messages.pop().unwrap()
}

#[tokio::test]
async fn what_is_sent_is_received_with_its_attributes_and_once_deleted_no_more() {
    let transport = transport().await;
    let queue = transport.resolve("Work").await.unwrap();
    let mut sent = message("8");
    sent.attributes.insert("createdAt".to_owned(), MessageAttribute::number(7));
    let answers = transport.send_batch(&queue, vec![sent.clone()]).await.unwrap();

    let received = receive_one(&transport, &queue).await;
    assert_eq!(received.body, "8");
    assert_eq!(received.attributes, sent.attributes);
    assert_eq!(received.message_id, answers[0].as_ref().unwrap().message_id);
    assert_eq!(received.receive_count, 1);
    assert!(received.sent_at.is_some());

    let receipts = vec![received.receipt_handle];
    assert_eq!(transport.delete_batch(&queue, receipts).await.unwrap(), [Ok(())]);
    assert_eq!(transport.receive(&queue, NOW).await.unwrap(), []);
}

#[tokio::test]
async fn a_message_that_is_handed_back_comes_again_and_its_receives_are_counted() {
    let transport = transport().await;
    let queue = transport.resolve("Work").await.unwrap();
    transport.send_batch(&queue, vec![message("8")]).await.unwrap();
    let first = receive_one(&transport, &queue).await;

    let changes = vec![(first.receipt_handle, Duration::ZERO)];
    assert_eq!(transport.change_visibility_batch(&queue, changes).await.unwrap(), [Ok(())]);

    assert_eq!(receive_one(&transport, &queue).await.receive_count, 2);
}

#[tokio::test]
async fn a_worker_learns_visibility_timeout_retention_and_dead_letter_queue() {
    let transport = transport().await;
    let queue = transport.resolve("Work").await.unwrap();
    let facts = transport.queue_facts(&queue).await.unwrap();
    assert_eq!(facts.visibility_timeout, Duration::from_secs(7));
    assert_eq!(facts.retention, Duration::from_secs(60));
    let dead_letter = facts.dead_letter.unwrap();
    assert_eq!((dead_letter.queue.name(), dead_letter.receive_count_max), ("Dead", 3));
}

#[tokio::test]
async fn every_entry_of_a_batch_is_answered_for_in_its_place() {
    let transport = transport().await;
    let queue = transport.resolve("Work").await.unwrap();
    let messages = ["1", "\u{0}", "3"].map(message).into();
    let answers = transport.send_batch(&queue, messages).await.unwrap();
    assert!(answers[0].is_ok() && answers[2].is_ok());
    let fault = answers[1].as_ref().unwrap_err();
    assert!(fault.sender_fault, "{fault}");
}

#[tokio::test]
async fn a_queue_that_is_not_there_is_a_refusal_with_the_code_of_sqs() {
    let refusal = transport().await.resolve("Missing").await.unwrap_err();
    let TransportError::Refused { code, .. } = refusal else { panic!("{refusal}") };
    assert_eq!(code, "QueueDoesNotExist");
}
