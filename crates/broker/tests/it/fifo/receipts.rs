//! Receipts are worth something while their own lease lasts; and receives that are repeated.

use super::*;

fn expired(message: &ReceivedMessage) -> Result<(), SqsError> {
    Err(SqsError::receipt_handle_expired(&message.receipt_handle))
}

fn not_available(message: &ReceivedMessage) -> Result<(), SqsError> {
    Err(SqsError::NotAvailableForVisibilityChange(message.receipt_handle.clone()))
}

#[tokio::test(start_paused = true)]
async fn after_its_visibility_timeout_a_receipt_deletes_and_changes_nothing() {
    let world = World::new().await;
    world.send_all(&["g-1"]).await;
    let received = world.receive_for(1, 1).await.remove(0);
    world.pass(1.0).await;
    assert_eq!(world.delete(&received).await, expired(&received));
    assert_eq!(world.change(&received, 10).await, not_available(&received));

    let again = world.receive(1).await.remove(0);
    assert_eq!(world.delete(&received).await, expired(&received), "it is another's now");
    assert_eq!(world.change(&received, 10).await, not_available(&received));
    world.delete(&again).await.unwrap();
    world.delete(&again).await.unwrap();
    world.delete(&received).await.unwrap();
    assert_eq!(world.change(&again, 10).await, not_available(&again));
}

#[tokio::test(start_paused = true)]
async fn a_receipt_of_an_extended_lease_deletes_and_of_one_handed_back_does_not() {
    let world = World::new().await;
    world.send_all(&["g-1"]).await;
    let received = world.receive_for(1, 1).await.remove(0);
    world.change(&received, 0).await.unwrap();
    assert_eq!(world.delete(&received).await, expired(&received));
    let received = world.receive_for(1, 1).await.remove(0);
    world.change(&received, 10).await.unwrap();
    world.pass(5.0).await;
    world.delete(&received).await.unwrap();
    assert_eq!(world.count("ApproximateNumberOfMessages").await, "0");
}

async fn attempt(world: &World, id: &str) -> Vec<ReceivedMessage> {
    let receive_request_attempt_id = Some(id.to_owned());
    receive(&world.broker, ReceiveMessage { receive_request_attempt_id, ..request(2) }).await
}

#[tokio::test(start_paused = true)]
async fn a_repeated_attempt_is_given_the_same_messages_and_receipts_and_a_new_lease() {
    let world = World::new().await;
    world.send_all(&["a-1", "a-2", "b-1"]).await;
    let first = attempt(&world, "try").await;
    world.pass(20.0).await;
    assert_eq!(attempt(&world, "try").await, first);
    assert_eq!(bodies(&attempt(&world, "another").await), ["b-1"]);
    world.pass(20.0).await;
    world.delete(&first[0]).await.unwrap();
    world.delete(&first[1]).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_attempt_whose_messages_were_touched_is_a_receive_like_any_other() {
    let world = World::new().await;
    world.send_all(&["a-1", "a-2", "b-1"]).await;
    let first = attempt(&world, "try").await;
    world.delete(&first[0]).await.unwrap();
    assert_eq!(bodies(&attempt(&world, "try").await), ["b-1"]);
    assert_eq!(bodies(&attempt(&world, "try").await), ["b-1"], "which can be repeated too");
    world.pass(30.0).await;
    assert_eq!(bodies(&attempt(&world, "try").await), ["a-2", "b-1"], "its leases were over");
}

#[tokio::test(start_paused = true)]
async fn an_attempt_can_be_repeated_for_five_minutes() {
    let world = World::with(&[("VisibilityTimeout", "3600")]).await;
    world.send_all(&["a-1", "b-1"]).await;
    let once = |id: &str| {
        let receive_request_attempt_id = Some(id.to_owned());
        ReceiveMessage { receive_request_attempt_id, ..request(1) }
    };
    receive(&world.broker, once("try")).await;
    world.pass(299.0).await;
    assert_eq!(bodies(&receive(&world.broker, once("try")).await), ["a-1"]);
    world.pass(1.0).await;
    assert_eq!(bodies(&receive(&world.broker, once("try")).await), ["b-1"]);
}
