//! Messages whose content cannot be handed out.

use longshore_engine::{
    DeduplicationScope, Event, FifoMessage, FifoSend, MessageKey, Queue, QueueId,
};
use longshore_types::Settings;

use crate::builder::{Driven, id, keys_of, secs};

const FIRST: MessageKey = MessageKey::new(1);

/// A FIFO queue with a message of each of these groups, keyed from 1 on.
fn fifo(groups: &[&str]) -> Driven {
    let mut driven = Driven::new(Settings::default());
    driven.queue = Queue::fifo(QueueId::new(1), Settings::default(), DeduplicationScope::Queue);
    for (key, group) in (1..).zip(groups) {
        let (key, deduplication_id) = (MessageKey::new(key), key.to_string());
        let group = (*group).to_owned();
        let message = FifoMessage { key, id: id(key), bytes: 10, group, deduplication_id };
        let FifoSend::Accepted { event, .. } = driven.queue.send_fifo(message, driven.now) else {
            panic!("no two are the same")
        };
        driven.happens(event);
    }
    driven
}

#[test]
fn a_message_that_is_withheld_is_in_flight_until_then_and_others_are_received() {
    for visibility in [secs(0), secs(30)] {
        let mut driven = Driven::with_messages(2);
        driven.receive_for(visibility);
        let event = driven.queue.withhold(FIRST, driven.now + secs(900)).unwrap();
        driven.happens(event);
        driven.pass(secs(899));
        assert_eq!(keys_of(&driven.receive(10)), [2]);
        driven.pass(secs(1));
        assert_eq!(driven.receive(10)[0].key, FIRST, "it is tried again");
    }
}

#[test]
fn a_message_that_is_in_flight_for_longer_or_is_gone_is_left_alone() {
    let mut driven = Driven::with_messages(2);
    driven.receive_for(secs(3600));
    assert_eq!(driven.queue.withhold(FIRST, driven.now + secs(900)), None);
    assert_eq!(driven.queue.withhold(MessageKey::new(9), driven.now + secs(900)), None);
}

#[test]
fn in_a_fifo_queue_those_behind_it_wait_and_other_groups_do_not() {
    let mut driven = fifo(&["a", "a", "b", "a"]);
    let keys: Vec<_> = driven.receive(10).iter().map(|receipt| receipt.key).collect();
    let behind = driven.queue.behind(FIRST, &keys);
    assert_eq!(behind, [2, 4].map(MessageKey::new));
    assert!(driven.queue.behind(MessageKey::new(4), &keys).is_empty());
    let event = driven.queue.withhold(FIRST, driven.now + secs(900)).unwrap();
    driven.happens(event);
    for key in behind {
        driven.happens(Event::VisibilityChanged { key, until: driven.now });
    }
    driven.pass(secs(60));
    assert_eq!(keys_of(&driven.receive(10)), [3], "the group is locked");
}

#[test]
fn in_a_standard_queue_nobody_is_behind_anybody() {
    let driven = Driven::with_messages(2);
    assert!(driven.queue.behind(FIRST, &[FIRST, MessageKey::new(2)]).is_empty());
}

#[test]
fn what_leaves_for_a_dead_letter_queue_is_all_of_it_that_is_here() {
    let mut driven = fifo(&["a", "a"]);
    driven.receive(10);
    let leaving = driven.queue.leaving(&[FIRST, MessageKey::new(7)]);
    assert_eq!(leaving.len(), 1);
    assert_eq!((leaving[0].key, leaving[0].group.as_deref()), (FIRST, Some("a")));
    assert_eq!(driven.queue.id_of(FIRST), Some(leaving[0].id));
    assert_eq!(driven.queue.id_of(MessageKey::new(7)), None);
}
