//! The order of messages, and when a group has none for a receive.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_receive_is_filled_from_the_first_group_as_far_as_it_goes() {
    let world = World::new().await;
    world.send_all(&["g1-m1", "g2-m1", "g1-m2", "g1-m3"]).await;
    assert_eq!(bodies(&world.receive(10).await), ["g1-m1", "g1-m2", "g1-m3", "g2-m1"]);
}

#[tokio::test(start_paused = true)]
async fn a_group_that_was_served_goes_behind_the_others() {
    let world = World::new().await;
    world.send_all(&["g1-m1", "g1-m2", "g2-m1", "g2-m2", "g3-m1"]).await;
    assert_eq!(bodies(&world.receive_for(3, 0).await), ["g1-m1", "g1-m2", "g2-m1"]);
    let next = world.receive(10).await;
    assert_eq!(bodies(&next), ["g3-m1", "g1-m1", "g1-m2", "g2-m1", "g2-m2"]);
}

#[tokio::test(start_paused = true)]
async fn a_send_to_a_locked_group_does_not_unlock_it() {
    let world = World::new().await;
    world.send_all(&["g1-m1", "g1-m2"]).await;
    assert_eq!(bodies(&world.receive(1).await), ["g1-m1"]);
    world.send_all(&["g1-m3", "g2-m1"]).await;
    assert_eq!(bodies(&world.receive(10).await), ["g2-m1"]);
}

#[tokio::test(start_paused = true)]
async fn a_group_is_unlocked_by_the_delete_of_all_in_flight_and_not_of_some() {
    let world = World::new().await;
    world.send_all(&["g1-m1", "g1-m2", "g1-m3"]).await;
    let received = world.receive(2).await;
    world.delete(&received[0]).await.unwrap();
    assert!(world.receive(10).await.is_empty());
    world.delete(&received[1]).await.unwrap();
    assert_eq!(bodies(&world.receive(10).await), ["g1-m3"]);
}

#[tokio::test(start_paused = true)]
async fn the_delete_that_unlocks_a_group_ends_a_wait() {
    let world = World::new().await;
    world.send_all(&["g1-m1", "g1-m2"]).await;
    let received = world.receive(1).await;
    let waiting = tokio::spawn({
        let broker = world.broker.clone();
        async move {
            receive(&broker, ReceiveMessage { wait_time_seconds: Some(20.into()), ..request(1) })
                .await
        }
    });
    while world.broker.waiting_count() == 0 {
        tokio::task::yield_now().await;
    }
    world.delete(&received[0]).await.unwrap();
    assert_eq!(bodies(&waiting.await.unwrap()), ["g1-m2"]);
}

#[tokio::test(start_paused = true)]
async fn the_end_of_leases_brings_a_group_back_in_its_order() {
    let world = World::new().await;
    world.send_all(&["g1-m1", "g1-m2", "g1-m3"]).await;
    world.receive_for(2, 5).await;
    world.pass(5.0).await;
    assert_eq!(bodies(&world.receive(10).await), ["g1-m1", "g1-m2", "g1-m3"]);
}

/// Of foo, bar and baz, received for a second, one is extended to four; what a receive gives after
/// two and a half.
async fn after_extending(position: usize) -> Vec<String> {
    let world = World::new().await;
    world.send_all(&["g-foo", "g-bar", "g-baz"]).await;
    let received = world.receive_for(10, 1).await;
    world.change(&received[position], 4).await.unwrap();
    world.pass(2.5).await;
    world.receive(10).await.into_iter().map(|message| message.body).collect()
}

#[tokio::test(start_paused = true)]
async fn a_hidden_message_holds_back_the_later_ones_of_its_group_and_not_the_earlier() {
    assert_eq!(after_extending(0).await, [""; 0]);
    assert_eq!(after_extending(1).await, ["g-foo"]);
    assert_eq!(after_extending(2).await, ["g-foo", "g-bar"]);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_handed_back_is_delivered_up_to_the_next_hidden_one() {
    let world = World::new().await;
    world.send_all(&["g1-m1", "g1-m2", "g2-m1"]).await;
    let received = world.receive(2).await;
    world.change(&received[0], 0).await.unwrap();
    assert_eq!(bodies(&world.receive(3).await), ["g2-m1", "g1-m1"]);
}

#[tokio::test(start_paused = true)]
async fn messages_of_a_locked_group_count_as_available() {
    let world = World::new().await;
    world.send_all(&["g-1", "g-2", "g-3", "g-4", "g-5"]).await;
    let received = world.receive(4).await;
    assert_eq!(world.count("ApproximateNumberOfMessages").await, "1");
    assert_eq!(world.count("ApproximateNumberOfMessagesNotVisible").await, "4");
    world.delete(&received[0]).await.unwrap();
    assert_eq!(world.count("ApproximateNumberOfMessages").await, "1");
    assert_eq!(world.count("ApproximateNumberOfMessagesNotVisible").await, "3");
}

#[tokio::test(start_paused = true)]
async fn a_message_has_the_delay_of_its_queue_and_none_of_its_own() {
    let world = World::with(&[("DelaySeconds", "2")]).await;
    let own =
        try_send(&world.broker, SendMessage { delay_seconds: Some(2.into()), ..message("g-1") });
    let text = "Value 2 for parameter DelaySeconds is invalid. Reason: The request include \
                parameter that is not valid for this queue type.";
    assert_eq!(own.await, Err(invalid(text)));
    let zero =
        try_send(&world.broker, SendMessage { delay_seconds: Some(0.into()), ..message("g-1") });
    zero.await.unwrap();
    assert!(world.receive(1).await.is_empty(), "the queue's delay holds all the same");
    world.pass(2.0).await;
    assert_eq!(bodies(&world.receive(1).await), ["g-1"]);
}

#[tokio::test(start_paused = true)]
async fn a_new_delay_is_that_of_the_messages_already_here() {
    let world = World::with(&[("DelaySeconds", "900")]).await;
    world.send_all(&["g-1"]).await;
    world.set(&[("DelaySeconds", "3")]).await.unwrap();
    world.pass(2.0).await;
    assert!(world.receive(1).await.is_empty());
    world.pass(1.0).await;
    world.set(&[("DelaySeconds", "10")]).await.unwrap();
    assert_eq!(world.count("ApproximateNumberOfMessagesDelayed").await, "1");
    world.pass(7.0).await;
    assert_eq!(bodies(&world.receive(1).await), ["g-1"]);
}

#[tokio::test(start_paused = true)]
async fn q2_sequence_numbers_have_20_digits_begin_with_no_0_and_grow() {
    let world = World::new().await;
    let mut numbers = Vec::new();
    for body in ["a-1", "b-1", "a-2"] {
        numbers.push(send(&world.broker, FIFO, body).await.sequence_number.unwrap());
    }
    let is_right = |number: &String| number.len() == 20 && !number.starts_with('0');
    assert!(numbers.is_sorted() && numbers.iter().all(is_right), "{numbers:?}");
    let received = world.receive(10).await;
    assert_eq!(system(&received[0], "SequenceNumber"), numbers[0]);
    assert_eq!(system(&received[0], "MessageGroupId"), "a");
    assert_eq!(system(&received[0], "MessageDeduplicationId"), "a-1");
}

#[tokio::test(start_paused = true)]
async fn a_message_past_its_retention_frees_its_group_in_flight_too() {
    let world = World::with(&[("MessageRetentionPeriod", "60")]).await;
    world.send_all(&["g-1"]).await;
    world.pass(30.0).await;
    world.send_all(&["g-2"]).await;
    let first = world.receive_for(1, 3_600).await;
    world.pass(30.0).await;
    assert_eq!(bodies(&world.receive(10).await), ["g-2"]);
    world.delete(&first[0]).await.unwrap();
}
