//! What a restart keeps of a FIFO queue.

use super::*;
use crate::support::on_disk;

#[tokio::test]
async fn a_restart_keeps_locks_ids_scope_and_the_sequence() {
    let directory = tempfile::tempdir().unwrap();
    let broker = on_disk(directory.path()).await;
    create_fifo(&broker, "jobs.fifo", &[("DeduplicationScope", "messageGroup")]).await;
    let first = send(&broker, FIFO, "a-1").await;
    send(&broker, FIFO, "a-2").await;
    send(&broker, FIFO, "b-1").await;
    let received = receive(&broker, request(1)).await;
    broker.close().await;

    let broker = on_disk(directory.path()).await;
    let again = send(&broker, FIFO, "a-1").await;
    assert_eq!(
        (again.message_id, &again.sequence_number),
        (first.message_id, &first.sequence_number)
    );
    let same_id = SendMessage { message_deduplication_id: Some("a-1".into()), ..message("b-2") };
    let later = try_send(&broker, same_id).await.unwrap();
    assert!(later.sequence_number > first.sequence_number);
    assert_eq!(bodies(&receive(&broker, request(10)).await), ["b-1", "b-2"], "the group is locked");
    let receipt_handle = received[0].receipt_handle.clone();
    let delete = DeleteMessage { queue_url: FIFO.into(), receipt_handle };
    broker.call(delete.into()).await.unwrap();
    assert_eq!(bodies(&receive(&broker, request(10)).await), ["a-2"]);
    broker.close().await;
}

#[tokio::test]
async fn an_attempt_is_repeated_after_a_restart_with_the_same_receipts() {
    let directory = tempfile::tempdir().unwrap();
    let attempt =
        || ReceiveMessage { receive_request_attempt_id: Some("try".into()), ..request(10) };
    let broker = on_disk(directory.path()).await;
    create_fifo(&broker, "jobs.fifo", &[]).await;
    send(&broker, FIFO, "a-1").await;
    let first = receive(&broker, attempt()).await;
    broker.close().await;

    let broker = on_disk(directory.path()).await;
    assert_eq!(receive(&broker, attempt()).await, first);
    broker.close().await;
}
