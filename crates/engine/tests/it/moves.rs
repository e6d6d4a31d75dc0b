//! Message move tasks: what one takes along, in which order, how fast, and how it ends.

use longshore_engine::{
    DeduplicationScope, Event, FifoMessage, FifoSend, Message, MessageKey, MoveFailure,
    MoveOutcome, MoveRefusal, MoveStart, MoveStep, Moving, Queue, QueueId, Receive, Redriven,
    Refusal,
};
use longshore_types::{MoveTaskId, Settings, limits};

use crate::builder::{Driven, T0, arn, id, keys_of, millis, secs};

fn task(number: u8) -> MoveTaskId {
    MoveTaskId::from_random([number; 16])
}

fn start(driven: &mut Driven, rate: Option<u32>) {
    let start = MoveStart { id: task(1), destination: None, rate };
    let event = driven.queue.start_move(start).unwrap();
    driven.happens(event);
}

fn next(driven: &Driven) -> MoveStep {
    driven.queue.next_move(driven.now)
}

/// The messages that go now.
fn moving(driven: &Driven) -> Vec<Moving> {
    let step = next(driven);
    let MoveStep::Move(moving) = step else { panic!("{step:?}") };
    moving
}

fn numbers(moving: &[Moving]) -> Vec<u64> {
    moving.iter().map(|message| message.key.get()).collect()
}

/// Moves what goes now, and returns it as it arrives elsewhere.
fn leave(driven: &mut Driven) -> Vec<Redriven> {
    let moving = moving(driven);
    let keys: Vec<_> = moving.iter().map(|message| message.key).collect();
    let gone = driven.happens(driven.queue.leave(&keys));
    assert_eq!(gone, [], "the bodies stay");
    let fresh = |message: Moving| {
        let fresh = id(MessageKey::new(1000 + message.key.get()));
        message.into_redriven(fresh)
    };
    moving.into_iter().map(fresh).collect()
}

fn redriven(key: u64, delivery: u32) -> Redriven {
    let key = MessageKey::new(key);
    Redriven { key, id: id(MessageKey::new(77)), bytes: 10, delivery, group: None }
}

#[test]
fn a_queue_has_one_task_at_a_time() {
    let mut driven = Driven::with_messages(3);
    start(&mut driven, Some(1));
    let again = MoveStart { id: task(2), destination: None, rate: None };
    assert_eq!(driven.queue.start_move(again.clone()), Err(MoveRefusal::Running));
    driven.happens(driven.queue.cancel_move(task(1)).unwrap());
    assert!(driven.queue.start_move(again).is_ok());
}

#[test]
fn a_task_is_told_apart_from_one_that_is_not_known_and_from_one_that_has_ended() {
    let mut driven = Driven::with_messages(1);
    start(&mut driven, None);
    let unknown = MoveRefusal::Unknown { id: task(9) };
    assert_eq!(driven.queue.cancel_move(task(9)), Err(unknown));
    driven.happens(driven.queue.cancel_move(task(1)).unwrap());
    assert_eq!(next(&driven), MoveStep::Rest);
    assert_eq!(driven.queue.cancel_move(task(1)), Err(MoveRefusal::Ended { id: task(1) }));
}

#[test]
fn the_last_ten_tasks_are_known_the_newest_first() {
    let mut driven = Driven::new(Settings::default());
    for number in 0..12 {
        let start = MoveStart { id: task(number), destination: None, rate: None };
        driven.happens(driven.queue.start_move(start).unwrap());
        driven.happens(driven.queue.end_move(MoveOutcome::Completed));
    }
    let known: Vec<_> = driven.queue.move_tasks().map(|known| known.id).collect();
    assert_eq!(known, (2..12).rev().map(task).collect::<Vec<_>>());
}

#[test]
fn a_task_takes_the_oldest_messages_and_counts_them() {
    let mut driven = Driven::with_messages(3);
    start(&mut driven, Some(1));
    assert_eq!(numbers(&moving(&driven)), [1]);
    leave(&mut driven);
    assert_eq!(next(&driven), MoveStep::Wait(driven.now + secs(1)));
    driven.pass(secs(1));
    assert_eq!(numbers(&moving(&driven)), [2]);
    leave(&mut driven);
    let running = driven.queue.running_move().unwrap();
    assert_eq!((running.moved, running.to_move), (2, 3));
}

#[test]
fn a_task_is_completed_when_the_queue_is_empty_however_that_came() {
    let mut driven = Driven::with_messages(2);
    start(&mut driven, Some(1));
    leave(&mut driven);
    driven.happens(driven.queue.purge());
    assert_eq!(next(&driven), MoveStep::End(MoveOutcome::Completed));
    driven.happens(driven.queue.end_move(MoveOutcome::Completed));
    let ended = driven.queue.move_tasks().next().unwrap();
    assert_eq!((ended.moved, ended.outcome), (1, Some(MoveOutcome::Completed)));
}

#[test]
fn what_is_in_flight_or_delayed_is_waited_for_and_moved_when_it_is_available() {
    let mut driven = Driven::new(Settings::default());
    driven.send_with(Some(secs(60)));
    driven.send();
    driven.receive_one();
    start(&mut driven, None);
    assert_eq!(driven.queue.running_move().unwrap().to_move, 2);
    let ends_at = driven.now + limits::MOVE_TASK_DURATION_MAX;
    assert_eq!(next(&driven), MoveStep::Wait(ends_at));
    for (number, passes) in [(2, 30), (1, 30)] {
        driven.pass(secs(passes));
        assert_eq!(numbers(&moving(&driven)), [number]);
        leave(&mut driven);
    }
    assert_eq!(next(&driven), MoveStep::End(MoveOutcome::Completed));
}

#[test]
fn a_task_ends_after_36_hours_whatever_is_left() {
    let mut driven = Driven::with_messages(1);
    start(&mut driven, None);
    driven.receive_for(secs(43_200));
    for _ in 0..3 {
        driven.pass(secs(43_199));
        driven.receive_for(secs(43_200));
        assert!(matches!(next(&driven), MoveStep::Wait(_)));
    }
    driven.pass(secs(3));
    assert_eq!(next(&driven), MoveStep::End(MoveOutcome::Failed(MoveFailure::TookTooLong)));
}

#[test]
fn a_message_tells_where_it_was_dead_lettered_from() {
    let key = MessageKey::new(9);
    let mut dead = Driven::with_messages(1);
    let message = Message {
        key,
        id: id(key),
        bytes: 5,
        sent_at: T0,
        first_received_at: Some(T0),
        receive_count: 3,
        delivery: 3,
        group: None,
    };
    dead.happens(Queue::arrive(vec![message], arn("work")));
    start(&mut dead, Some(500));
    let mut sources = Vec::new();
    for _ in 0..2 {
        sources.extend(moving(&dead).into_iter().map(|moving| moving.dead_letter_source));
        leave(&mut dead);
        dead.pass(secs(1));
    }
    let sources: Vec<_> = sources.iter().map(Option::as_deref).collect();
    assert_eq!(sources, [None, Some(&arn("work"))]);
}

#[test]
fn a_redriven_message_is_sent_anew() {
    let mut home = Driven::new(Settings::default());
    home.pass(secs(100));
    home.happens(Queue::redrive(vec![redriven(9, 4)]));
    let receipt = home.receive_one();

    let delivery = home.queue.delivery(receipt.key).unwrap();
    assert_eq!(delivery.id, id(MessageKey::new(77)));
    assert_eq!((delivery.sent_at, delivery.first_received_at), (home.now, home.now));
    assert_eq!(delivery.receive_count, 1);
    assert_eq!(delivery.number, 6, "no number is given twice, and the move took one");
    assert_eq!(delivery.dead_letter_source, None);
    assert!(delivery.redriven);
    assert_eq!(home.queue.oldest(), Some(home.now), "its retention starts anew");
}

#[test]
fn a_redriven_message_has_the_delay_of_its_queue() {
    let mut home = Driven::new(Settings { delay: secs(60), ..Settings::default() });
    home.happens(Queue::redrive(vec![redriven(9, 0)]));
    assert_eq!(home.counts(), (0, 0, 1));
}

#[test]
fn who_had_a_message_before_it_was_redriven_has_no_say_any_more() {
    let mut home = Driven::with_messages(1);
    let before = home.receive_for(secs(0)).remove(0);
    home.happens(home.queue.dead_letter(&[before.key]));
    home.happens(Queue::redrive(vec![redriven(before.key.get(), 1)]));
    assert_eq!(home.delete(&before), Ok(false));
    let refused = home.change(&before, secs(5));
    assert_eq!(refused, Err(Refusal::NotAvailable { key: before.key }));

    let after = home.receive_one();
    assert_eq!(home.delete(&before), Ok(false), "not while it is in flight either");
    assert_eq!(home.delete(&after), Ok(true));
}

#[test]
fn a_redriven_message_is_dead_lettered_after_as_many_receives_as_any_other() {
    let mut home = Driven::new(crate::builder::dead_lettering_after(2));
    home.happens(Queue::redrive(vec![redriven(9, 7)]));
    let receive =
        Receive { count_max: 1, visibility: Some(secs(0)), dead_letter_target_exists: true };
    for _ in 0..2 {
        assert_eq!(keys_of(&home.receive_with(receive).unwrap()), [9]);
    }
    let decision = home.queue.receive(receive, home.now).unwrap();
    assert_eq!((decision.event, decision.dead_lettered.len()), (None, 1));
    assert_eq!(decision.dead_lettered[0].receive_count, 2);
}

fn fifo() -> Driven {
    let mut driven = Driven::new(Settings::default());
    driven.queue = Queue::fifo(QueueId::new(1), Settings::default(), DeduplicationScope::default());
    driven
}

fn send_fifo(driven: &mut Driven, key: u64, group: &str) {
    let deduplication_id = key.to_string();
    let key = MessageKey::new(key);
    let message =
        FifoMessage { key, id: id(key), bytes: 1, group: group.to_owned(), deduplication_id };
    let FifoSend::Accepted { event, .. } = driven.queue.send_fifo(message, driven.now) else {
        panic!("a duplicate")
    };
    driven.happens(event);
}

#[test]
fn a_fifo_queue_gives_each_group_from_its_head_on_and_none_behind_one_in_flight() {
    let mut dead = fifo();
    for (key, group) in [(1, "a"), (2, "b"), (3, "a"), (4, "b")] {
        send_fifo(&mut dead, key, group);
    }
    let first = dead.receive_one();
    assert_eq!(first.key, MessageKey::new(1));
    start(&mut dead, None);
    let mut moved = Vec::new();
    for _ in 0..2 {
        moved.extend(leave(&mut dead).iter().map(|message| message.key.get()));
        dead.pass(millis(1));
    }
    assert_eq!(moved, [2, 4], "group a is locked");
    dead.change(&first, secs(0)).unwrap();
    dead.pass(millis(10));
    assert_eq!(numbers(&moving(&dead)), [1, 3]);
}

#[test]
fn a_message_that_is_redriven_into_a_fifo_queue_is_the_last_of_its_group_and_no_duplicate() {
    let mut home = fifo();
    send_fifo(&mut home, 1, "a");
    home.happens(home.queue.leave(&[MessageKey::new(1)]));
    send_fifo(&mut home, 2, "a");
    home.happens(Queue::redrive(vec![Redriven { group: Some("a".into()), ..redriven(1, 1) }]));
    let receipts = home.receive(10);
    assert_eq!(keys_of(&receipts), [2, 1]);
    let sequence = |key| home.queue.delivery(MessageKey::new(key)).unwrap().sequence;
    assert!(sequence(1) > sequence(2));

    let copy = FifoMessage {
        key: MessageKey::new(3),
        id: id(MessageKey::new(3)),
        bytes: 1,
        group: "a".into(),
        deduplication_id: id(MessageKey::new(77)).to_string(),
    };
    let FifoSend::Duplicate(original) = home.queue.send_fifo(copy, home.now) else {
        panic!("its new id is its deduplication id")
    };
    assert_eq!(original.id, id(MessageKey::new(77)));
}

#[test]
fn a_log_that_is_replayed_rebuilds_queue_and_task_and_the_task_goes_on_at_its_pace() {
    let mut driven = Driven::with_messages(5);
    start(&mut driven, Some(3));
    for _ in 0..3 {
        leave(&mut driven);
        let MoveStep::Wait(until) = next(&driven) else { panic!("{:?}", next(&driven)) };
        driven.pass(until.since(driven.now));
    }
    driven.happens(Queue::redrive(vec![redriven(99, 3)]));
    let mut replayed = Queue::new(driven.queue.id(), Settings::default());
    for (at, event) in &driven.log {
        let bytes = minicbor::to_vec(event).unwrap();
        replayed.apply(&minicbor::decode::<Event>(&bytes).unwrap(), *at);
    }
    replayed.advance(driven.now);
    assert_eq!(replayed, driven.queue);
    assert_eq!(replayed.next_move(driven.now), next(&driven));
}
