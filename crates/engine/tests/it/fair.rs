//! Fair queues: a message group with a long backlog does not hold up the others.

use longshore_engine::{Counts, Fairness, MessageKey, Queue, Receipt, Receive};
use longshore_types::{Settings, Timestamp};

use crate::builder::{Driven, T0, arn, dead_lettering_after, keys_of, millis, secs};

const NOISY: Option<&str> = Some("noisy");
const QUIET: Option<&str> = Some("quiet");

/// A queue with messages of these groups, so many of each, 1 ms apart.
fn queue_of(groups: &[(Option<&str>, usize)]) -> Driven {
    let mut driven = Driven::new(Settings::default());
    for (group, count) in groups {
        send(&mut driven, *group, *count);
    }
    driven
}

fn send(driven: &mut Driven, group: Option<&str>, count: usize) -> Vec<MessageKey> {
    let one = |_| {
        driven.pass(millis(1));
        driven.send_of(group, None)
    };
    (0..count).map(one).collect()
}

/// A queue with 1000 messages of a noisy group, 30 of them in flight, and a message of another.
fn noisy_and_quiet() -> (Driven, Vec<Receipt>, MessageKey) {
    let mut driven = queue_of(&[(NOISY, 1000)]);
    let leases = driven.receive(30);
    let quiet = send(&mut driven, QUIET, 1)[0];
    (driven, leases, quiet)
}

fn noisy_group_count(driven: &Driven) -> usize {
    driven.queue.fairness().noisy_group_count
}

#[test]
fn a_message_of_a_quiet_group_is_received_before_the_backlog_of_a_noisy_one() {
    let (mut driven, _, quiet) = noisy_and_quiet();
    let received = keys_of(&driven.receive(3));
    assert_eq!(received, [quiet.get(), 31, 32], "and a noisy group fills up what is left");
}

#[test]
fn the_backlog_of_a_noisy_group_is_received_while_nothing_else_is_available() {
    let mut driven = queue_of(&[(NOISY, 100)]);
    for receive in 0..10 {
        let expected: Vec<u64> = (1..=10).map(|key| receive * 10 + key).collect();
        assert_eq!(keys_of(&driven.receive(10)), expected);
    }
    assert_eq!(driven.receive(10), []);
}

#[test]
fn a_group_with_29_in_flight_is_quiet_and_with_30_noisy() {
    for (in_flight, expected) in [(29, [30, 31]), (30, [101, 31])] {
        let mut driven = queue_of(&[(NOISY, 100)]);
        driven.receive(in_flight);
        send(&mut driven, QUIET, 1);
        assert_eq!(keys_of(&driven.receive(2)), expected, "{in_flight} in flight");
    }
}

#[test]
fn a_group_with_a_tenth_of_what_is_in_flight_is_quiet_and_with_more_noisy() {
    for (others, first) in [(270, NOISY), (269, QUIET)] {
        let mut driven = queue_of(&[(NOISY, 30), (None, others)]);
        driven.receive(30 + others);
        let next = [NOISY, QUIET].map(|group| (group, send(&mut driven, group, 1)[0].get()));
        let expected = next.into_iter().filter(|(group, _)| *group == first);
        let expected: Vec<u64> = expected.map(|(_, key)| key).collect();
        assert_eq!(keys_of(&driven.receive(1)), expected, "{others} others in flight");
    }
}

#[test]
fn messages_without_a_group_are_never_noisy_and_keep_their_order_among_the_quiet() {
    let mut driven = queue_of(&[(None, 40), (NOISY, 40)]);
    driven.receive(80);
    let order = [None, NOISY, QUIET, None, NOISY, QUIET];
    let keys: Vec<u64> = order.map(|group| send(&mut driven, group, 1)[0].get()).to_vec();
    let expected = [keys[0], keys[2], keys[3], keys[5], keys[1], keys[4]];
    assert_eq!(keys_of(&driven.receive(10)), expected);
}

#[test]
fn messages_of_many_quiet_groups_are_received_oldest_first() {
    let groups = ["a", "b", "a", "c", "c", "b", "a"];
    let mut driven = Driven::new(Settings::default());
    for group in groups {
        send(&mut driven, Some(group), 1);
    }
    assert_eq!(keys_of(&driven.receive(10)), [1, 2, 3, 4, 5, 6, 7]);
}

#[test]
fn messages_of_several_noisy_groups_are_received_oldest_first() {
    let mut driven = queue_of(&[(NOISY, 30), (Some("loud"), 30)]);
    driven.receive(60);
    for group in [NOISY, Some("loud"), Some("loud"), NOISY, NOISY] {
        send(&mut driven, group, 1);
    }
    assert_eq!(noisy_group_count(&driven), 2);
    assert_eq!(keys_of(&driven.receive(10)), [61, 62, 63, 64, 65]);
}

#[test]
fn nine_groups_can_be_noisy_and_of_ten_with_the_same_none_is() {
    for (groups, expected) in [(9, 9), (10, 0)] {
        let mut driven = Driven::new(Settings::default());
        for group in 0..groups {
            send(&mut driven, Some(&format!("g{group}")), 30);
        }
        driven.receive(300);
        assert_eq!(noisy_group_count(&driven), expected);
    }
}

#[test]
fn a_group_is_quiet_again_once_deletes_leave_it_fewer_than_30_in_flight() {
    let (mut driven, leases, _) = noisy_and_quiet();
    driven.delete(&leases[0]).unwrap();
    assert_eq!(noisy_group_count(&driven), 0);
    assert_eq!(keys_of(&driven.receive(1)), [31], "its messages are the older ones");
}

#[test]
fn a_group_is_quiet_again_once_its_leases_end() {
    let (mut driven, _, _) = noisy_and_quiet();
    driven.pass(secs(29));
    assert_eq!(noisy_group_count(&driven), 1);
    driven.pass(secs(1));
    assert_eq!(noisy_group_count(&driven), 0);
    assert_eq!(keys_of(&driven.receive(2)), [1, 2]);
}

#[test]
fn a_group_is_quiet_again_once_a_receiver_hands_a_message_back() {
    let (mut driven, leases, _) = noisy_and_quiet();
    driven.change(&leases[29], secs(0)).unwrap();
    assert_eq!(keys_of(&driven.receive(1)), [30]);
}

#[test]
fn a_longer_lease_does_not_count_twice() {
    let mut driven = queue_of(&[(NOISY, 29)]);
    let leases = driven.receive(29);
    driven.change(&leases[0], secs(60)).unwrap();
    assert_eq!(noisy_group_count(&driven), 0);
}

#[test]
fn a_noisy_group_is_quiet_once_others_have_enough_in_flight() {
    let mut driven = queue_of(&[(NOISY, 30), (None, 270)]);
    driven.receive(299);
    assert_eq!(noisy_group_count(&driven), 1);
    driven.receive(1);
    assert_eq!(noisy_group_count(&driven), 0);
}

#[test]
fn whether_a_group_is_noisy_is_settled_before_a_receive_and_not_within_it() {
    let mut driven = queue_of(&[(NOISY, 100)]);
    driven.receive(25);
    send(&mut driven, QUIET, 1);
    let expected: Vec<u64> = (26..=35).collect();
    assert_eq!(keys_of(&driven.receive(10)), expected, "the tenth too");
    assert_eq!(keys_of(&driven.receive(1)), [101]);
}

#[test]
fn a_receive_without_a_lease_makes_nobody_noisy() {
    let mut driven = queue_of(&[(NOISY, 40)]);
    for _ in 0..10 {
        driven.receive_for(secs(0));
    }
    assert_eq!(noisy_group_count(&driven), 0);
}

#[test]
fn messages_of_a_noisy_group_that_were_received_too_often_do_not_hide_quiet_ones() {
    let mut driven = queue_of(&[(NOISY, 40)]);
    driven.set(dead_lettering_after(1));
    driven.receive(10);
    driven.pass(secs(1));
    driven.receive(30);
    driven.pass(secs(29));
    let quiet = send(&mut driven, QUIET, 1)[0].get();
    assert_eq!((driven.counts(), noisy_group_count(&driven)), ((11, 30, 0), 1));
    assert_eq!(keys_of(&driven.receive(1)), [quiet]);
    assert_eq!(driven.counts(), (10, 31, 0), "none was met on the way");
    assert_eq!(driven.receive(1), []);
    assert_eq!(driven.counts(), (0, 31, 0), "now they have left");
}

#[test]
fn a_dead_lettered_message_keeps_its_group() {
    let mut driven = queue_of(&[(NOISY, 30)]);
    driven.set(dead_lettering_after(1));
    driven.receive(30);
    driven.pass(secs(30));
    let receive = Receive { count_max: 1, visibility: None, dead_letter_target_exists: true };
    let moved = driven.queue.receive(receive, driven.now).unwrap().dead_lettered;
    let groups: Vec<_> = moved.iter().map(|message| message.group.as_deref()).collect();
    assert_eq!(groups, [NOISY; 30]);

    let mut dead = Driven::new(Settings::default());
    dead.now = driven.now;
    dead.happens(Queue::arrive(moved, arn("work")));
    dead.receive(30);
    assert_eq!(noisy_group_count(&dead), 1);
}

#[test]
fn after_a_purge_nobody_is_noisy() {
    let (mut driven, _, _) = noisy_and_quiet();
    let event = driven.queue.purge();
    driven.happens(event);
    assert_eq!(noisy_group_count(&driven), 0);
    let keys: Vec<u64> = [NOISY, QUIET].map(|group| send(&mut driven, group, 1)[0].get()).to_vec();
    assert_eq!(keys_of(&driven.receive(10)), keys);
}

#[test]
fn messages_with_a_group_expire_as_others_do() {
    let mut driven = Driven::new(Settings { retention: secs(60), ..Settings::default() });
    let order = [None, NOISY, QUIET, NOISY, None];
    let sent_at: Vec<Timestamp> = order
        .into_iter()
        .map(|group| {
            driven.send_of(group, None);
            let now = driven.now;
            driven.pass(secs(1));
            now
        })
        .collect();
    for sent_at in sent_at {
        assert_eq!(driven.queue.oldest(), Some(sent_at));
        assert_eq!(driven.queue.next_due(), Some(sent_at + secs(60)));
        driven.now = sent_at + secs(60);
        assert_eq!(driven.queue.advance(driven.now).len(), 1);
    }
    assert_eq!(driven.keys(), []);
}

#[test]
fn what_metrics_show_of_quiet_groups_leaves_out_the_noisy_ones() {
    let mut driven = queue_of(&[(NOISY, 50)]);
    driven.receive(30);
    let oldest_quiet = Some(driven.now + millis(1));
    send(&mut driven, None, 2);
    send(&mut driven, QUIET, 3);
    driven.receive(1);
    driven.send_of(NOISY, Some(secs(5)));
    driven.send_of(QUIET, Some(secs(5)));
    let quiet = Counts { available: 4, in_flight: 1, delayed: 1 };
    let expected = Fairness { noisy_group_count: 1, quiet, oldest_quiet };
    assert_eq!(driven.queue.fairness(), expected);
    assert_eq!(driven.queue.oldest(), Some(T0 + millis(1)), "of the whole queue");
}

#[test]
fn a_queue_without_groups_is_quiet_as_a_whole() {
    let mut driven = Driven::with_messages(100);
    driven.receive(50);
    let fairness = driven.queue.fairness();
    assert_eq!((fairness.noisy_group_count, fairness.quiet), (0, driven.queue.counts()));
    assert_eq!(fairness.oldest_quiet, driven.queue.oldest());
}

#[test]
fn a_log_of_a_fair_queue_that_is_replayed_rebuilds_the_same_queue() {
    let (mut driven, leases, _) = noisy_and_quiet();
    driven.receive(10);
    driven.delete(&leases[3]).unwrap();
    driven.change(&leases[4], secs(43_000)).unwrap();
    driven.send_of(QUIET, Some(secs(60)));
    driven.pass(secs(31));
    driven.receive(40);
    assert_eq!(noisy_group_count(&driven), 1);
    assert_eq!(driven.replayed(Settings::default()), driven.queue);
}
