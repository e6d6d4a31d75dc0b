//! Dead-letter queues of FIFO queues.

use super::*;

const DEAD: &str = "http://localhost/000000000000/dead.fifo";

fn policy(name: &str) -> String {
    let arn = format!("arn:aws:sqs:us-east-1:000000000000:{name}");
    format!(r#"{{"deadLetterTargetArn":"{arn}","maxReceiveCount":1}}"#)
}

async fn world() -> World {
    let world = World::with(&[("ContentBasedDeduplication", "true")]).await;
    create_fifo(&world.broker, "dead.fifo", &[("DelaySeconds", "900")]).await;
    world.set(&[("RedrivePolicy", &policy("dead.fifo"))]).await.unwrap();
    world
}

async fn dead(world: &World) -> Vec<ReceivedMessage> {
    receive(&world.broker, ReceiveMessage { queue_url: DEAD.into(), ..request(10) }).await
}

#[tokio::test(start_paused = true)]
async fn a_message_that_moves_releases_its_group_in_the_same_receive() {
    let world = world().await;
    world.send_all(&["g-poison", "g-good"]).await;
    world.receive_for(1, 0).await;
    assert_eq!(bodies(&world.receive(10).await), ["g-good"]);
    assert_eq!(bodies(&dead(&world).await), ["g-poison"]);
}

#[tokio::test(start_paused = true)]
async fn a_moved_message_keeps_its_group_and_is_enqueued_anew_under_its_message_id() {
    let world = world().await;
    world.send_all(&["g-poison"]).await;
    let first = world.receive_for(1, 5).await.remove(0);
    world.pass(5.0).await;
    assert!(world.receive(1).await.is_empty());

    let moved = dead(&world).await.remove(0);
    assert_eq!(moved.message_id, first.message_id);
    assert_eq!(system(&moved, "MessageGroupId"), "g");
    assert_eq!(system(&moved, "MessageDeduplicationId"), first.message_id.to_string());
    assert_eq!(system(&moved, "ApproximateReceiveCount"), "2");
    let source = "arn:aws:sqs:us-east-1:000000000000:jobs.fifo";
    assert_eq!(system(&moved, "DeadLetterQueueSourceArn"), source);
    let sent_at =
        |message: &ReceivedMessage| -> u64 { system(message, "SentTimestamp").parse().unwrap() };
    assert_eq!(sent_at(&moved), sent_at(&first) + 5000);

    let send = SendMessage {
        queue_url: DEAD.into(),
        message_deduplication_id: Some(first.message_id.to_string()),
        ..message("g-copy")
    };
    let duplicate = try_send(&world.broker, send).await.unwrap();
    assert_eq!(duplicate.message_id, first.message_id);
}

#[tokio::test(start_paused = true)]
async fn a_dead_letter_queue_is_of_the_same_kind() {
    let world = World::new().await;
    create(&world.broker, "dead", &[]).await;
    let text = policy("dead");
    let refused = world.set(&[("RedrivePolicy", &text)]).await.unwrap_err();
    assert!(refused.to_string().contains("must be same type of queue"), "{refused}");
}
