//! Retention: when messages are gone by themselves.

use longshore_engine::Lapses;
use longshore_types::{Settings, limits};

use crate::builder::{Driven, millis, secs};

fn keeping_a_minute() -> Driven {
    Driven::new(Settings { retention: secs(60), ..Settings::default() })
}

#[test]
fn a_message_is_gone_when_its_retention_ends_and_its_body_is_released() {
    let mut driven = keeping_a_minute();
    let key = driven.send();
    assert_eq!(driven.pass(millis(59_999)), []);
    assert_eq!(driven.pass(millis(1)), [key]);
    assert_eq!(driven.counts(), (0, 0, 0));
    assert_eq!(driven.queue.oldest(), None);
}

#[test]
fn retention_is_counted_from_the_send_and_not_from_the_end_of_the_delay() {
    let mut driven = keeping_a_minute();
    driven.send_with(Some(secs(50)));
    driven.pass(secs(60));
    assert_eq!(driven.keys(), []);
}

#[test]
fn a_message_expires_while_it_is_delayed() {
    let mut driven = keeping_a_minute();
    driven.send_with(Some(secs(900)));
    driven.pass(secs(60));
    assert_eq!(driven.counts(), (0, 0, 0));
    assert_eq!(driven.queue.next_due(), None);
}

#[test]
fn a_message_that_expires_in_flight_does_not_come_back_and_is_deleted_with_success() {
    let mut driven = keeping_a_minute();
    driven.send();
    driven.pass(secs(50));
    let receipt = driven.receive_one();
    driven.pass(secs(10));
    assert_eq!(driven.counts(), (0, 0, 0));
    assert_eq!(driven.delete(&receipt), Ok(false));
    driven.pass(secs(30));
    assert_eq!(driven.receive(10), []);
}

#[test]
fn a_shorter_retention_is_that_of_the_messages_already_here_too() {
    let mut driven = Driven::with_messages(1);
    driven.pass(secs(60));
    let young = driven.send();
    let old = driven.keys()[0];
    let gone = driven.set(Settings { retention: secs(60), ..Settings::default() });
    assert_eq!(gone, [old]);
    assert_eq!(driven.keys(), [young]);
}

#[test]
fn a_longer_retention_keeps_the_messages_already_here() {
    let mut driven = keeping_a_minute();
    driven.send();
    driven.set(Settings { retention: secs(120), ..Settings::default() });
    driven.pass(secs(119));
    assert_eq!(driven.counts(), (1, 0, 0));
    driven.pass(secs(1));
    assert_eq!(driven.counts(), (0, 0, 0));
}

#[test]
fn messages_expire_in_the_order_of_their_sends() {
    let mut driven = keeping_a_minute();
    let first = driven.send();
    driven.pass(secs(1));
    let second = driven.send();
    assert_eq!(driven.pass(secs(60)), [first, second]);
}

#[test]
fn c2_a_stop_of_the_broker_makes_older_what_was_sent_before_it_and_nothing_else() {
    let retention = Settings::default().retention;
    let mut driven = Driven::with_messages(2);
    let stopped_at = driven.now;
    driven.pass(millis(1));
    driven.send();
    let mut lapses = Lapses::default();
    lapses.add(stopped_at, retention);
    driven.queue.set_lapses(lapses);
    assert_eq!(driven.pass(millis(1)).len(), 2);
    assert_eq!(driven.queue.counts().available, 1);
    assert_eq!(driven.pass(retention.saturating_sub(millis(2))).len(), 0);
    assert_eq!(driven.pass(millis(2)).len(), 1);
}

#[test]
fn c2_stops_add_up_and_those_from_before_the_longest_retention_are_forgotten() {
    let retention = Settings::default().retention;
    let mut driven = Driven::with_messages(1);
    let mut lapses = Lapses::default();
    for _ in 0..2 {
        lapses.add(driven.now, retention / 2);
        driven.pass(millis(1));
    }
    driven.queue.set_lapses(lapses.clone());
    assert_eq!(driven.pass(millis(1)).len(), 1);
    let mut later = Lapses::default();
    let now = driven.now + limits::RETENTION_MAX + limits::RETENTION_MAX;
    later.add(now, retention);
    lapses.add(now, retention);
    assert_eq!(lapses, later);
}
