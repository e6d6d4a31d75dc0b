//! Looking at messages without receiving them.

use longshore_engine::{MessageKey, Peek};

use crate::builder::{Driven, secs};

const AVAILABLE: Peek = Peek { in_flight: false, delayed: false, count_max: 10 };
const ALL: Peek = Peek { in_flight: true, delayed: true, count_max: 10 };

fn keys(driven: &Driven, peek: Peek) -> Vec<u64> {
    driven.queue.peek(peek).iter().map(|(key, _)| key.get()).collect()
}

#[test]
fn messages_are_seen_by_where_they_are_in_the_order_in_which_they_came() {
    let mut driven = Driven::with_messages(1);
    driven.receive_for(secs(30));
    driven.send_with(Some(secs(60)));
    driven.send();
    assert_eq!(keys(&driven, AVAILABLE), [3]);
    assert_eq!(keys(&driven, Peek { in_flight: true, ..AVAILABLE }), [1, 3]);
    assert_eq!(keys(&driven, Peek { delayed: true, ..AVAILABLE }), [2, 3]);
    assert_eq!(keys(&driven, ALL), [1, 2, 3]);
    assert_eq!(keys(&driven, Peek { count_max: 2, ..ALL }), [1, 2]);
}

#[test]
fn a_message_that_was_never_received_is_seen_with_a_count_of_zero() {
    let driven = Driven::with_messages(1);
    let seen = driven.queue.peek(AVAILABLE);
    assert_eq!(seen[0].1.receive_count, 0);
    assert_eq!(driven.queue.delivery(MessageKey::new(1)), None);
}
