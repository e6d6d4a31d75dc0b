//! FIFO queues: order within groups and among them, deduplication, and repeated receives.

use longshore_engine::{
    DeduplicationScope, Event, FifoMessage, FifoSend, MessageKey, Original, Queue, QueueId,
    QueueKind, Receipt, Receive, Refusal,
};
use longshore_types::Settings;

use crate::builder::{Driven, arn, dead_lettering_after, id, keys_of, secs};

fn driven(settings: Settings, scope: DeduplicationScope) -> Driven {
    let queue = Queue::fifo(QueueId::new(1), settings, scope);
    let mut driven = Driven::new(Settings::default());
    driven.queue = queue;
    driven
}

fn fifo() -> Driven {
    driven(Settings::default(), DeduplicationScope::Queue)
}

fn fifo_message(key: u64, group: &str, deduplication_id: &str) -> FifoMessage {
    let key = MessageKey::new(key);
    let (group, deduplication_id) = (group.to_owned(), deduplication_id.to_owned());
    FifoMessage { key, id: id(key), bytes: 10, group, deduplication_id }
}

/// Sends; the original, if the message is a duplicate.
fn send(driven: &mut Driven, key: u64, group: &str, deduplication_id: &str) -> Option<Original> {
    let message = fifo_message(key, group, deduplication_id);
    match driven.queue.send_fifo(message, driven.now) {
        FifoSend::Accepted { event, .. } => {
            driven.happens(event);
            None
        }
        FifoSend::Duplicate(original) => Some(original),
    }
}

/// A queue with a message of each of these groups, keyed from 1 on.
fn with_groups(groups: &[&str]) -> Driven {
    let mut driven = fifo();
    for (key, group) in (1..).zip(groups) {
        send(&mut driven, key, group, &key.to_string());
    }
    driven
}

#[test]
fn a_queue_is_of_one_kind() {
    assert_eq!(fifo().queue.kind(), QueueKind::Fifo);
    assert_eq!(Driven::new(Settings::default()).queue.kind(), QueueKind::Standard);
}

#[test]
fn a_group_that_ends_and_begins_anew_has_the_last_turn() {
    let mut driven = with_groups(&["a", "b"]);
    let receipt = driven.receive_one();
    driven.delete(&receipt).unwrap();
    send(&mut driven, 3, "a", "3");
    assert_eq!(keys_of(&driven.receive(10)), [2, 3]);
}

#[test]
fn what_can_be_delivered_is_not_what_is_available() {
    let mut driven = with_groups(&["a", "a"]);
    driven.receive_one();
    assert_eq!(driven.counts(), (1, 1, 0));
    assert!(!driven.queue.has_deliverable());
    driven.pass(secs(30));
    assert!(driven.queue.has_deliverable());
}

#[test]
fn a_queue_with_as_many_in_flight_as_can_be_has_nothing_to_deliver_and_refuses_nobody() {
    let mut driven = with_groups(&["a", "b"]);
    driven.queue = driven.queue.with_in_flight_max(1);
    assert_eq!(keys_of(&driven.receive(10)), [1]);
    assert_eq!(keys_of(&driven.receive(10)), [0; 0]);
    assert!(!driven.queue.has_deliverable());
}

#[test]
fn a_duplicate_is_known_for_five_minutes_by_its_first_send() {
    let mut driven = with_groups(&["a"]);
    driven.pass(secs(299));
    let original = send(&mut driven, 2, "b", "1").unwrap();
    assert_eq!(original.id, id(MessageKey::new(1)));
    driven.pass(secs(1));
    assert_eq!(send(&mut driven, 3, "b", "1"), None);
}

#[test]
fn within_groups_the_same_id_in_another_group_is_another_id() {
    let mut driven = driven(Settings::default(), DeduplicationScope::MessageGroup);
    assert_eq!(send(&mut driven, 1, "a", "x"), None);
    assert_eq!(send(&mut driven, 2, "b", "x"), None);
    assert!(send(&mut driven, 3, "a", "x").is_some());
}

#[test]
fn a_purge_forgets_ids_and_goes_on_with_the_sequence() {
    let mut driven = with_groups(&["a", "a"]);
    driven.happens(driven.queue.purge());
    assert_eq!(driven.queue.next_due(), None);
    let decided = driven.queue.send_fifo(fifo_message(3, "a", "1"), driven.now);
    let FifoSend::Accepted { sequence, .. } = decided else { panic!("{decided:?}") };
    assert_eq!(sequence.get(), 3);
    assert_eq!(sequence.to_string(), "10000000000000000003");
}

#[test]
fn a_queue_that_is_left_alone_forgets_everything_in_the_end() {
    let mut driven = with_groups(&["a"]);
    let receipt = driven.receive_one();
    driven.delete(&receipt).unwrap();
    assert_eq!(driven.queue.next_due(), Some(driven.now + secs(300)));
    driven.pass(secs(300));
    assert_eq!(driven.queue.next_due(), None);
}

#[test]
fn only_the_receipt_of_the_lease_that_lasts_is_honoured() {
    let mut driven = with_groups(&["a"]);
    let key = MessageKey::new(1);
    let first = driven.receive_one();
    driven.pass(secs(30));
    let second = driven.receive_one();
    assert_eq!(driven.delete(&first), Err(Refusal::ReceiptExpired { key }));
    assert_eq!(driven.change(&first, secs(1)), Err(Refusal::NotAvailable { key }));
    assert_eq!(driven.delete(&second), Ok(true));
    assert_eq!(driven.delete(&first), Ok(false), "it is gone, which is fine");
}

#[test]
fn a_new_delay_is_that_of_what_was_never_delivered() {
    let mut driven = with_groups(&["a", "b"]);
    driven
        .receive_with(Receive {
            count_max: 1,
            visibility: Some(secs(0)),
            dead_letter_target_exists: false,
        })
        .unwrap();
    driven.set(Settings { delay: secs(60), ..Settings::default() });
    assert_eq!(driven.counts(), (1, 0, 1));
    driven.pass(secs(10));
    driven.set(Settings { delay: secs(10), ..Settings::default() });
    assert_eq!(driven.counts(), (2, 0, 0));
}

#[test]
fn a_message_that_arrives_is_the_last_of_its_group_and_sent_anew() {
    let mut source = driven(dead_lettering_after(1), DeduplicationScope::Queue);
    send(&mut source, 1, "a", "x");
    source.receive_for(secs(0));
    let everything = Receive { count_max: 1, visibility: None, dead_letter_target_exists: true };
    let moved = source.queue.receive(everything, source.now).unwrap().dead_lettered;
    assert_eq!(moved[0].group.as_deref(), Some("a"));

    let mut dead = fifo();
    send(&mut dead, 2, "a", "x");
    dead.pass(secs(5));
    dead.happens(Queue::arrive(moved, arn("work.fifo")));
    assert_eq!(keys_of(&dead.receive(10)), [2, 1]);
    let told = dead.queue.delivery(MessageKey::new(1)).unwrap();
    assert_eq!(told.sent_at, dead.now);
    assert_eq!(told.sequence.unwrap().get(), 2);
    let message_id = id(MessageKey::new(1)).to_string();
    assert!(send(&mut dead, 3, "a", &message_id).is_some());
}

#[test]
fn a_log_that_is_replayed_rebuilds_the_same_fifo_queue() {
    let mut driven = with_groups(&["a", "b", "a"]);
    let receipts: Vec<Receipt> = driven.receive(2);
    let keys = receipts.iter().map(|receipt| receipt.key).collect();
    driven.happens(driven.queue.attempted("try", 1, keys));
    driven.pass(secs(1));
    let repeat = driven.queue.repeat("try", None, driven.now).unwrap();
    driven.happens(repeat.event);
    driven.delete(&receipts[0]).unwrap();
    driven.set(Settings { delay: secs(5), ..Settings::default() });
    driven.pass(secs(40));

    let mut replayed = fifo().queue;
    for (at, event) in &driven.log {
        let bytes = minicbor::to_vec(event).unwrap();
        replayed.apply(&minicbor::decode(&bytes).unwrap(), *at);
    }
    replayed.advance(driven.now);
    assert_eq!(replayed, driven.queue);
}

#[test]
fn a_standard_queue_passes_over_the_events_of_fifo_queues() {
    let mut driven = Driven::with_messages(1);
    let before = driven.queue.clone();
    let now = driven.now;
    driven.happens(Event::Attempted { attempt: "try".into(), epoch: 1, keys: driven.keys() });
    driven.happens(Event::Repeated { attempt: "try".into(), until: now });
    assert_eq!(driven.queue, before);
    assert_eq!(driven.queue.repeat("try", None, now), None);
}

#[test]
fn a_group_has_messages_in_flight_until_the_last_of_them_is_back_or_gone() {
    let mut driven = with_groups(&["a", "a", "b", "c"]);
    assert_eq!(driven.queue.groups_in_flight(), 0);
    let leases = driven.receive(3);
    assert_eq!(driven.queue.groups_in_flight(), 2);
    driven.delete(&leases[0]).unwrap();
    driven.change(&leases[1], secs(60)).unwrap();
    assert_eq!(driven.queue.groups_in_flight(), 2);
    driven.pass(secs(30));
    assert_eq!(driven.queue.groups_in_flight(), 1, "the lease of b ended, and a has one left");
    let event = driven.queue.purge();
    driven.happens(event);
    assert_eq!(driven.queue.groups_in_flight(), 0);
}
