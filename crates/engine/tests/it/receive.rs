//! Receiving: which messages, how many, and what is counted.

use longshore_engine::{Receive, Refusal};
use longshore_types::Settings;

use crate::builder::{Driven, T0, id, keys_of, millis, secs};

fn receive_ten() -> Receive {
    Receive { count_max: 10, visibility: None, dead_letter_target_exists: false }
}

#[test]
fn messages_are_received_oldest_first() {
    let mut driven = Driven::with_messages(3);
    assert_eq!(keys_of(&driven.receive(10)), [1, 2, 3]);
}

#[test]
fn of_two_messages_of_one_millisecond_the_smaller_key_is_the_older() {
    let mut driven = Driven::new(Settings::default());
    driven.send();
    driven.send();
    assert_eq!(keys_of(&driven.receive(1)), [1]);
}

#[test]
fn a_message_that_comes_back_regains_its_old_place() {
    let mut driven = Driven::with_messages(1);
    driven.receive_for(secs(2));
    driven.send();
    driven.pass(secs(2));
    assert_eq!(keys_of(&driven.receive(10)), [1, 2]);
}

#[test]
fn a_message_whose_delay_ended_is_ordered_by_its_send() {
    let mut driven = Driven::new(Settings::default());
    driven.send_with(Some(secs(5)));
    driven.pass(secs(1));
    driven.send();
    driven.pass(secs(5));
    assert_eq!(keys_of(&driven.receive(10)), [1, 2]);
}

#[test]
fn no_more_messages_are_received_than_are_wanted() {
    let mut driven = Driven::with_messages(3);
    assert_eq!(keys_of(&driven.receive(2)), [1, 2]);
    assert_eq!(driven.counts(), (1, 2, 0));
}

#[test]
fn nothing_happens_if_there_is_nothing_to_receive() {
    let driven = Driven::new(Settings::default());
    let decision = driven.queue.receive(receive_ten(), driven.now).unwrap();
    assert_eq!(decision.event, None);
    assert_eq!(decision.dead_lettered, []);
}

#[test]
fn a_decision_changes_nothing() {
    let driven = Driven::with_messages(2);
    let before = driven.queue.clone();
    driven.queue.receive(receive_ten(), driven.now).unwrap();
    assert_eq!(driven.queue, before);
}

#[test]
fn a_received_message_is_available_again_when_the_queue_s_visibility_timeout_ends() {
    let (mut driven, _) = Driven::one_in_flight();
    driven.pass(millis(29_999));
    assert_eq!(driven.receive(1), []);
    driven.pass(millis(1));
    assert_eq!(keys_of(&driven.receive(1)), [1]);
}

#[test]
fn a_receive_s_own_visibility_timeout_overrides_the_queue_s_for_that_receive_only() {
    let mut driven = Driven::with_messages(1);
    driven.receive_for(secs(5));
    driven.pass(secs(5));
    driven.receive(1);
    driven.pass(secs(5));
    assert_eq!(driven.counts(), (0, 1, 0));
    driven.pass(secs(25));
    assert_eq!(driven.counts(), (1, 0, 0));
}

#[test]
fn a_visibility_timeout_of_zero_leaves_the_message_available_but_counts_the_receive() {
    let mut driven = Driven::with_messages(1);
    let first = driven.receive_for(secs(0))[0];
    assert_eq!(driven.counts(), (1, 0, 0));
    let second = driven.receive_for(secs(0))[0];
    assert!(second.delivery > first.delivery);
    assert_eq!(driven.queue.delivery(first.key).unwrap().receive_count, 2);
}

#[test]
fn a_delivery_tells_what_the_queue_knows_of_the_message() {
    let mut driven = Driven::with_messages(1);
    let key = driven.receive_for(secs(1))[0].key;
    let first_received_at = driven.now;
    driven.pass(secs(1));
    driven.receive_for(secs(1));

    let delivery = driven.queue.delivery(key).unwrap();
    assert_eq!((delivery.id, delivery.bytes), (id(key), 10));
    assert_eq!((delivery.sent_at, delivery.first_received_at), (T0, first_received_at));
    assert_eq!((delivery.receive_count, delivery.number), (2, 2));
    assert_eq!(delivery.dead_letter_source, None);
}

#[test]
fn a_change_of_the_queue_s_visibility_timeout_concerns_later_receives_only() {
    let (mut driven, _) = Driven::one_in_flight();
    driven.set(Settings { visibility_timeout: secs(1), ..Settings::default() });
    driven.pass(secs(29));
    assert_eq!(driven.counts(), (0, 1, 0));
    driven.pass(secs(1));
    driven.receive(1);
    driven.pass(secs(1));
    assert_eq!(driven.counts(), (1, 0, 0));
}

#[test]
fn no_receive_is_allowed_while_as_many_messages_are_in_flight_as_can_be() {
    let mut driven = Driven::with_messages(3);
    driven.queue = driven.queue.with_in_flight_max(2);
    assert_eq!(keys_of(&driven.receive(10)), [1, 2], "what still fits is received");

    let refusal = Refusal::OverLimit { queue: driven.queue.id(), in_flight_max: 2 };
    assert_eq!(driven.receive_with(receive_ten()), Err(refusal));
    driven.pass(secs(30));
    assert_eq!(keys_of(&driven.receive(10)), [1, 2]);
}

#[test]
fn a_delete_makes_room_in_flight() {
    let mut driven = Driven::with_messages(2);
    driven.queue = driven.queue.with_in_flight_max(1);
    let receipt = driven.receive_one();
    driven.delete(&receipt).unwrap();
    assert_eq!(keys_of(&driven.receive(1)), [2]);
}

#[test]
fn by_default_120_000_messages_can_be_in_flight() {
    let mut driven = Driven::new(Settings::default());
    for _ in 0..120_001 {
        driven.send();
    }
    assert_eq!(driven.receive(120_001).len(), 120_000);
    assert!(driven.receive_with(receive_ten()).is_err());
}
