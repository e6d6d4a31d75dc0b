//! The model itself is held against what Amazon SQS was seen to do, so that the engine and the
//! model are not merely wrong alike.

use std::time::Duration;

use longshore_model::{Counts, DeduplicationId, Delivery, Kind, Model, Receipt, Refused};
use longshore_types::{RedrivePolicy, Settings, Timestamp};

use crate::command::arn;

const T0: Timestamp = Timestamp::from_millis(1_700_000_000_000);

fn secs(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// Queues of which each dead-letters to the next after one receive; the last does not.
fn chain(queue_count: usize) -> Model {
    let settings = |queue| {
        let policy = RedrivePolicy { target: arn(queue + 1), receive_count_max: 1 };
        let redrive = (queue + 1 < queue_count).then_some(policy);
        (arn(queue), Settings { redrive, ..Settings::default() }, Kind::Standard)
    };
    Model::new((0..queue_count).map(settings).collect(), 120_000)
}

fn receipt(queue: usize, delivery: &Delivery, received_at: Timestamp) -> Receipt {
    Receipt { queue, number: delivery.number, delivery: delivery.delivery, received_at }
}

fn numbers(deliveries: &[Delivery]) -> Vec<u64> {
    deliveries.iter().map(|delivery| delivery.number).collect()
}

#[test]
fn without_visibility_timeout_a_message_is_received_twice_with_counts_1_and_2() {
    let mut queue = chain(1);
    queue.send(0, None, None, T0);
    for receive_count in 1..=2 {
        let deliveries = queue.receive(0, 10, Some(secs(0)), T0).unwrap();
        assert_eq!(
            (deliveries[0].receive_count, deliveries[0].delivery),
            (receive_count, receive_count)
        );
    }
}

#[test]
fn a_receipt_deletes_after_the_visibility_timeout() {
    let mut queue = chain(1);
    queue.send(0, None, None, T0);
    let delivery = queue.receive(0, 1, Some(secs(1)), T0).unwrap()[0];
    let later = T0 + secs(2);
    queue.delete(0, receipt(0, &delivery, T0), later).unwrap();
    assert_eq!(queue.numbers(0, later), [0; 0]);
}

#[test]
fn the_first_receipt_makes_a_message_available_that_was_received_again() {
    let mut queue = chain(1);
    queue.send(0, None, None, T0);
    let first = queue.receive(0, 1, Some(secs(0)), T0).unwrap()[0];
    queue.receive(0, 1, Some(secs(3)), T0).unwrap();
    queue.change_visibility(0, receipt(0, &first, T0), secs(0), T0).unwrap();
    assert_eq!(queue.receive(0, 1, None, T0).unwrap().len(), 1);
}

#[test]
fn a_message_that_comes_back_is_received_before_a_younger_one() {
    let mut queue = chain(1);
    queue.send(0, None, None, T0);
    queue.receive(0, 1, Some(secs(2)), T0).unwrap();
    queue.send(0, None, None, T0 + secs(1));
    assert_eq!(numbers(&queue.receive(0, 10, None, T0 + secs(2)).unwrap()), [1, 2]);
}

#[test]
fn after_one_receive_the_next_moves_the_message_and_the_dead_letter_queue_reports_2() {
    let mut queues = chain(2);
    queues.send(0, None, None, T0);
    queues.receive(0, 1, Some(secs(0)), T0).unwrap();
    let counts = Counts { available: 1, in_flight: 0, delayed: 0 };
    assert_eq!(queues.counts(0, T0), counts, "it does not move by itself");

    assert_eq!(queues.receive(0, 1, Some(secs(0)), T0), Ok(vec![]));
    let delivery = queues.receive(1, 1, None, T0 + secs(1)).unwrap()[0];
    assert_eq!((delivery.number, delivery.receive_count, delivery.source), (1, 2, Some(0)));
    assert_eq!((delivery.sent_at, delivery.first_received_at), (T0, T0));
}

#[test]
fn in_a_chain_of_dead_letter_queues_each_delivers_once() {
    let mut queues = chain(3);
    queues.send(0, None, None, T0);
    for queue in 0..3 {
        assert_eq!(queues.receive(queue, 1, Some(secs(0)), T0).unwrap().len(), 1);
        queues.receive(queue, 1, Some(secs(0)), T0).unwrap();
    }
}

#[test]
fn a_message_past_its_retention_is_gone_in_flight_too_and_its_delete_succeeds() {
    let settings = Settings { retention: secs(60), ..Settings::default() };
    let mut queue = Model::new(vec![(arn(0), settings, Kind::Standard)], 120_000);
    queue.send(0, None, None, T0);
    let received_at = T0 + secs(50);
    let delivery = queue.receive(0, 1, None, received_at).unwrap()[0];
    let later = T0 + secs(65);
    assert_eq!(queue.numbers(0, later), [0; 0]);
    assert_eq!(queue.delete(0, receipt(0, &delivery, received_at), later), Ok(()));
}

#[test]
fn a_change_to_12_hours_fails_a_moment_after_the_receive() {
    let mut queue = chain(1);
    queue.send(0, None, None, T0);
    let delivery = queue.receive(0, 1, None, T0).unwrap()[0];
    let later = T0 + Duration::from_millis(1);
    let changed = queue.change_visibility(0, receipt(0, &delivery, T0), secs(43_200), later);
    assert_eq!(changed, Err(Refused::VisibilityTooLong));
}

#[test]
fn a_deleted_message_is_not_available_for_a_change() {
    let mut queue = chain(1);
    queue.send(0, None, None, T0);
    let delivery = queue.receive(0, 1, None, T0).unwrap()[0];
    let receipt = receipt(0, &delivery, T0);
    queue.delete(0, receipt, T0).unwrap();
    assert_eq!(queue.delete(0, receipt, T0), Ok(()));
    assert_eq!(queue.change_visibility(0, receipt, secs(1), T0), Err(Refused::NotAvailable));
}

/// One FIFO queue with messages of these groups.
fn fifo(groups: &[u64]) -> Model {
    let kind = Kind::Fifo { by_group: false };
    let mut queue = Model::new(vec![(arn(0), Settings::default(), kind)], 120_000);
    for (id, group) in (1..).zip(groups) {
        queue.send_fifo(0, *group, DeduplicationId::Chosen(id), T0).unwrap();
    }
    queue
}

#[test]
fn a_receive_is_filled_from_the_first_group_and_then_the_group_goes_behind() {
    let mut queue = fifo(&[1, 2, 1, 1]);
    assert_eq!(numbers(&queue.receive(0, 10, None, T0).unwrap()), [1, 3, 4, 2]);
    let mut queue = fifo(&[1, 1, 2, 2, 3]);
    assert_eq!(numbers(&queue.receive(0, 3, Some(secs(0)), T0).unwrap()), [1, 2, 3]);
    assert_eq!(numbers(&queue.receive(0, 10, None, T0).unwrap()), [5, 1, 2, 3, 4]);
}

#[test]
fn of_three_received_the_one_that_is_extended_holds_back_those_behind_it() {
    for (extended, expected) in [(0, vec![]), (1, vec![1]), (2, vec![1, 2])] {
        let mut queue = fifo(&[1, 1, 1]);
        let deliveries = queue.receive(0, 10, Some(secs(1)), T0).unwrap();
        let receipt = receipt(0, &deliveries[extended], T0);
        queue.change_visibility(0, receipt, secs(4), T0).unwrap();
        let later = T0 + Duration::from_millis(2500);
        assert_eq!(numbers(&queue.receive(0, 10, None, later).unwrap()), expected);
    }
}

#[test]
fn a_fifo_receipt_is_worth_nothing_after_its_visibility_timeout() {
    let mut queue = fifo(&[1]);
    let delivery = queue.receive(0, 1, Some(secs(1)), T0).unwrap()[0];
    let deleted = queue.delete(0, receipt(0, &delivery, T0), T0 + secs(2));
    assert_eq!(deleted, Err(Refused::ReceiptExpired));
}

#[test]
fn a_duplicate_of_a_deleted_message_is_answered_as_it_was() {
    let mut queue = fifo(&[1]);
    let delivery = queue.receive(0, 1, None, T0).unwrap()[0];
    queue.delete(0, receipt(0, &delivery, T0), T0).unwrap();
    let again = queue.send_fifo(0, 1, DeduplicationId::Chosen(1), T0 + secs(1)).unwrap();
    assert_eq!(again.number, 1);
    assert_eq!(queue.numbers(0, T0 + secs(1)), [0; 0]);
}

/// Messages of a noisy group with 30 in flight, of others with so many, and then one more of each.
fn noisy_and_others(others: usize) -> Model {
    let mut queue = chain(1);
    for group in std::iter::repeat_n(Some(1), 30).chain(std::iter::repeat_n(None, others)) {
        queue.send(0, group, None, T0);
    }
    queue.receive(0, 30 + others, None, T0).unwrap();
    for group in [Some(1), Some(2), None] {
        queue.send(0, group, None, T0 + secs(1));
    }
    queue
}

#[test]
fn a_group_with_30_in_flight_and_more_than_a_tenth_is_received_after_all_others() {
    let mut queue = noisy_and_others(269);
    assert_eq!(numbers(&queue.receive(0, 10, None, T0 + secs(1)).unwrap()), [301, 302, 300]);
    let mut queue = noisy_and_others(270);
    assert_eq!(numbers(&queue.receive(0, 10, None, T0 + secs(1)).unwrap()), [301, 302, 303]);
}
