//! Sending: when a message can be received.

use longshore_types::Settings;

use crate::builder::{Driven, T0, millis, secs};

fn delaying() -> Driven {
    Driven::new(Settings { delay: secs(10), ..Settings::default() })
}

#[test]
fn a_message_without_delay_is_available_at_once() {
    let mut driven = Driven::new(Settings::default());
    driven.send();
    assert_eq!(driven.counts(), (1, 0, 0));
}

#[test]
fn a_message_gets_the_delay_of_the_queue_if_it_has_none() {
    let mut driven = delaying();
    driven.send();
    driven.pass(millis(9_999));
    assert_eq!(driven.counts(), (0, 0, 1));
    driven.pass(millis(1));
    assert_eq!(driven.counts(), (1, 0, 0));
}

#[test]
fn a_message_s_own_delay_overrides_that_of_the_queue_zero_too() {
    let mut driven = delaying();
    driven.send_with(Some(secs(2)));
    driven.send_with(Some(secs(0)));
    assert_eq!(driven.counts(), (1, 0, 1));
    driven.pass(secs(2));
    assert_eq!(driven.counts(), (2, 0, 0));
}

#[test]
fn a_change_of_the_queue_s_delay_does_not_touch_messages_already_sent() {
    let mut driven = delaying();
    driven.send();
    driven.set(Settings::default());
    assert_eq!(driven.counts(), (0, 0, 1));
    driven.pass(secs(10));
    assert_eq!(driven.counts(), (1, 0, 0));
}

#[test]
fn a_delayed_message_is_not_received() {
    let mut driven = delaying();
    driven.send();
    assert_eq!(driven.receive(10), []);
}

#[test]
fn the_oldest_message_counts_whatever_it_is() {
    let mut driven = delaying();
    assert_eq!(driven.queue.oldest(), None);
    driven.send();
    driven.pass(secs(1));
    driven.send_with(Some(secs(0)));
    assert_eq!(driven.queue.oldest(), Some(T0));
}

#[test]
fn a_message_tells_nothing_about_receives_before_its_first() {
    let mut driven = Driven::new(Settings::default());
    let key = driven.send();
    assert_eq!(driven.queue.delivery(key), None);
}
