//! Dead-letter queues: when a message moves, and what it takes along.

use longshore_engine::{MOVES_MAX, Message, MessageKey, Queue, Receive};
use longshore_types::Settings;

use crate::builder::{Driven, T0, arn, dead_lettering_after, id, keys_of, millis, secs};

fn receive(count_max: usize, dead_letter_target_exists: bool) -> Receive {
    Receive { count_max, visibility: Some(secs(0)), dead_letter_target_exists }
}

/// A queue whose messages have been received as often as they may be, and are available.
fn exhausted(message_count: usize) -> Driven {
    let mut driven = Driven::new(dead_lettering_after(1));
    for _ in 0..message_count {
        driven.send();
    }
    driven.receive_with(receive(message_count, true)).unwrap();
    driven
}

fn arrived(message: Message) -> Driven {
    let mut dead = Driven::new(Settings::default());
    dead.now = T0 + secs(100);
    dead.happens(Queue::arrive(vec![message], arn("work")));
    dead
}

fn failed_message() -> Message {
    let key = MessageKey::new(9);
    let first_received_at = Some(T0 + secs(1));
    Message {
        key,
        id: id(key),
        bytes: 5,
        sent_at: T0,
        first_received_at,
        receive_count: 3,
        delivery: 4,
        group: None,
    }
}

#[test]
fn a_message_is_delivered_as_often_as_the_policy_says_and_moves_at_the_next_receive() {
    for receive_count_max in 1..4 {
        let mut driven = Driven::new(dead_lettering_after(receive_count_max));
        driven.send();
        for _ in 0..receive_count_max {
            assert_eq!(keys_of(&driven.receive_with(receive(1, true)).unwrap()), [1]);
        }
        let decision = driven.queue.receive(receive(1, true), driven.now).unwrap();
        assert_eq!(decision.event, None);
        assert_eq!(decision.dead_lettered[0].key, MessageKey::new(1));
    }
}

#[test]
fn a_message_does_not_move_before_a_receive_meets_it() {
    let mut driven = Driven::new(dead_lettering_after(1));
    driven.send();
    driven.receive(1);
    driven.pass(secs(3_600));
    assert_eq!(driven.counts(), (1, 0, 0));
}

#[test]
fn a_moved_message_is_gone_from_its_source_but_its_body_is_not_released() {
    let mut driven = exhausted(1);
    let gone = driven.happens(driven.queue.dead_letter(&[MessageKey::new(1)]));
    assert_eq!(gone, []);
    assert_eq!(driven.counts(), (0, 0, 0));
    assert_eq!(driven.queue.next_due(), None);
}

#[test]
fn a_receive_passes_over_moving_messages_and_delivers_those_behind() {
    let mut driven = exhausted(2);
    driven.send();
    let decision = driven.queue.receive(receive(1, true), driven.now).unwrap();
    assert_eq!(decision.dead_lettered.len(), 2);
    assert_eq!(keys_of(&driven.receive(1)), [3]);
}

#[test]
fn messages_behind_the_last_one_wanted_are_not_met() {
    let mut driven = Driven::new(dead_lettering_after(1));
    driven.send_with(Some(secs(5)));
    driven.send();
    driven.receive_with(receive(1, true)).unwrap();
    driven.pass(secs(5));
    let decision = driven.queue.receive(receive(1, true), driven.now).unwrap();
    assert!(decision.event.is_some());
    assert_eq!(decision.dead_lettered, [], "the second was received too often, but is not met");
}

#[test]
fn without_its_dead_letter_queue_a_message_stays_and_is_delivered_again_and_again() {
    let mut driven = exhausted(1);
    for _ in 0..5 {
        assert_eq!(keys_of(&driven.receive_with(receive(1, false)).unwrap()), [1]);
    }
    assert_eq!(driven.queue.delivery(MessageKey::new(1)).unwrap().receive_count, 6);
}

#[test]
fn a_queue_without_a_policy_dead_letters_nothing() {
    let mut driven = exhausted(1);
    driven.set(Settings::default());
    assert_eq!(keys_of(&driven.receive_with(receive(1, true)).unwrap()), [1]);
}

#[test]
fn one_receive_moves_a_bounded_number_of_messages() {
    let mut driven = exhausted(MOVES_MAX + 1);
    let decision = driven.queue.receive(receive(10, true), driven.now).unwrap();
    assert_eq!(decision.dead_lettered.len(), MOVES_MAX);
    assert_eq!(decision.event, None);

    driven.receive_with(receive(10, true)).unwrap();
    assert_eq!(driven.counts(), (1, 0, 0), "the next receive meets the rest");
}

#[test]
fn a_moving_message_takes_along_id_size_times_and_reported_count() {
    let mut driven = Driven::new(dead_lettering_after(2));
    let key = driven.send();
    driven.pass(millis(5));
    driven.receive_with(receive(1, true)).unwrap();
    driven.pass(millis(5));
    driven.receive_with(receive(1, true)).unwrap();

    let decision = driven.queue.receive(receive(1, true), driven.now).unwrap();
    let moving = Message {
        key,
        id: id(key),
        bytes: 10,
        sent_at: T0,
        first_received_at: Some(T0 + millis(5)),
        receive_count: 2,
        delivery: 2,
        group: None,
    };
    assert_eq!(decision.dead_lettered, [moving]);
}

#[test]
fn an_arrived_message_keeps_its_history_and_tells_its_source() {
    let mut dead = arrived(failed_message());
    let receipt = dead.receive_one();

    let delivery = dead.queue.delivery(receipt.key).unwrap();
    assert_eq!(delivery.id, id(receipt.key));
    assert_eq!(delivery.sent_at, T0);
    assert_eq!(delivery.first_received_at, T0 + secs(1));
    assert_eq!((delivery.receive_count, delivery.number), (4, 5));
    assert_eq!(delivery.dead_letter_source, Some(&arn("work")));
}

#[test]
fn an_arrived_message_is_available_at_once_whatever_the_delay_of_the_queue() {
    let mut dead = Driven::new(Settings { delay: secs(60), ..Settings::default() });
    dead.happens(Queue::arrive(vec![failed_message()], arn("work")));
    assert_eq!(dead.counts(), (1, 0, 0));
}

#[test]
fn receives_that_count_towards_the_policy_are_counted_anew_in_each_queue() {
    let mut dead = Driven::new(dead_lettering_after(1));
    dead.happens(Queue::arrive(vec![failed_message()], arn("work")));
    assert_eq!(dead.receive_with(receive(1, true)).unwrap().len(), 1);
    let decision = dead.queue.receive(receive(1, true), dead.now).unwrap();
    assert_eq!(decision.dead_lettered.len(), 1);
}

#[test]
fn the_retention_of_an_arrived_message_goes_on_from_its_send() {
    let mut dead = arrived(failed_message());
    assert_eq!(dead.queue.next_due(), Some(T0 + Settings::default().retention));
    dead.now = T0;
    assert_eq!(dead.pass(Settings::default().retention), [failed_message().key]);
}

#[test]
fn a_message_that_arrives_past_the_retention_of_its_new_queue_is_gone_at_once() {
    let mut dead = Driven::new(Settings { retention: secs(60), ..Settings::default() });
    dead.now = T0 + secs(60);
    let gone = dead.happens(Queue::arrive(vec![failed_message()], arn("work")));
    assert_eq!(gone, [failed_message().key]);
    assert_eq!(dead.counts(), (0, 0, 0));
}

#[test]
fn an_arrived_message_is_ordered_by_its_send() {
    let mut dead = Driven::new(Settings::default());
    dead.now = T0 + secs(1);
    dead.send();
    dead.happens(Queue::arrive(vec![failed_message()], arn("work")));
    assert_eq!(keys_of(&dead.receive(10)), [9, 1]);
}

#[test]
fn a_receipt_of_the_source_no_longer_deletes_a_moved_message() {
    let mut driven = Driven::new(dead_lettering_after(1));
    driven.send();
    let receipt = driven.receive_with(receive(1, true)).unwrap()[0];
    driven.receive(1);
    assert_eq!(driven.delete(&receipt), Ok(false));
}
