//! Checks that are there in every build: what would lose track of a message ends instead, before there
//! is an event to be written down.

use std::panic::{AssertUnwindSafe, catch_unwind};

use longshore_engine::{MessageKey, Receive, Send};

use crate::builder::*;

fn stops<T>(broken: impl FnOnce() -> T) -> bool {
    catch_unwind(AssertUnwindSafe(broken)).is_err()
}

#[test]
fn c16_a_key_that_is_in_use_is_not_sent_under_again() {
    let driven = Driven::with_messages(1);
    let key = driven.queue.keys().next().unwrap();
    let send = |key| Send { key, id: id(key), bytes: 1, delay: None, group: None };
    assert!(stops(|| driven.queue.send(send(key), driven.now)));
    assert!(!stops(|| driven.queue.send(send(MessageKey::new(99)), driven.now)));
}

#[test]
fn c16_a_queue_that_was_not_advanced_decides_nothing() {
    let (driven, receipt) = Driven::one_in_flight();
    let later = driven.now + HOURS_12;
    let receive = Receive { count_max: 1, visibility: None, dead_letter_target_exists: false };
    assert!(stops(|| driven.queue.receive(receive, later)));
    assert!(stops(|| driven.queue.delete(&receipt, later)));
    assert!(stops(|| driven.queue.change_visibility(&receipt, secs(1), later)));
    assert!(stops(|| driven.queue.next_move(later)));
}
