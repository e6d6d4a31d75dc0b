//! What time does, with real loops and a clock that the test moves.

use std::time::Duration;

use longshore_wire::{ReceiveMessage, SendMessage};

use crate::support::*;

#[tokio::test(start_paused = true)]
async fn the_end_of_a_delay_ends_a_wait() {
    let (broker, clock) = with_clock().await;
    let delayed = SendMessage {
        queue_url: URL.into(),
        message_body: "later".into(),
        delay_seconds: Some(5.into()),
        ..SendMessage::default()
    };
    broker.call(delayed.into()).await.unwrap();
    assert_eq!(attribute(&broker, "ApproximateNumberOfMessagesDelayed").await, "1");
    let waiting = tokio::spawn({
        let broker = broker.clone();
        async move { receive(&broker, 20).await }
    });
    tokio::task::yield_now().await;
    clock.advance(Duration::from_secs(4)).await;
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished());
    clock.advance(Duration::from_secs(1)).await;
    assert_eq!(bodies(&waiting.await.unwrap()), ["later"]);
    broker.close().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_older_than_the_retention_is_gone_in_flight_too() {
    let (broker, clock) = with_clock().await;
    send(&broker, "old").await;
    let handle = receive(&broker, 0).await.remove(0).receipt_handle;
    clock.advance(Duration::from_secs(345_600)).await;
    assert_eq!(attribute(&broker, "ApproximateNumberOfMessagesNotVisible").await, "0");
    assert!(receive(&broker, 0).await.is_empty());
    delete(&broker, handle).await.unwrap();
    broker.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_message_received_too_often_is_dead_lettered_at_the_next_receive() {
    let (broker, clock) = with_clock().await;
    let dead = "http://localhost/000000000000/dead";
    create(&broker, "dead", &[]).await;
    let policy =
        r#"{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead","maxReceiveCount":1}"#;
    let set = longshore_wire::SetQueueAttributes {
        queue_url: URL.into(),
        attributes: [("RedrivePolicy".to_owned(), policy.to_owned())].into(),
    };
    broker.call(set.into()).await.unwrap();
    send(&broker, "poison").await;
    let first = receive(&broker, 0).await.remove(0);
    clock.advance(Duration::from_secs(30)).await;
    assert_eq!(
        attribute(&broker, "ApproximateNumberOfMessages").await,
        "1",
        "moved at the receive"
    );
    assert!(receive(&broker, 0).await.is_empty());
    let moved = receive_from(&broker, dead, 0).await.remove(0);
    assert_eq!(moved.message_id, first.message_id);
    let system = |name: &str| {
        let named = moved.attributes.iter().find(|(attribute, _)| attribute.as_str() == name);
        named.map(|(_, value)| value.as_str())
    };
    assert_eq!(system("ApproximateReceiveCount"), Some("2"));
    let source = "arn:aws:sqs:us-east-1:000000000000:jobs";
    assert_eq!(system("DeadLetterQueueSourceArn"), Some(source));
    assert_eq!(broker.dead_letters().len(), 1);
    broker.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_dropped_receive_takes_no_message() {
    let (broker, _clock) = with_clock().await;
    let receive_later = ReceiveMessage {
        queue_url: URL.into(),
        wait_time_seconds: Some(20.into()),
        ..ReceiveMessage::default()
    };
    let dropped = tokio::time::timeout(Duration::ZERO, broker.call(receive_later.into())).await;
    assert!(dropped.is_err());
    send(&broker, "kept").await;
    assert_eq!(bodies(&receive(&broker, 0).await), ["kept"]);
    broker.close().await;
}
