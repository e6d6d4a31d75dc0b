//! A history in which all is well, and the ways in which a broker could be wrong: each is found, and under its own name.

use super::*;
use crate::history::{Accepted, Answer, Delivery, Entry, Held, Micros, Queue, Request, Taken};

const SECOND: Micros = 1_000_000;

/// A history that is told step by step: each request takes a millisecond, and they follow one another.
#[derive(Default)]
struct Story {
    history: History,
    snapshot: Snapshot,
    now: Micros,
    boot: u32,
}

/// A message of the FIFO queue if the number is one of its only group, else one of another queue.
fn message(number: u64) -> Delivery {
    let sequence = number.is_multiple_of(5).then(|| u128::from(number));
    Delivery { number: Some(number), message_id: format!("m{number}"), receive_count: 1, sequence }
}

impl Story {
    fn add(&mut self, queue: Queue, request: Request) -> usize {
        let (number, start) = (self.history.0.len(), self.now);
        self.now += 1000;
        let entry = Entry { start, end: Some(self.now), boot: self.boot, queue, request };
        self.now += 1000;
        self.history.0.insert(number, entry);
        number
    }

    fn sent(&mut self, queue: Queue, number: u64, answer: Answer<Accepted>) {
        self.add(queue, Request::Send { number, delay: 0, answer });
    }

    fn send(&mut self, queue: Queue, number: u64) {
        let Delivery { message_id, sequence, .. } = message(number);
        self.sent(queue, number, Answer::Done(Accepted { message_id, sequence }));
    }

    /// A receive with a lease of a second.
    fn receive(&mut self, queue: Queue, messages: &[Delivery]) -> Vec<Taken> {
        let answer = Answer::Done(messages.to_vec());
        let receive = self.add(queue, Request::Receive { lease: SECOND, answer });
        let numbers = messages.iter().filter_map(|message| message.number).enumerate();
        numbers.map(|(place, number)| Taken { number, delivery: (receive, place) }).collect()
    }

    fn delete(&mut self, queue: Queue, taken: &Taken, answer: Answer<()>) {
        self.add(queue, Request::Delete { taken: taken.clone(), answer });
    }

    fn hold(&mut self, queue: Queue, message: Delivery) {
        self.snapshot.held.push(Held { queue, message });
    }

    fn found(mut self, rules: Rules) -> Vec<Invariant> {
        self.snapshot.taken_at = self.now;
        judge(&self.history, &self.snapshot, rules)
            .iter()
            .map(|finding| finding.invariant)
            .collect()
    }
}

/// Message 1 is deleted, 2 is held, 3 may be there or not.
fn well() -> Story {
    let mut story = Story::default();
    for number in [1, 2] {
        story.send(Queue::Ordered, number * 5);
        story.send(Queue::Plain, number);
    }
    story.sent(Queue::Plain, 3, Answer::Unknown);
    for (queue, number) in [(Queue::Plain, 1), (Queue::Ordered, 5)] {
        let taken = story.receive(queue, &[message(number)]);
        story.delete(queue, &taken[0], Answer::Done(()));
    }
    story.hold(Queue::Plain, message(2));
    story.hold(Queue::Ordered, message(10));
    story
}

#[track_caller]
fn check(expected: &[Invariant], wrong: impl FnOnce(&mut Story)) {
    let mut story = well();
    wrong(&mut story);
    assert_eq!(story.found(Rules::ALL), expected);
}

#[test]
fn a_broker_that_keeps_its_promises_is_not_blamed() {
    check(&[], |_| ());
    check(&[], |story| story.hold(Queue::Plain, message(3)));
}

#[test]
fn a_lost_message_is_found() {
    check(&[Invariant::NothingLost], |story| drop(story.snapshot.held.remove(0)));
}

#[test]
fn a_message_that_may_be_deleted_is_not_lost_and_one_whose_delete_was_refused_is() {
    for (answer, expected) in
        [(Answer::Unknown, vec![]), (Answer::Refused, vec![Invariant::NothingLost])]
    {
        check(&expected, |story| {
            story.snapshot.held.clear();
            for (queue, number) in [(Queue::Plain, 2), (Queue::Ordered, 10)] {
                let taken = story.receive(queue, &[message(number)]);
                let is_plain = queue == Queue::Plain;
                story.delete(
                    queue,
                    &taken[0],
                    if is_plain { answer.clone() } else { Answer::Done(()) },
                );
            }
        });
    }
}

#[test]
fn a_deleted_message_that_comes_back_is_found_where_it_lies_and_where_it_is_delivered() {
    check(&[Invariant::NothingBack], |story| story.hold(Queue::Plain, message(1)));
    check(&[Invariant::NothingBack], |story| {
        story.now += 2 * SECOND;
        story.receive(Queue::Plain, &[Delivery { receive_count: 2, ..message(1) }]);
    });
}

#[test]
fn a_delete_of_what_may_have_left_the_queue_proves_nothing() {
    let wrong_clock = Rules { time_is_right: false, ..Rules::ALL };
    let back = vec![Invariant::NothingBack];
    let cases = [
        (2 * SECOND, 0, Rules::ALL, vec![]),
        (0, 0, Rules::ALL, back.clone()),
        (0, 1, Rules::ALL, back.clone()),
        (0, 0, wrong_clock, back),
        (0, 1, wrong_clock, vec![]),
    ];
    for (later, boots, rules, expected) in cases {
        let mut story = Story::default();
        story.send(Queue::Redriven, 1);
        let taken = story.receive(Queue::Redriven, &[message(1)]);
        (story.now, story.boot) = (story.now + later, boots);
        story.delete(Queue::Redriven, &taken[0], Answer::Done(()));
        story.hold(Queue::Dead, message(1));
        assert_eq!(story.found(rules), expected, "{later} µs later, {boots} starts later");
    }
}

#[test]
fn a_doubled_message_is_found() {
    check(&[Invariant::NothingTwice], |story| story.hold(Queue::Plain, message(2)));
    check(&[Invariant::NothingTwice], |story| story.hold(Queue::Dead, message(2)));
}

#[test]
fn a_message_that_nobody_sent_is_found() {
    let stranger = Delivery { number: None, ..message(9) };
    check(&[Invariant::NothingFromNowhere], |story| story.hold(Queue::Plain, stranger.clone()));
    check(&[Invariant::NothingFromNowhere], |story| drop(story.receive(Queue::Plain, &[stranger])));
    check(&[Invariant::NothingFromNowhere], |story| story.hold(Queue::Plain, message(9)));
}

#[test]
fn a_refused_message_that_is_there_is_found() {
    check(&[Invariant::NothingRefused], |story| {
        story.sent(Queue::Plain, 4, Answer::Refused);
        story.hold(Queue::Plain, message(4));
    });
}

#[test]
fn a_message_that_overtakes_another_of_its_group_is_found() {
    check(&[Invariant::GroupOrder], |story| {
        story.send(Queue::Ordered, 15);
        story.hold(Queue::Ordered, message(15));
        story.receive(Queue::Ordered, &[message(15)]);
    });
    check(&[Invariant::GroupOrder], |story| {
        story.send(Queue::Ordered, 15);
        story.hold(Queue::Ordered, message(15));
        story.receive(Queue::Ordered, &[message(15), message(10)]);
    });
    check(&[], |story| {
        story.send(Queue::Ordered, 15);
        story.hold(Queue::Ordered, message(15));
        story.receive(Queue::Ordered, &[message(10), message(15)]);
    });
}

#[test]
fn a_sequence_number_that_does_not_go_up_is_found() {
    check(&[Invariant::SequenceNumbers], |story| {
        let after = Delivery { sequence: Some(6), ..message(21) };
        let accepted = Accepted { message_id: after.message_id.clone(), sequence: after.sequence };
        story.sent(Queue::Ordered, 21, Answer::Done(accepted));
        story.hold(Queue::Ordered, after);
    });
}

#[test]
fn a_second_message_for_one_deduplication_id_is_found() {
    check(&[Invariant::Deduplication], |story| {
        let accepted = Accepted { message_id: "another".to_owned(), sequence: Some(10) };
        story.sent(Queue::Ordered, 10, Answer::Done(accepted));
    });
}

#[test]
fn a_delivery_within_a_lease_is_found_also_after_a_kill() {
    for boots in [0, 1] {
        check(&[Invariant::Leases], |story| {
            story.receive(Queue::Plain, &[message(2)]);
            story.boot += boots;
            story.receive(Queue::Plain, &[Delivery { receive_count: 2, ..message(2) }]);
            story.snapshot.held[0].message.receive_count = 2;
        });
    }
}

#[test]
fn a_lease_that_may_have_been_ended_counts_for_nothing() {
    check(&[], |story| {
        let taken = story.receive(Queue::Plain, &[message(2)]).remove(0);
        let answer = Answer::Unknown;
        story.add(Queue::Plain, Request::ChangeVisibility { taken, lease: 0, answer });
        story.receive(Queue::Plain, &[Delivery { receive_count: 2, ..message(2) }]);
        story.snapshot.held[0].message.receive_count = 2;
    });
}

#[test]
fn a_superseded_receipt_handle_ends_the_lease_of_a_later_delivery() {
    let again = |count| Delivery { receive_count: count, ..message(2) };
    check(&[], |story| {
        let superseded = story.receive(Queue::Plain, &[message(2)]).remove(0);
        story.now += 2 * SECOND;
        story.receive(Queue::Plain, &[again(2)]);
        let answer = Answer::Done(());
        story.add(Queue::Plain, Request::ChangeVisibility { taken: superseded, lease: 0, answer });
        story.receive(Queue::Plain, &[again(3)]);
        story.snapshot.held[0].message.receive_count = 3;
    });
}

#[test]
fn a_receipt_handle_of_before_a_kill_that_deletes_a_newer_delivery_is_found() {
    for (is_newer, expected) in [(true, vec![Invariant::Receipts]), (false, vec![])] {
        check(&expected, |story| {
            story.snapshot.held.pop();
            let taken = story.receive(Queue::Ordered, &[message(10)]).remove(0);
            (story.boot, story.now) = (1, story.now + 2 * SECOND);
            if is_newer {
                story.receive(Queue::Ordered, &[Delivery { receive_count: 2, ..message(10) }]);
            }
            story.delete(Queue::Ordered, &taken, Answer::Done(()));
        });
    }
}

#[test]
fn a_receive_count_that_does_not_go_up_or_runs_back_is_found() {
    check(&[Invariant::ReceiveCounts], |story| {
        story.receive(Queue::Plain, &[message(2)]);
        story.now += 2 * SECOND;
        story.receive(Queue::Plain, &[message(2)]);
    });
    check(&[Invariant::ReceiveCounts], |story| {
        story.receive(Queue::Plain, &[message(2)]);
        story.snapshot.held[0].message.receive_count = 0;
    });
}

#[test]
fn a_power_cut_may_take_a_receive_back_but_not_one_of_a_fifo_queue() {
    let power = Rules { receives_survive: false, ..Rules::ALL };
    for (place, expected) in [(0, vec![]), (1, vec![Invariant::ReceiveCounts])] {
        let mut story = well();
        let Held { queue, message } = story.snapshot.held[place].clone();
        story.receive(queue, &[message]);
        story.snapshot.held[place].message.receive_count = 0;
        assert_eq!(story.found(power), expected);
    }
}

#[test]
fn a_delivery_before_the_delay_is_over_is_found() {
    check(&[Invariant::Delays], |story| {
        let Delivery { message_id, .. } = message(7);
        let answer = Answer::Done(Accepted { message_id, sequence: None });
        story.add(Queue::Plain, Request::Send { number: 7, delay: SECOND, answer });
        story.receive(Queue::Plain, &[message(7)]);
        story.hold(Queue::Plain, message(7));
    });
}
