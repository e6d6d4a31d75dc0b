//! What is told of the core for a checkpoint, whatever happens while it is told.

use longshore_engine::{
    Catalog, Event, FifoMessage, FifoSend, MessageKey, Queue, QueueId, Send as NewMessage,
};
use longshore_types::MessageId;

use super::*;
use crate::clock::Reading;
use crate::core::Ledger;

/// The dead-letter queue of the standard one, until it is deleted.
const EPHEMERAL: QueueId = QueueId::new(1);
const FIFO: QueueId = QueueId::new(2);
const STANDARD: QueueId = QueueId::new(3);
const QUEUES: [QueueId; 3] = [EPHEMERAL, FIFO, STANDARD];
const NAMES: [&str; 3] = ["ephemeral", "orders.fifo", "jobs"];
const REDRIVE: &str =
    r#"{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:ephemeral","maxReceiveCount":1}"#;

/// One thing that happens, drawn by a number.
struct Act(u64);

impl Operation for Act {
    type Reply = ();

    fn room(&self) -> Room {
        Room::none()
    }

    fn run(self, turn: &mut Turn<'_>) -> Result<(), SqsError> {
        let name = NAMES[usize::try_from(self.0 >> 8).unwrap() % 3];
        let url = format!("http://localhost/000000000000/{name}");
        let Ok(queue) = turn.resolve(&url) else { return Ok(()) };
        match self.0 % 24 {
            0..10 => self.send(queue, turn),
            10..17 => self.receive(queue, turn),
            17..22 => self.delete(queue, turn),
            22 if self.0.is_multiple_of(5) => turn.commit(queue, Event::Purged),
            _ => Ok(()),
        }
    }
}

impl Act {
    fn group(&self) -> String {
        format!("group-{}", (self.0 >> 16) % 5)
    }

    fn send(&self, queue: QueueId, turn: &mut Turn<'_>) -> Result<(), SqsError> {
        let key = turn.new_key();
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&key.get().to_le_bytes());
        let (id, now) = (MessageId::from_random(bytes), turn.now());
        if queue == FIFO {
            let deduplication_id = format!("id-{}", (self.0 >> 20) % 40);
            let message = FifoMessage { key, id, bytes: 1, group: self.group(), deduplication_id };
            return match turn.queue(queue)?.send_fifo(message, now) {
                FifoSend::Accepted { event, .. } => turn.commit(queue, event),
                FifoSend::Duplicate(_) => Ok(()),
            };
        }
        let delay = self.0.is_multiple_of(3).then_some(Duration::from_secs((self.0 >> 24) % 30));
        let group = (!self.0.is_multiple_of(4)).then(|| self.group());
        let event = turn.queue(queue)?.send(NewMessage { key, id, bytes: 1, delay, group }, now);
        turn.commit(queue, event)
    }

    fn receive(&self, queue: QueueId, turn: &mut Turn<'_>) -> Result<(), SqsError> {
        let attempt = (queue == FIFO && self.0.is_multiple_of(2))
            .then(|| format!("try-{}", self.0 % 64).into());
        let visibility = Some(Duration::from_secs((self.0 >> 12) % 40));
        let spec = ReceiveSpec { count_max: 3, visibility, waits: false, attempt };
        turn.deliver(queue, &spec).map(drop)
    }

    fn delete(&self, queue: QueueId, turn: &mut Turn<'_>) -> Result<(), SqsError> {
        let keys: Vec<MessageKey> = turn.queue(queue)?.keys().collect();
        match keys.len() {
            0 => Ok(()),
            len => {
                let key = keys[usize::try_from(self.0 >> 13).unwrap() % len];
                turn.commit(queue, Event::Deleted { key })
            }
        }
    }
}

/// Numbers that follow from a seed.
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 24
    }
}

impl World {
    fn with_three_queues() -> Self {
        let mut world = Self::new();
        for name in NAMES {
            let fifo = (name == NAMES[1]).then(|| ("FifoQueue".into(), "true".into()));
            let redrive = (name == NAMES[2]).then(|| ("RedrivePolicy".into(), REDRIVE.into()));
            let attributes = fifo.into_iter().chain(redrive).collect();
            let create = CreateQueue { queue_name: name.into(), attributes, ..Default::default() };
            world.ask((create, Caller::new("http://localhost", Place::default())));
        }
        world.sync();
        world
    }

    fn act(&mut self, draw: &mut Draw) {
        self.ask(Act(draw.next()));
        self.now = self.now + Duration::from_millis(draw.next() % 3000);
        self.sync();
    }

    fn records(&self, after: usize) -> Vec<Vec<u8>> {
        let state = self.log.0.lock().unwrap();
        state.records[after..].iter().map(|(events, _)| events.clone()).collect()
    }
}

/// What pieces and records make.
fn rebuilt(pieces: &[Vec<u8>], first: usize, records: &[Vec<u8>]) -> Ledger {
    let mut replay = Replay::default();
    for piece in pieces {
        replay.restore(piece).unwrap();
    }
    for (lsn, events) in (first as u64..).zip(records) {
        replay.record(Lsn(lsn), events, &mut Vec::new()).unwrap();
    }
    replay.finish(Rules::default(), ClockTrust::default(), Box::new(SlowLog::default()))
}

fn contents(ledger: &Ledger) -> (Vec<Option<Queue>>, Catalog, u64) {
    let queues = QUEUES.map(|id| ledger.queue(id).cloned()).to_vec();
    (queues, ledger.catalog().clone(), ledger.catalog_bytes())
}

#[test]
fn what_is_told_is_the_state_of_when_it_was_begun_and_with_later_records_the_present_one() {
    let mut dead_lettered = 0;
    for seed in 0..300 {
        let (mut world, mut draw) = (World::with_three_queues(), Draw(seed));
        for _ in 0..draw.next() % 80 {
            world.act(&mut draw);
        }
        world.core.begin_telling(world.now);
        let then = contents(world.core.ledger());
        let (purges, before) =
            (QUEUES.map(|id| world.core.ledger().purged_at(id)), world.records(0).len());
        let mut pieces = Vec::new();
        while let Some(piece) = world.core.next_piece() {
            pieces.push(piece);
            for _ in 0..draw.next() % 20 {
                world.act(&mut draw);
            }
            if seed % 3 == 0 && pieces.len() == 2 {
                world.ask(DeleteQueue {
                    queue_url: "http://localhost/000000000000/ephemeral".into(),
                });
                world.sync();
            }
        }
        world.core.note_told(world.now).unwrap();
        let at_once = rebuilt(&pieces, 0, &[]);
        assert!(contents(&at_once) == then, "seed {seed}");
        assert_eq!(QUEUES.map(|id| at_once.purged_at(id)), purges, "seed {seed}");

        let mut later = rebuilt(&pieces, before + 1, &world.records(before));
        let mut all = rebuilt(&[], 1, &world.records(0));
        for id in QUEUES {
            later.advance_time(Reading::from(world.now));
            all.advance_time(Reading::from(world.now));
            later.advance(id);
            all.advance(id);
        }
        assert!(contents(&later) == contents(&all), "seed {seed}");
        assert_eq!(later.new_key(), all.new_key(), "seed {seed}");
        assert_eq!(later.times().mark(), all.times().mark(), "seed {seed}");
        let dead = world.core.ledger().queue(EPHEMERAL);
        dead_lettered += dead.map_or(0, |queue| queue.counts().available);
    }
    assert!(dead_lettered > 100, "{dead_lettered}");
}

#[test]
fn a_message_that_expired_while_it_was_told_is_gone_after_the_record_that_ends_the_checkpoint() {
    let mut world = World::with_three_queues();
    let to_the_standard_queue = Act(2 << 8);
    world.ask(to_the_standard_queue);
    world.sync();
    world.core.begin_telling(world.now);
    let before = world.records(0).len();
    let mut replay = Replay::default();
    while let Some(piece) = world.core.next_piece() {
        replay.restore(&piece).unwrap();
    }
    world.now = world.now + Duration::from_secs(5 * 24 * 3600);
    world.core.note_told(world.now).unwrap();
    let (records, mut released) = (world.records(before), Vec::new());
    for events in &records {
        replay.record(Lsn(before as u64 + 1), events, &mut released).unwrap();
    }
    assert_eq!((records.len(), released.len()), (1, 1));
}
