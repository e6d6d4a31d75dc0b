//! The core on a log that is written and synced when the test says so.

mod absurd_clocks;
mod checkpoints;
mod clocks;
mod fifo;
mod moves;
mod policy;

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use longshore_engine::MessageKey;
use longshore_storage::{Lsn, Progress, Purpose, Rebuild, ReserveError};
use longshore_types::Timestamp;
use longshore_wire::{CreateQueue, DeleteQueue, PurgeQueue, SqsError, TagQueue, UntagQueue};

use super::ledger::Rules;
use super::replay::Replay;
use super::{Core, Delivered, Operation, Ready, ReceiveSpec, Step, Turn, Waiter};
use crate::caller::{Caller, Place};
use crate::clock::ClockTrust;
use crate::log::{Append, Log, Room};

const URL: &str = "http://localhost/000000000000/jobs";

/// A log that holds what it was given until the test lets it go on. When it is full it keeps, as a
/// store does, room for what lets a queue shrink.
#[derive(Clone, Debug, Default)]
struct SlowLog(Arc<Mutex<SlowLogState>>);

#[derive(Debug, Default)]
struct SlowLogState {
    records: Vec<(Vec<u8>, bool)>,
    progress: Progress,
    full: bool,
    /// Receives have used up what a full log keeps for them.
    exhausted: bool,
    busy: bool,
}

impl SlowLog {
    fn last(&self) -> Lsn {
        Lsn(self.0.lock().unwrap().records.len() as u64)
    }

    /// Everything is written; what was durable stays so.
    fn write(&self) -> Progress {
        let last = self.last();
        let mut state = self.0.lock().unwrap();
        state.progress.written = last;
        state.progress
    }

    fn sync(&self) -> Progress {
        let written = self.write().written;
        let mut state = self.0.lock().unwrap();
        state.progress.durable = written;
        state.progress
    }
}

impl Log for SlowLog {
    fn check_room(&self, room: Room) -> Result<(), ReserveError> {
        let state = self.0.lock().unwrap();
        let is_full = match room.purpose {
            Purpose::Grow => state.full || state.exhausted,
            Purpose::Keep => state.exhausted,
            Purpose::Shrink | Purpose::Start | Purpose::Look => false,
        };
        match (is_full, state.busy) {
            (true, _) => Err(ReserveError::Full),
            (_, true) => Err(ReserveError::Busy),
            _ => Ok(()),
        }
    }

    fn append(&self, append: Append<'_>) -> Result<Lsn, ReserveError> {
        self.check_room(Room { bytes: 0, purpose: append.purpose })?;
        self.0.lock().unwrap().records.push((append.events.to_vec(), append.sync));
        Ok(self.last())
    }

    fn progress(&self) -> Progress {
        self.0.lock().unwrap().progress
    }

    fn release(&self, _key: MessageKey) {}

    fn holds(&self, _key: MessageKey) -> bool {
        true
    }
}

/// What a waiter was told.
type Told = Rc<RefCell<Option<Result<Vec<Delivered>, SqsError>>>>;

#[derive(Debug)]
struct Client {
    told: Told,
    /// What is told instead of a reply once that may leave.
    refused: Told,
    gone: Rc<RefCell<bool>>,
}

impl Client {
    fn new(gone: &Rc<RefCell<bool>>) -> (Self, Told) {
        let told = Told::default();
        let refused = Told::default();
        (Self { told: Rc::clone(&told), refused, gone: Rc::clone(gone) }, told)
    }
}

impl Waiter for Client {
    fn is_gone(&self) -> bool {
        *self.gone.borrow()
    }

    fn answer(self, answer: Result<Vec<Delivered>, SqsError>) {
        let refused = self.refused.borrow_mut().take();
        *self.told.borrow_mut() = Some(answer.and_then(|there| refused.unwrap_or(Ok(there))));
    }
}

struct World {
    core: Core<Client>,
    log: SlowLog,
    now: Timestamp,
}

/// A send without content: the core never looks into it.
struct Send;

impl Operation for Send {
    type Reply = ();

    fn room(&self) -> Room {
        Room::grow(1)
    }

    fn run(self, turn: &mut Turn<'_>) -> Result<(), SqsError> {
        let queue = turn.resolve(URL)?;
        let key = turn.new_key();
        let send = longshore_engine::Send {
            key,
            id: longshore_types::MessageId::from_random([7; 16]),
            bytes: 1,
            delay: None,
            group: None,
        };
        let event = turn.queue(queue)?.send(send, turn.now());
        turn.commit_send(queue, event, (key, bytes::Bytes::from_static(b"x")))?;
        Ok(())
    }
}

struct Receive {
    url: &'static str,
    wait: Duration,
}

impl Operation for Receive {
    type Reply = Step;

    fn room(&self) -> Room {
        Room::keep()
    }

    fn run(self, turn: &mut Turn<'_>) -> Result<Step, SqsError> {
        let queue = turn.resolve(self.url)?;
        let waits = !self.wait.is_zero();
        let spec = ReceiveSpec { count_max: 1, visibility: None, waits, attempt: None };
        let delivered = turn.deliver(queue, &spec)?;
        if delivered.is_empty() && spec.waits {
            return Ok(Step::Park(queue, spec, turn.now() + self.wait));
        }
        Ok(Step::Deliver(delivered))
    }
}

impl World {
    fn new() -> Self {
        let log = SlowLog::default();
        let ledger = Replay::default().finish(
            Rules::default(),
            ClockTrust::default(),
            Box::new(log.clone()),
        );
        Self { core: Core::new(ledger), log, now: Timestamp::from_millis(1_000_000) }
    }

    /// A world with one durable queue.
    fn with_queue() -> Self {
        Self::with_created(CreateQueue { queue_name: "jobs".into(), ..CreateQueue::default() })
    }

    fn with_created(create: CreateQueue) -> Self {
        let mut world = Self::new();
        let caller = Caller::new("http://localhost", Place::default());
        let created = world.ask((create, caller));
        world.sync();
        assert!(matches!(*created.borrow(), Some(Ok(_))));
        world
    }

    /// Asks for what is no receive: it is told that its reply or its refusal may leave.
    fn ask(&mut self, operation: impl Operation) -> Told {
        let (client, told) = Client::new(&Rc::default());
        let refused = Rc::clone(&client.refused);
        if let Err(refusal) = self.core.perform(operation, &Place::default(), client, self.now) {
            let may_leave = matches!(*told.borrow(), Some(Ok(_)));
            *if may_leave { told.borrow_mut() } else { refused.borrow_mut() } = Some(Err(refusal));
        }
        told
    }

    fn receive(&mut self, receive: Receive) -> Told {
        self.receive_as(receive, &Rc::default())
    }

    fn receive_as(&mut self, receive: Receive, gone: &Rc<RefCell<bool>>) -> Told {
        let (client, told) = Client::new(gone);
        self.core.receive(receive, &Place::default(), client, self.now);
        told
    }

    fn write(&mut self) {
        let progress = self.log.write();
        self.core.progressed(progress).into_iter().for_each(Ready::leave);
    }

    fn sync(&mut self) {
        let progress = self.log.sync();
        self.core.progressed(progress).into_iter().for_each(Ready::leave);
    }

    fn pass(&mut self, duration: Duration) {
        self.now = self.now + duration;
        self.core.tick(self.now);
    }
}

fn receive() -> Receive {
    Receive { url: URL, wait: Duration::ZERO }
}

fn long_receive() -> Receive {
    Receive { url: URL, wait: Duration::from_secs(20) }
}

fn delivered(told: &Told) -> Option<usize> {
    match &*told.borrow() {
        Some(Ok(messages)) => Some(messages.len()),
        _ => None,
    }
}

#[test]
fn a_send_is_answered_when_it_is_durable_and_not_when_it_is_written() {
    let mut world = World::with_queue();
    let sent = world.ask(Send);
    world.write();
    assert!(sent.borrow().is_none());
    world.sync();
    assert!(matches!(*sent.borrow(), Some(Ok(_))));
}

#[test]
fn a_no_op_waits_for_what_made_it_one() {
    let mut world = World::with_queue();
    let first = world.ask(DeleteQueue { queue_url: URL.into() });
    let again = world.ask(DeleteQueue { queue_url: URL.into() });
    assert!(first.borrow().is_none() && again.borrow().is_none());
    world.sync();
    assert!(matches!(*first.borrow(), Some(Ok(_))));
    assert!(matches!(*again.borrow(), Some(Err(SqsError::QueueDoesNotExist))));
}

#[test]
fn an_empty_receive_waits_for_the_purge_that_emptied_the_queue() {
    let mut world = World::with_queue();
    world.ask(Send);
    world.sync();
    world.ask(PurgeQueue { queue_url: URL.into() });
    let received = world.receive(receive());
    assert!(received.borrow().is_none());
    world.sync();
    assert_eq!(delivered(&received), Some(0));
}

#[test]
fn a_message_is_delivered_only_when_its_send_is_durable() {
    let mut world = World::with_queue();
    world.ask(Send);
    let received = world.receive(receive());
    world.write();
    assert!(received.borrow().is_none(), "its send could still be lost");
    world.sync();
    assert_eq!(delivered(&received), Some(1));
}

#[test]
fn the_record_of_a_receive_is_written_before_its_reply_and_not_waited_for() {
    let mut world = World::with_queue();
    world.ask(Send);
    world.sync();
    let received = world.receive(receive());
    assert!(received.borrow().is_none(), "a kill would forget the receive");
    assert_eq!(world.log.0.lock().unwrap().records.last().map(|(_, sync)| *sync), Some(false));
    world.write();
    assert_eq!(delivered(&received), Some(1));
}

#[test]
fn one_message_wakes_one_waiter_in_the_order_of_arrival() {
    let mut world = World::with_queue();
    let (first, second) = (world.receive(long_receive()), world.receive(long_receive()));
    world.ask(Send);
    world.sync();
    assert_eq!(delivered(&first), Some(1));
    assert!(second.borrow().is_none());
    world.ask(Send);
    world.sync();
    assert_eq!(delivered(&second), Some(1));
}

#[test]
fn a_client_that_hung_up_is_leased_no_message() {
    let mut world = World::with_queue();
    let gone = Rc::default();
    let left = world.receive_as(long_receive(), &gone);
    let stays = world.receive(long_receive());
    *gone.borrow_mut() = true;
    world.ask(Send);
    world.sync();
    assert!(left.borrow().is_none());
    assert_eq!(delivered(&stays), Some(1));
}

#[test]
fn the_end_of_a_lease_wakes_a_waiter_without_being_polled_for() {
    let mut world = World::with_queue();
    world.ask(Send);
    world.sync();
    world.receive(receive());
    world.pass(Duration::from_secs(15));
    let waits = world.receive(long_receive());
    assert_eq!(world.core.next_due(), Some(world.now + Duration::from_secs(15)));
    world.pass(Duration::from_millis(14_999));
    world.sync();
    assert!(waits.borrow().is_none());
    world.pass(Duration::from_millis(1));
    world.write();
    assert_eq!(delivered(&waits), Some(1));
}

#[test]
fn a_wait_ends_at_its_deadline_with_nothing() {
    let mut world = World::with_queue();
    let waits = world.receive(long_receive());
    world.pass(Duration::from_secs(20));
    assert_eq!(delivered(&waits), Some(0));
}

#[test]
fn deleting_a_queue_ends_the_waits_for_its_messages() {
    let mut world = World::with_queue();
    let waits = world.receive(long_receive());
    world.ask(DeleteQueue { queue_url: URL.into() });
    world.sync();
    assert!(matches!(*waits.borrow(), Some(Err(SqsError::QueueDoesNotExist))));
}

#[test]
fn a_closing_broker_lets_nobody_wait() {
    let mut world = World::with_queue();
    let waits = world.receive(long_receive());
    world.core.release_parked();
    assert_eq!(delivered(&waits), Some(0));
    assert_eq!(delivered(&world.receive(long_receive())), Some(0));
}

#[test]
fn once_the_log_has_failed_everybody_is_told() {
    let mut world = World::with_queue();
    let waits = world.receive(long_receive());
    let tags = [("a".to_owned(), "b".to_owned())].into();
    let tagged = world.ask(TagQueue { queue_url: URL.into(), tags });
    world
        .core
        .progressed(Progress { poisoned: true, ..Progress::default() })
        .into_iter()
        .for_each(Ready::leave);
    for told in [waits, tagged, world.receive(receive())] {
        assert!(matches!(*told.borrow(), Some(Err(SqsError::InternalFailure))));
    }
}

#[test]
fn a_full_log_refuses_a_send_and_nothing_changes() {
    let mut world = World::with_queue();
    world.log.0.lock().unwrap().full = true;
    let sent = world.ask(Send);
    assert!(matches!(*sent.borrow(), Some(Err(SqsError::ServiceUnavailable(_)))));
    let counts = world.core.ledger().queue(longshore_engine::QueueId::new(1)).unwrap().counts();
    assert_eq!(counts.available, 0);
}

#[test]
fn a_full_log_takes_no_tags_and_still_serves_receives() {
    let mut world = World::with_queue();
    world.ask(Send);
    world.sync();
    world.log.0.lock().unwrap().full = true;
    let tags = [("a".to_owned(), "b".to_owned())].into();
    let tagged = world.ask(TagQueue { queue_url: URL.into(), tags });
    assert!(matches!(*tagged.borrow(), Some(Err(SqsError::ServiceUnavailable(_)))));
    let received = world.receive(receive());
    world.write();
    assert_eq!(delivered(&received), Some(1));
}

#[test]
fn c5_the_last_of_a_full_log_is_for_what_frees_and_nothing_is_written_that_changes_nothing() {
    let mut world = World::with_queue();
    world.ask(Send);
    world.sync();
    world.log.0.lock().unwrap().exhausted = true;
    let refused = world.ask(receive());
    assert!(matches!(*refused.borrow(), Some(Err(SqsError::ServiceUnavailable(_)))));
    let purged = world.ask(PurgeQueue { queue_url: URL.into() });
    world.sync();
    assert!(matches!(*purged.borrow(), Some(Ok(_))));
    let records = world.log.last();
    for _ in 0..10_000 {
        world.ask(UntagQueue { queue_url: URL.into(), tag_keys: vec!["none".into()] });
        world.ask(TagQueue { queue_url: URL.into(), tags: [].into() });
        world.ask(PurgeQueue { queue_url: URL.into() });
    }
    assert_eq!(world.log.last(), records);
    let deleted = world.ask(DeleteQueue { queue_url: URL.into() });
    world.sync();
    assert!(matches!(*deleted.borrow(), Some(Ok(_))));
}

#[test]
fn replaying_the_log_rebuilds_the_same_queues() {
    let mut world = World::with_queue();
    world.ask(Send);
    world.ask(Send);
    world.receive(receive());
    world.sync();
    let mut replay = Replay::default();
    for (index, (events, _)) in world.log.0.lock().unwrap().records.iter().enumerate() {
        replay.record(Lsn(index as u64 + 1), events, &mut Vec::new()).unwrap();
    }
    let ledger =
        replay.finish(Rules::default(), ClockTrust::default(), Box::new(SlowLog::default()));
    let id = longshore_engine::QueueId::new(1);
    assert_eq!(ledger.queue(id), world.core.ledger().queue(id));
    assert_eq!(ledger.catalog(), world.core.ledger().catalog());
}

/// An operation that has a message arrive that is there already.
struct Doubled;

impl Operation for Doubled {
    type Reply = ();

    fn room(&self) -> Room {
        Room::keep()
    }

    fn run(self, turn: &mut Turn<'_>) -> Result<(), SqsError> {
        let queue = turn.resolve(URL)?;
        let key = turn.queue(queue)?.keys().next().unwrap();
        let id = longshore_types::MessageId::from_random([8; 16]);
        let again = longshore_engine::Redriven { key, id, bytes: 1, delivery: 0, group: None };
        turn.commit(queue, longshore_engine::Queue::redrive(vec![again]))
    }
}

#[test]
fn c16_what_breaks_an_invariant_stops_the_process_before_it_is_written() {
    let mut world = World::with_queue();
    world.ask(Send);
    world.sync();
    let before = world.log.last();
    let broken = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| world.ask(Doubled)));
    assert!(broken.is_err());
    assert_eq!(world.log.last(), before);
}

#[test]
fn while_the_log_is_busy_a_waiter_waits_and_it_is_served_when_the_log_goes_on() {
    let mut world = World::with_queue();
    world.ask(Send);
    world.sync();
    world.receive(receive());
    world.write();
    let waiting = world.receive(Receive { url: URL, wait: Duration::from_secs(60) });
    world.log.0.lock().unwrap().busy = true;
    world.pass(Duration::from_secs(30));
    assert!(waiting.borrow().is_none());
    world.log.0.lock().unwrap().busy = false;
    world.sync();
    world.write();
    assert_eq!(delivered(&waiting), Some(1));
}
