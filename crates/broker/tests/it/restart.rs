//! What a restart keeps.

use longshore_broker::{Broker, BrokerOptions, OpenError};
use longshore_wire::SqsError;

use crate::support::*;

#[tokio::test]
async fn messages_queues_and_attributes_survive_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let broker = on_disk(directory.path()).await;
    create(&broker, "jobs", &[("VisibilityTimeout", "77")]).await;
    for body in ["one", "two", "three"] {
        send(&broker, body).await;
    }
    broker.close().await;

    let broker = on_disk(directory.path()).await;
    assert_eq!(attribute(&broker, "VisibilityTimeout").await, "77");
    assert_eq!(bodies(&receive(&broker, 0).await), ["one", "two", "three"]);
    broker.close().await;
}

#[tokio::test]
async fn a_receipt_handle_survives_a_restart_and_what_is_deleted_stays_so() {
    let directory = tempfile::tempdir().unwrap();
    let broker = on_disk(directory.path()).await;
    create(&broker, "jobs", &[]).await;
    send(&broker, "done").await;
    let handle = receive(&broker, 0).await.remove(0).receipt_handle;
    broker.close().await;

    let broker = on_disk(directory.path()).await;
    assert_eq!(attribute(&broker, "ApproximateNumberOfMessagesNotVisible").await, "1");
    delete(&broker, handle.clone()).await.unwrap();
    broker.close().await;

    let broker = on_disk(directory.path()).await;
    assert_eq!(attribute(&broker, "ApproximateNumberOfMessagesNotVisible").await, "0");
    delete(&broker, handle).await.unwrap();
    broker.close().await;
}

#[tokio::test]
async fn a_handle_of_a_deleted_queue_never_fits_its_successor() {
    let directory = tempfile::tempdir().unwrap();
    let broker = on_disk(directory.path()).await;
    create(&broker, "jobs", &[]).await;
    send(&broker, "first").await;
    let handle = receive(&broker, 0).await.remove(0).receipt_handle;
    broker.call(longshore_wire::DeleteQueue { queue_url: URL.into() }.into()).await.unwrap();
    create(&broker, "jobs", &[]).await;
    let refused = delete(&broker, handle).await;
    assert!(matches!(refused, Err(SqsError::ReceiptHandleIsInvalid(_))), "{refused:?}");
    broker.close().await;
}

#[tokio::test]
async fn a_directory_has_one_broker_at_a_time() {
    let directory = tempfile::tempdir().unwrap();
    let broker = on_disk(directory.path()).await;
    let data = Some(directory.path().to_owned());
    let second = Broker::open(BrokerOptions { data, ..BrokerOptions::default() }).await;
    let refused = second.unwrap_err();
    assert!(matches!(refused, OpenError::Store { .. }));
    assert!(refused.to_string().contains("in use by another process"), "{refused}");
    broker.close().await;
    on_disk(directory.path()).await.close().await;
}

#[tokio::test]
async fn a_closed_broker_refuses() {
    let broker = in_memory().await;
    create(&broker, "jobs", &[]).await;
    broker.close().await;
    assert_eq!(broker.call(send_request("late")).await, Err(SqsError::InternalFailure));
}

#[tokio::test]
async fn a_closed_broker_leaves_a_whole_directory_and_damage_in_it_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let broker = on_disk(directory.path()).await;
    create(&broker, "jobs", &[]).await;
    send(&broker, "kept").await;
    assert!(longshore_broker::verify(directory.path()).unwrap_err().contains("in use"));
    broker.close().await;
    let verified = longshore_broker::verify(directory.path()).unwrap();
    assert!(verified.is_whole(), "{verified}");
    flip_a_byte_of(directory.path(), b"kept");
    let verified = longshore_broker::verify(directory.path()).unwrap();
    assert!(
        !verified.is_whole() && verified.to_string().contains("are not as they were written"),
        "{verified}"
    );
    flip_a_byte_of(directory.path(), b"jobs");
    let verified = longshore_broker::verify(directory.path()).unwrap();
    assert!(
        !verified.is_whole() && verified.to_string().contains("is damaged at byte"),
        "{verified}"
    );
    let missing = longshore_broker::verify(&directory.path().join("none"));
    assert!(missing.unwrap_err().starts_with("cannot open"));
}
