//! Purging.

use longshore_engine::Queue;
use longshore_types::Settings;

use crate::builder::{Driven, keys_of, secs};

#[test]
fn a_purge_takes_available_in_flight_and_delayed_messages_and_releases_their_bodies() {
    let mut driven = Driven::with_messages(2);
    driven.receive(1);
    driven.send_with(Some(secs(60)));
    assert_eq!(driven.counts(), (1, 1, 1));

    let all = driven.keys();
    let gone = driven.happens(driven.queue.purge());
    assert_eq!(gone, all);
    assert_eq!(driven.counts(), (0, 0, 0));
    assert_eq!(driven.queue.next_due(), None);
}

#[test]
fn a_purge_leaves_the_settings_and_the_bound_in_flight() {
    let settings = Settings { delay: secs(7), ..Settings::default() };
    let mut driven = Driven::new(settings.clone());
    driven.queue = driven.queue.with_in_flight_max(3);
    driven.send();
    driven.happens(driven.queue.purge());
    assert_eq!(driven.queue, Queue::new(driven.queue.id(), settings).with_in_flight_max(3));
}

#[test]
fn messages_sent_after_a_purge_stay() {
    let mut driven = Driven::with_messages(1);
    driven.happens(driven.queue.purge());
    driven.send();
    assert_eq!(keys_of(&driven.receive(10)), [2]);
}
