//! Deduplication: what is a duplicate of what, for how long, and how it is answered.

use longshore_wire::{SendMessageBatch, SendMessageBatchEntry, SendMessageBatchReply};

use super::*;

fn with_id(body: &str, deduplication_id: &str) -> SendMessage {
    let message_deduplication_id = Some(deduplication_id.into());
    SendMessage { message_deduplication_id, ..message(body) }
}

fn without_id(body: &str) -> SendMessage {
    SendMessage { message_deduplication_id: None, ..message(body) }
}

#[tokio::test(start_paused = true)]
async fn a_duplicate_is_answered_as_its_original_and_not_delivered_even_after_its_delete() {
    let world = World::new().await;
    let first = try_send(&world.broker, with_id("g-one", "id")).await.unwrap();
    let received = world.receive(10).await;
    world.delete(&received[0]).await.unwrap();

    let again = try_send(&world.broker, with_id("g-other", "id")).await.unwrap();
    assert_eq!(again.message_id, first.message_id);
    assert_eq!(again.sequence_number, first.sequence_number);
    assert_ne!(again.md5_of_message_body, first.md5_of_message_body, "of what was submitted");
    assert!(world.receive(10).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_window_is_five_minutes_from_the_first_send_and_does_not_slide() {
    let world = World::new().await;
    let first = try_send(&world.broker, with_id("g-1", "id")).await.unwrap();
    world.pass(299.999).await;
    let second = try_send(&world.broker, with_id("g-2", "id")).await.unwrap();
    assert_eq!(second.message_id, first.message_id);
    world.pass(0.001).await;
    let third = try_send(&world.broker, with_id("g-3", "id")).await.unwrap();
    assert_ne!(third.message_id, first.message_id);
    assert_eq!(bodies(&world.receive(10).await), ["g-1", "g-3"]);
}

#[tokio::test(start_paused = true)]
async fn a_purge_forgets_the_ids() {
    let world = World::new().await;
    let first = try_send(&world.broker, with_id("g-1", "id")).await.unwrap();
    world.purge().await;
    let second = try_send(&world.broker, with_id("g-2", "id")).await.unwrap();
    assert_ne!(second.message_id, first.message_id);
    assert!(second.sequence_number > first.sequence_number);
    assert_eq!(bodies(&world.receive(10).await), ["g-2"]);
}

#[tokio::test(start_paused = true)]
async fn by_content_the_body_alone_decides_and_an_id_of_ones_own_comes_first() {
    let world = World::with(&[("ContentBasedDeduplication", "true")]).await;
    let first = try_send(&world.broker, without_id("g-same")).await.unwrap();
    let second = try_send(&world.broker, without_id("g-same")).await.unwrap();
    assert_eq!(second.message_id, first.message_id);
    let other = try_send(&world.broker, with_id("g-same", "mine")).await.unwrap();
    assert_ne!(other.message_id, first.message_id);
    let received = world.receive(10).await;
    let digest = system(&received[0], "MessageDeduplicationId");
    assert_eq!(digest.len(), 64);
    let hashed = try_send(&world.broker, with_id("g-else", &digest)).await.unwrap();
    assert_eq!(hashed.message_id, first.message_id, "an id that is the digest is the same id");
}

#[tokio::test(start_paused = true)]
async fn without_content_based_deduplication_an_id_is_needed() {
    let world = World::new().await;
    let refused = try_send(&world.broker, without_id("g-1")).await;
    assert_eq!(refused, Err(SqsError::deduplication_id_needed()));
    world.set(&[("ContentBasedDeduplication", "true")]).await.unwrap();
    try_send(&world.broker, without_id("g-1")).await.unwrap();
    world.set(&[("ContentBasedDeduplication", "False")]).await.unwrap();
    let refused = try_send(&world.broker, without_id("g-1")).await;
    assert_eq!(refused, Err(SqsError::deduplication_id_needed()));
}

/// The same id in two groups: whether both are accepted.
async fn both_groups_are_accepted(world: &World, id: &str) -> bool {
    let first = try_send(&world.broker, with_id("a-1", id)).await.unwrap();
    let second = try_send(&world.broker, with_id("b-1", id)).await.unwrap();
    first.message_id != second.message_id
}

#[tokio::test(start_paused = true)]
async fn the_scope_is_the_one_that_the_queue_was_created_with() {
    let by_queue = World::new().await;
    assert!(!both_groups_are_accepted(&by_queue, "id").await);
    by_queue.set(&[("DeduplicationScope", "messageGroup")]).await.unwrap();
    assert_eq!(by_queue.count("DeduplicationScope").await, "messageGroup");
    assert!(!both_groups_are_accepted(&by_queue, "other").await, "it shows, and changes nothing");

    let by_group = World::with(&[("DeduplicationScope", "messageGroup")]).await;
    assert!(both_groups_are_accepted(&by_group, "id").await);
    by_group.set(&[("DeduplicationScope", "queue")]).await.unwrap();
    assert!(both_groups_are_accepted(&by_group, "other").await);
}

async fn send_batch(
    broker: &Broker,
    entries: Vec<SendMessage>,
) -> Result<SendMessageBatchReply, SqsError> {
    let entries = (1..).zip(entries).map(|(id, send): (u32, SendMessage)| SendMessageBatchEntry {
        id: Some(id.to_string()),
        message_body: send.message_body,
        delay_seconds: send.delay_seconds.clone(),
        message_deduplication_id: send.message_deduplication_id,
        message_group_id: send.message_group_id,
        ..SendMessageBatchEntry::default()
    });
    let batch = SendMessageBatch { queue_url: FIFO.into(), entries: entries.collect() };
    let Reply::SendMessageBatch(reply) = broker.call(batch.into()).await? else {
        panic!("a batch is answered by a reply of its own")
    };
    Ok(reply)
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_enqueued_in_its_order_and_deduplicated_within_itself() {
    let world = World::new().await;
    let entries = vec![with_id("g-1", "a"), with_id("g-2", "b"), with_id("g-3", "a")];
    let reply = send_batch(&world.broker, entries).await.unwrap();
    let ids: Vec<_> = reply.successful.iter().map(|entry| entry.sent.message_id).collect();
    assert_eq!(ids[0], ids[2]);
    assert_eq!(bodies(&world.receive(10).await), ["g-1", "g-2"]);
}

#[tokio::test(start_paused = true)]
async fn an_entry_with_wrong_ids_refuses_the_whole_batch() {
    let world = World::new().await;
    let needs_group = "The request must contain the parameter MessageGroupId.";
    let bad_group = "Value a b for parameter MessageGroupId is invalid. Reason: MessageGroupId can \
                     only include alphanumeric and punctuation characters. 1 to 128 in length.";
    let own_delay = "Value 1 for parameter DelaySeconds is invalid. Reason: The request include \
                     parameter that is not valid for this queue type.";
    for (wrong, refusal) in [
        (SendMessage { message_group_id: None, ..message("g-2") }, invalid(needs_group)),
        (
            SendMessage { message_group_id: Some("a b".into()), ..message("g-2") },
            invalid(bad_group),
        ),
        (SendMessage { delay_seconds: Some(1.into()), ..message("g-2") }, invalid(own_delay)),
        (without_id("g-2"), SqsError::deduplication_id_needed()),
    ] {
        let sent = send_batch(&world.broker, vec![message("g-1"), wrong]).await;
        assert_eq!(sent.unwrap_err(), refusal);
    }
    assert!(world.receive(10).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_single_send_must_name_its_group() {
    let world = World::new().await;
    let send = SendMessage { message_group_id: None, ..message("g-1") };
    let missing = SqsError::MissingParameter("MessageGroupId".into());
    assert_eq!(try_send(&world.broker, send).await, Err(missing));
}
