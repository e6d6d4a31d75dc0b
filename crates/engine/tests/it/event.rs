//! The log's format: events read back as they were written, and old ones stay readable.

use longshore_engine::{
    CatalogEvent, Event, Message, MessageKey, MoveDestination, MoveFailure, MoveOutcome, Queue,
    QueueId, Redriven,
};
use longshore_types::{AttributeName, MoveTaskId, Settings};

use crate::builder::{Driven, T0, arn, dead_lettering_after, id, secs};

fn hex(event: &Event) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap();
    let bytes = minicbor::to_vec(event).unwrap();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// One event of each sort.
fn every_event() -> Vec<Event> {
    let key = MessageKey::new(7);
    let moved = Message {
        key,
        id: id(key),
        bytes: 3,
        sent_at: T0,
        first_received_at: None,
        receive_count: 2,
        delivery: 2,
        group: None,
    };
    let task = MoveTaskId::from_random([9; 16]);
    let redriven = Redriven { key, id: id(key), bytes: 3, delivery: 2, group: None };
    let of_group = Message { group: Some("g".into()), ..moved };
    vec![
        Event::Sent { key, id: id(key), bytes: 3, available_at: T0, group: None },
        Event::Received { deliveries: vec![(key, T0), (MessageKey::new(8), T0 + secs(1))] },
        Event::VisibilityChanged { key, until: T0 },
        Event::Deleted { key },
        Event::Purged,
        Event::DeadLettered { keys: vec![key] },
        Event::Arrived { messages: vec![moved], source: arn("work") },
        Event::SettingsChanged { settings: dead_lettering_after(5) },
        Event::SettingsChanged { settings: Settings::default() },
        Event::SentFifo {
            key,
            id: id(key),
            bytes: 3,
            group: "g".into(),
            deduplication_id: "x".into(),
        },
        Event::Attempted { attempt: "t".into(), epoch: 2, keys: vec![key] },
        Event::Repeated { attempt: "t".into(), until: T0 },
        Event::Arrived { messages: vec![of_group], source: arn("work") },
        Event::Sent { key, id: id(key), bytes: 3, available_at: T0, group: Some("g".into()) },
        Event::MoveStarted { id: task, destination: None, rate: None, to_move: 2 },
        Event::MoveStarted {
            id: task,
            destination: Some(MoveDestination { queue: QueueId::new(3), arn: arn("work") }),
            rate: Some(500),
            to_move: 2,
        },
        Event::MoveEnded { outcome: MoveOutcome::Completed },
        Event::MoveEnded { outcome: MoveOutcome::Cancelled },
        Event::MoveEnded { outcome: MoveOutcome::Failed(MoveFailure::DestinationGone) },
        Event::MoveEnded { outcome: MoveOutcome::Failed(MoveFailure::SourceUnknown) },
        Event::MoveEnded { outcome: MoveOutcome::Failed(MoveFailure::TookTooLong) },
        Event::Left { keys: vec![key] },
        Event::Redriven { messages: vec![redriven.clone()] },
        Event::Redriven { messages: vec![Redriven { group: Some("g".into()), ..redriven }] },
    ]
}

/// The sorts of events, by an exhaustive match: a new one does not compile until it is named here.
macro_rules! sorts {
    ($($sort:ident),* $(,)?) => {
        const SORTS: &[&str] = &[$(stringify!($sort)),*];

        fn sort(event: &Event) -> &'static str {
            match event {
                $(Event::$sort { .. } => stringify!($sort),)*
            }
        }
    };
}

sorts![
    Sent,
    Received,
    VisibilityChanged,
    Deleted,
    Purged,
    DeadLettered,
    Arrived,
    SettingsChanged,
    SentFifo,
    Attempted,
    Repeated,
    MoveStarted,
    MoveEnded,
    Left,
    Redriven,
];

#[test]
fn the_bytes_of_every_sort_of_event_are_told() {
    let events = every_event();
    for named in SORTS {
        assert!(
            events.iter().any(|event| sort(event) == *named),
            "{named} is not in every_event()"
        );
    }
}

#[test]
fn every_event_of_a_queue_reads_back() {
    for event in every_event() {
        let bytes = minicbor::to_vec(&event).unwrap();
        assert_eq!(minicbor::decode::<Event>(&bytes).unwrap(), event);
    }
}

#[test]
fn the_bytes_of_events_never_change() {
    let expected = [
        "820084 07 5007000000000040008000000000000000 03 1b0000018bcfe56800",
        "82018182 82071b0000018bcfe56800 82081b0000018bcfe56be8",
        "82028207 1b0000018bcfe56800",
        "82038107",
        "820480",
        "8205818107",
        // An arrival: a message that was never received before, and where it comes from.
        "8206828187 075007000000000040008000000000000000 03 1b0000018bcfe56800 f6 02 02 \
         836975732d656173742d316c30303030303030303030303064776f726b",
        // Settings, with a redrive policy and without one.
        "82078186 197530 00 1a14997000 00 1a00100000 \
         82836975732d656173742d316c303030303030303030303030646465616405",
        "82078185 197530 00 1a14997000 00 1a00100000",
        // Of FIFO queues: a send, an attempt and its repetition, and an arrival with its group.
        "820885 07 5007000000000040008000000000000000 03 6167 6178",
        "820983 6174 02 8107",
        "820a82 6174 1b0000018bcfe56800",
        "8206828188 075007000000000040008000000000000000 03 1b0000018bcfe56800 f6 02 02 6167 \
         836975732d656173742d316c30303030303030303030303064776f726b",
        // A send of a message with a group to a standard queue.
        "820085 07 5007000000000040008000000000000000 03 1b0000018bcfe56800 6167",
        // Of move tasks: started, with no destination and rate and with both; ended in each way;
        // and both ends of a move.
        "820b84 5009090909090949098909090909090909 f6 f6 02",
        "820b84 5009090909090949098909090909090909 \
         8203836975732d656173742d316c30303030303030303030303064776f726b 1901f4 02",
        "820c81 8200 80",
        "820c81 8201 80",
        "820c81 8202 81 8200 80",
        "820c81 8202 81 8201 80",
        "820c81 8202 81 8202 80",
        "820d818107",
        "820e8181 8407 5007000000000040008000000000000000 03 02",
        "820e8181 8507 5007000000000040008000000000000000 03 02 6167",
    ];
    assert_eq!(expected.len(), every_event().len());
    for (event, expected) in every_event().iter().zip(expected) {
        assert_eq!(hex(event), expected.replace(' ', ""), "{event:?}");
    }
}

#[test]
fn a_field_that_is_not_known_yet_is_passed_over() {
    let event = minicbor::decode::<Event>(&[0x82, 0x03, 0x82, 0x07, 0x01]).unwrap();
    assert_eq!(event, Event::Deleted { key: MessageKey::new(7) });
}

#[test]
fn every_event_of_the_catalog_reads_back() {
    let id = QueueId::new(3);
    let tags = [("team".to_owned(), "quay".to_owned())];
    let events = [
        CatalogEvent::Founded { secret: longshore_engine::Secret::new([9; 32]) },
        CatalogEvent::Booted { epoch: 4 },
        CatalogEvent::Created {
            id,
            arn: arn("work"),
            attributes: [(AttributeName::DelaySeconds, "5".to_owned())].into(),
            tags: tags.clone().into(),
        },
        CatalogEvent::Deleted { id },
        CatalogEvent::AttributesSet {
            id,
            attributes: [
                (AttributeName::DelaySeconds, Some("5".to_owned())),
                (AttributeName::Policy, None),
            ]
            .into(),
        },
        CatalogEvent::Tagged { id, tags: tags.into() },
        CatalogEvent::Untagged { id, keys: ["team".to_owned()].into() },
    ];
    for event in events {
        let bytes = minicbor::to_vec(&event).unwrap();
        assert_eq!(minicbor::decode::<CatalogEvent>(&bytes).unwrap(), event);
    }
}

#[test]
fn a_log_that_is_replayed_rebuilds_the_same_queue() {
    let mut driven = Driven::new(dead_lettering_after(2));
    driven.send_with(Some(secs(3)));
    driven.send();
    let receipt = driven.receive_one();
    driven.pass(secs(40));
    driven.delete(&receipt).unwrap();
    driven.receive_for(secs(0));
    driven.receive_for(secs(0));
    driven.receive_for(secs(0));
    driven.set(Settings::default());
    driven.send();

    let mut replayed = Queue::new(driven.queue.id(), dead_lettering_after(2));
    for (at, event) in &driven.log {
        let bytes = minicbor::to_vec(event).unwrap();
        replayed.apply(&minicbor::decode(&bytes).unwrap(), *at);
    }
    assert_eq!(replayed, driven.queue);
}

#[test]
fn an_event_about_a_message_that_is_gone_changes_nothing() {
    let mut driven = Driven::with_messages(1);
    let before = driven.queue.clone();
    let key = MessageKey::new(99);
    let until = driven.now + secs(5);
    for event in [
        Event::Received { deliveries: vec![(key, until)] },
        Event::VisibilityChanged { key, until },
        Event::Deleted { key },
        Event::DeadLettered { keys: vec![key] },
    ] {
        assert_eq!(driven.happens(event), []);
    }
    assert_eq!(driven.queue, before);
}
