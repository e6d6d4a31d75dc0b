//! Time: what is due when, and that it does not matter how often one looks.

use longshore_engine::Queue;
use longshore_types::{Settings, Timestamp};

use crate::builder::{Driven, T0, millis, secs};

/// A message in each place, with an end of delay, of lease and of retention ahead.
fn busy() -> Driven {
    let mut driven = Driven::new(Settings { retention: secs(60), ..Settings::default() });
    driven.send();
    driven.receive_for(secs(20));
    driven.send_with(Some(secs(10)));
    driven.pass(secs(5));
    driven.send();
    driven
}

/// The first times at which something is due, one after the other.
fn dues(mut queue: Queue) -> Vec<u64> {
    let next = || {
        let due = queue.next_due()?;
        queue.advance(due);
        Some(due.since(T0).as_secs())
    };
    std::iter::from_fn(next).take(10).collect()
}

#[test]
fn nothing_is_due_in_an_empty_queue() {
    assert_eq!(Driven::new(Settings::default()).queue.next_due(), None);
}

#[test]
fn ends_of_delays_leases_and_retention_are_due() {
    assert_eq!(dues(busy().queue), [10, 20, 60, 65]);
}

#[test]
fn nothing_changes_before_it_is_due() {
    let driven = busy();
    let mut early = driven.queue.clone();
    early.advance(Timestamp::from_millis(driven.queue.next_due().unwrap().as_millis() - 1));
    assert_eq!(early, driven.queue);
}

#[test]
fn it_does_not_matter_how_often_a_queue_is_advanced() {
    let driven = busy();
    let mut often = driven.queue.clone();
    for step in 0..70 {
        often.advance(driven.now + secs(step));
        let mut once = driven.queue.clone();
        once.advance(driven.now + secs(step));
        assert_eq!(often, once, "after {step} s");
    }
}

#[test]
fn advancing_to_an_earlier_time_changes_nothing() {
    let mut driven = busy();
    driven.pass(secs(10));
    let before = driven.queue.clone();
    assert_eq!(driven.queue.advance(T0), []);
    assert_eq!(driven.queue, before);
}

#[test]
fn an_event_first_lets_the_time_pass() {
    let driven = busy();
    let later = driven.now + secs(55);
    let longer = driven.queue.change_settings(Settings::default());
    let mut advanced = driven.queue.clone();
    let gone = advanced.advance(later);
    assert_eq!(gone.len(), 2);
    advanced.apply(&longer, later);

    let mut not_advanced = driven.queue;
    assert_eq!(not_advanced.apply(&longer, later), gone, "a longer retention comes too late");
    assert_eq!(not_advanced, advanced);
}

#[test]
fn nothing_is_due_right_after_an_event() {
    let mut driven = busy();
    driven.pass(secs(40));
    driven.set(Settings { retention: secs(10), ..Settings::default() });
    assert!(driven.queue.next_due().is_none_or(|due| due > driven.now));
    driven.pass(millis(1));
    assert_eq!(driven.counts(), (0, 0, 0));
}
