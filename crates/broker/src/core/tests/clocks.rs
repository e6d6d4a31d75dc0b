//! Clocks that go wrong in any way, at starts and in between, against what really happened.
//!
//! A history is drawn: what clients ask, how time passes, what somebody does to the wall clock, and
//! when the broker is stopped and started. The world knows the true time. From it follows what must
//! have come due by now, because the broker ran for as long, and what cannot have, because not even
//! the stops were as long.

use std::collections::BTreeMap;

use longshore_types::{Clock, RandomSource};
use proptest::prelude::*;

use super::*;
use crate::clock::Reading;
use crate::core::Delivered;
use crate::founding;

const SECOND: u64 = 1000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
/// More than a message's retention, and shorter than many a jump.
const RETENTION: u64 = 3 * HOUR;
const CONFIRMED_AFTER: u64 = 5 * MINUTE;
/// A receive takes no more.
const MESSAGES_MAX: usize = 10;
/// What is shown follows the wall clock to this.
const SHOWN_WITHIN: u64 = SECOND;
const BEGINNING: u64 = 1_790_000_000_000;

#[derive(Clone, Debug)]
enum Step {
    /// The broker runs for so long.
    Run(u64),
    /// Somebody sets the wall clock wrong by so much; 0 is right.
    SetWall(i64),
    /// The wall clock stands still until it is set.
    Stick,
    /// The broker is stopped for so long, and the wall clock is wrong by so much from then on.
    Restart { killed: bool, stopped: u64, error: i64 },
    /// A message is sent with this delay.
    Send(u64),
    /// Everything available is received for so long.
    Receive(u64),
    /// A receive waits for a second.
    Poll,
}

/// What the machine's clocks do.
#[derive(Clone, Copy, Debug)]
struct Machine {
    truth: u64,
    booted_at: u64,
    error: i64,
    stuck_at: Option<u64>,
}

impl Machine {
    fn reading(self) -> Reading {
        let wall = self.stuck_at.unwrap_or(self.truth.saturating_add_signed(self.error));
        // Nobody promised that the clock that nobody sets begins at the wall clock's time.
        let running = Timestamp::from_millis(7 + self.truth - self.booted_at);
        Reading { running, wall: Timestamp::from_millis(wall) }
    }
}

/// What is known of a message.
#[derive(Clone, Copy, Debug)]
struct Known {
    sent: Moment,
    /// The wall clock at its send.
    shown: u64,
    /// Since when it is away, and for how long.
    away: (Moment, u64),
}

/// A moment, by the true time, by how long the broker had run, and by how many starts there were.
#[derive(Clone, Copy, Debug)]
struct Moment {
    truth: u64,
    ran: u64,
    starts: u64,
}

struct Wrong {
    core: Core<Client>,
    log: SlowLog,
    trust: ClockTrust,
    machine: Machine,
    /// How long the broker ran, as far as it can know: what it did after its last record is lost.
    ran: u64,
    /// What that was at the last record, and how many records there were.
    ran_at_record: (u64, usize),
    starts: u64,
    /// A wrong clock was believed, because it went steadily for long enough.
    fooled: bool,
    /// Since when the wall clock is wrong by the same.
    error_since: u64,
    messages: BTreeMap<MessageKey, Known>,
    /// What expired. A kill can take back what nothing was written about.
    expired: BTreeMap<MessageKey, Known>,
}

#[derive(Debug)]
pub(super) struct NoRandom;

impl RandomSource for NoRandom {
    fn next(&self) -> u64 {
        0
    }
}

#[derive(Debug)]
pub(super) struct Shows(pub(super) Reading);

impl Clock for Shows {
    fn now(&self) -> Timestamp {
        self.0.running
    }

    fn wall(&self) -> Timestamp {
        self.0.wall
    }
}

/// A send of one message with a delay of its own.
struct DelayedSend(Duration);

impl Operation for DelayedSend {
    type Reply = ();

    fn room(&self) -> Room {
        Room::keep()
    }

    fn run(self, turn: &mut Turn<'_>) -> Result<(), SqsError> {
        let queue = turn.resolve(URL)?;
        let key = turn.new_key();
        let id = longshore_types::MessageId::from_random([7; 16]);
        let send = longshore_engine::Send { key, id, bytes: 1, delay: Some(self.0), group: None };
        let event = turn.queue(queue)?.send(send, turn.now());
        turn.commit_send(queue, event, (key, bytes::Bytes::from_static(b"x")))?;
        Ok(())
    }
}

/// A receive of all that is available.
struct ReceiveAll {
    visibility: Duration,
    wait: Option<Duration>,
}

impl Operation for ReceiveAll {
    type Reply = super::Step;

    fn room(&self) -> Room {
        Room::keep()
    }

    fn run(self, turn: &mut Turn<'_>) -> Result<super::Step, SqsError> {
        let queue = turn.resolve(URL)?;
        let (count_max, visibility) = (MESSAGES_MAX, Some(self.visibility));
        let spec = ReceiveSpec { count_max, visibility, waits: self.wait.is_some(), attempt: None };
        let delivered = turn.deliver(queue, &spec)?;
        match self.wait.filter(|_| delivered.is_empty()) {
            Some(wait) => Ok(super::Step::Park(queue, spec, turn.now() + wait)),
            None => Ok(super::Step::Deliver(delivered)),
        }
    }
}

impl Wrong {
    fn new(trust: ClockTrust, error: i64) -> Self {
        let log = SlowLog::default();
        let machine = Machine { truth: BEGINNING, booted_at: BEGINNING, error, stuck_at: None };
        let core = started(&log, trust, machine);
        let mut wrong = Self {
            core,
            log,
            trust,
            machine,
            ran: 0,
            ran_at_record: (0, 0),
            starts: 0,
            fooled: false,
            error_since: BEGINNING,
            messages: BTreeMap::new(),
            expired: BTreeMap::new(),
        };
        let retention = (RETENTION / SECOND).to_string();
        let create = CreateQueue {
            queue_name: "jobs".into(),
            attributes: [("MessageRetentionPeriod".to_owned(), retention)].into(),
            ..CreateQueue::default()
        };
        let created = wrong.ask((create, Caller::new("http://localhost", Place::default())));
        assert!(created.is_ok());
        wrong
    }

    fn moment(&self) -> Moment {
        Moment { truth: self.machine.truth, ran: self.ran, starts: self.starts }
    }

    fn ask<O: Operation>(&mut self, operation: O) -> Result<O::Reply, SqsError> {
        let (client, _) = Client::new(&Rc::default());
        let now = self.machine.reading();
        let reply = self.core.perform(operation, &Place::default(), client, now);
        self.sync();
        reply
    }

    fn take(&mut self, receive: ReceiveAll) -> Told {
        let told = self.take_unsynced(receive);
        self.sync();
        told
    }

    fn take_unsynced(&mut self, receive: ReceiveAll) -> Told {
        let (client, told) = Client::new(&Rc::default());
        self.core.receive(receive, &Place::default(), client, self.machine.reading());
        told
    }

    fn sync(&mut self) {
        let progress = self.log.sync();
        self.core.progressed(progress).into_iter().for_each(Ready::leave);
        self.note_records();
    }

    /// Nothing happens in no time at all.
    fn play(&mut self, step: &Step) {
        self.run(1);
        match *step {
            Step::Run(millis) => self.run(millis),
            Step::SetWall(error) => {
                let stuck_at = None;
                self.set_machine(Machine { error, stuck_at, ..self.machine });
            }
            Step::Stick => {
                let stuck_at = Some(self.machine.reading().wall.as_millis());
                self.set_machine(Machine { stuck_at, ..self.machine });
            }
            Step::Restart { killed, stopped, error } => {
                if !killed {
                    self.close();
                }
                self.restart(stopped, error);
            }
            Step::Send(delay) => self.send(delay),
            Step::Receive(visibility) => self.receive(visibility),
            Step::Poll => self.poll(),
        }
        self.check();
    }

    fn set_machine(&mut self, machine: Machine) {
        let (before, after) = (self.machine.reading().wall, machine.reading().wall);
        if before.as_millis().abs_diff(after.as_millis()) >= SHOWN_WITHIN {
            self.error_since = machine.truth;
        }
        self.machine = machine;
        self.core.tick(self.machine.reading());
    }

    /// Time passes as for a driver: whatever comes due on the way fires.
    fn run(&mut self, millis: u64) {
        let mut left = millis;
        while left > 0 {
            let running = self.machine.reading().running;
            let due = self
                .core
                .next_due()
                .map_or(left, |due| u64::try_from(due.since(running).as_millis()).unwrap().max(1));
            let passes = left.min(due);
            self.machine.truth += passes;
            self.ran += passes;
            left -= passes;
            let is_wrong = self.machine.error != 0 && self.machine.stuck_at.is_none();
            let steady = self.machine.truth - self.error_since;
            self.fooled |= is_wrong && steady >= CONFIRMED_AFTER;
            self.core.tick(self.machine.reading());
            self.note_records();
        }
    }

    fn note_records(&mut self) {
        let count = self.log.0.lock().unwrap().records.len();
        if count != self.ran_at_record.1 {
            self.ran_at_record = (self.ran, count);
        }
    }

    fn close(&mut self) {
        self.core.note_end(self.machine.reading());
        self.note_records();
    }

    fn restart(&mut self, stopped: u64, error: i64) {
        self.ran = self.ran_at_record.0;
        self.messages.append(&mut self.expired);
        let truth = self.machine.truth + stopped;
        self.machine = Machine { truth, booted_at: truth, error, stuck_at: None };
        self.error_since = truth;
        self.starts += 1;
        self.core = started(&self.log, self.trust, self.machine);
        self.note_records();
        self.run(1);
    }

    fn send(&mut self, delay: u64) {
        if self.messages.len() == MESSAGES_MAX {
            return;
        }
        let before: Vec<_> = self.keys();
        self.ask(DelayedSend(Duration::from_millis(delay))).unwrap();
        let new = self.keys().into_iter().find(|key| !before.contains(key)).unwrap();
        let (sent, shown) = (self.moment(), self.machine.reading().wall.as_millis());
        self.messages.insert(new, Known { sent, shown, away: (sent, delay) });
    }

    fn receive(&mut self, visibility: u64) {
        self.forget_gone();
        let told =
            self.take(ReceiveAll { visibility: Duration::from_millis(visibility), wait: None });
        let Some(Ok(delivered)) = told.take() else { panic!("a receive is answered") };
        let got: Vec<_> = delivered.iter().map(|message| message.receipt.key).collect();
        for (key, known) in &self.messages {
            let is_due = self.ran - known.away.0.ran >= known.away.1;
            assert!(!is_due || got.contains(key), "the message {key} is held back too long");
        }
        let now = self.moment();
        for message in delivered {
            self.received(&message, now, visibility);
        }
    }

    fn received(&mut self, message: &Delivered, at: Moment, visibility: u64) {
        let known = self.messages[&message.receipt.key];
        let (since, away) = known.away;
        assert!(self.can_have_passed(since) >= away, "the message came back early: {known:?}");
        let shown = message.sent_at.as_millis();
        assert!(shown.abs_diff(known.shown) <= SHOWN_WITHIN, "shown as sent at {shown}: {known:?}");
        self.messages.get_mut(&message.receipt.key).unwrap().away = (at, visibility);
    }

    fn poll(&mut self) {
        self.forget_gone();
        let (asked, wait) = (self.moment(), Some(Duration::from_millis(SECOND)));
        let told = self.take(ReceiveAll { visibility: Duration::ZERO, wait });
        self.run(SECOND);
        self.sync();
        let Some(Ok(delivered)) = told.take() else {
            panic!("a long poll of a second was not answered after one")
        };
        for message in delivered {
            self.received(&message, asked, 0);
        }
    }

    /// As much time as can have passed since then, by the broker's account.
    fn can_have_passed(&self, since: Moment) -> u64 {
        if self.fooled {
            return u64::MAX;
        }
        let believed = u64::try_from(self.trust.jump_max.as_millis()).unwrap();
        self.machine.truth - since.truth + believed * (self.starts - since.starts)
    }

    fn keys(&self) -> Vec<MessageKey> {
        let queue = self.core.ledger().queue(longshore_engine::QueueId::new(1)).unwrap();
        queue.keys().collect()
    }

    /// What is gone had reason to be, and what has had reason is gone.
    fn check(&mut self) {
        let there = self.keys();
        for (key, known) in &self.messages {
            if !there.contains(key) {
                let passed = self.can_have_passed(known.sent);
                assert!(passed >= RETENTION, "{known:?} expired after {passed} ms at most");
            }
        }
        self.core.tick(self.machine.reading());
        self.forget_gone();
        for known in self.messages.values() {
            assert!(self.ran - known.sent.ran < RETENTION, "{known:?} never expires");
        }
        let ledger = self.core.ledger();
        let wall = self.machine.reading().wall.as_millis();
        let offset = ledger.times().mark().offset;
        let shown = ledger.now().as_millis().saturating_add_signed(offset);
        assert!(shown.abs_diff(wall) <= SHOWN_WITHIN, "shown is {shown} at {wall}");
    }

    fn forget_gone(&mut self) {
        self.core.tick(self.machine.reading());
        let there = self.keys();
        let gone: Vec<_> =
            self.messages.keys().filter(|key| !there.contains(key)).copied().collect();
        for key in gone {
            let known = self.messages.remove(&key).unwrap();
            assert!(self.can_have_passed(known.sent) >= RETENTION, "{known:?} expired early");
            self.expired.insert(key, known);
        }
    }
}

/// A broker that goes on from what the log says.
fn started(log: &SlowLog, trust: ClockTrust, machine: Machine) -> Core<Client> {
    let mut replay = Replay::default();
    for (index, (events, _)) in log.0.lock().unwrap().records.iter().enumerate() {
        replay.record(Lsn(index as u64 + 1), events, &mut Vec::new()).unwrap();
    }
    let mut ledger = replay.finish(Rules::default(), trust, Box::new(log.clone()));
    founding::found(&mut ledger, &Shows(machine.reading()), &NoRandom).unwrap();
    let mut core = Core::new(ledger);
    core.progressed(log.sync()).into_iter().for_each(Ready::leave);
    core.tick(machine.reading());
    core
}

fn trust(jump_max: u64) -> ClockTrust {
    ClockTrust {
        jump_max: Duration::from_millis(jump_max),
        confirmed_after: Duration::from_millis(CONFIRMED_AFTER),
    }
}

/// By how much a wall clock is wrong.
fn error() -> impl Strategy<Value = i64> {
    let size = prop_oneof![2..120 * SECOND, MINUTE..2 * HOUR, HOUR..40 * DAY, Just(3650 * DAY)];
    let wrong = (size, any::<bool>()).prop_map(|(size, is_ahead)| {
        let size = i64::try_from(size.max(2 * SECOND)).unwrap();
        if is_ahead { size } else { -size }
    });
    prop_oneof![Just(0), wrong]
}

fn stop() -> impl Strategy<Value = u64> {
    prop_oneof![0..10 * SECOND, SECOND..2 * HOUR, HOUR..10 * DAY]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => prop_oneof![1..5 * SECOND, SECOND..4 * MINUTE, MINUTE..HOUR].prop_map(Step::Run),
        2 => error().prop_map(Step::SetWall),
        1 => Just(Step::Stick),
        3 => (any::<bool>(), stop(), error())
            .prop_map(|(killed, stopped, error)| Step::Restart { killed, stopped, error }),
        3 => (0..900 * SECOND).prop_map(Step::Send),
        3 => (0..HOUR).prop_map(Step::Receive),
        1 => Just(Step::Poll),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn c1_c2_whatever_the_wall_clock_does_nothing_is_early_frozen_or_lost(
        jump_max in prop_oneof![Just(0), Just(HOUR)],
        first in error(),
        steps in prop::collection::vec(step(), 1..40),
    ) {
        let mut wrong = Wrong::new(trust(jump_max), first);
        for step in &steps {
            wrong.play(step);
        }
    }

    #[test]
    fn c2_a_stop_is_counted_once_the_clock_is_confirmed(
        jump_max in prop_oneof![Just(0), Just(HOUR)],
        stops in prop::collection::vec((stop(), 0..2 * CONFIRMED_AFTER), 1..8),
    ) {
        let mut wrong = Wrong::new(trust(jump_max), 0);
        wrong.send(0);
        let sent_at = wrong.machine.truth;
        wrong.run(CONFIRMED_AFTER);
        for (stopped, ran) in stops {
            wrong.run(1);
            wrong.close();
            wrong.restart(stopped, 0);
            wrong.run(ran);
        }
        wrong.run(CONFIRMED_AFTER);
        wrong.run(1);
        prop_assert_eq!(wrong.keys().is_empty(), wrong.machine.truth - sent_at >= RETENTION);
    }
}

#[test]
fn c1_a_clock_that_was_an_hour_ahead_is_corrected_at_once_and_freezes_nothing() {
    let mut wrong = Wrong::new(trust(HOUR), i64::try_from(HOUR).unwrap());
    wrong.send(0);
    wrong.restart(SECOND, 0);
    wrong.receive(SECOND);
    wrong.run(3 * SECOND);
    wrong.receive(0);
    wrong.send(2 * SECOND);
    wrong.run(2 * SECOND);
    wrong.receive(30 * SECOND);
    wrong.poll();
    wrong.check();
}

#[test]
fn c2_a_start_five_days_ahead_deletes_nothing_and_leaves_nothing_behind() {
    let mut wrong = Wrong::new(trust(HOUR), 0);
    wrong.send(0);
    wrong.restart(SECOND, i64::try_from(5 * DAY).unwrap());
    wrong.send(0);
    wrong.run(MINUTE);
    assert_eq!(wrong.core.ledger().times().state().unconfirmed().as_secs() / 86_400, 5);
    wrong.restart(SECOND, 0);
    wrong.run(HOUR);
    assert_eq!(wrong.keys().len(), 2);
    let mark = wrong.core.ledger().times().mark();
    assert_eq!(mark, crate::core::ClockMark::default());
    wrong.run(2 * HOUR);
    assert_eq!(wrong.keys().len(), 0, "retention still ends");
}

#[test]
fn c2_a_long_stop_makes_older_what_was_there_before_it_and_nothing_else() {
    let mut wrong = Wrong::new(trust(HOUR), 0);
    wrong.send(0);
    wrong.run(CONFIRMED_AFTER);
    wrong.close();
    wrong.restart(DAY, 0);
    wrong.send(0);
    wrong.run(CONFIRMED_AFTER - 2);
    assert_eq!(wrong.keys().len(), 2, "the clock is not confirmed");
    wrong.run(2);
    assert_eq!(wrong.keys().len(), 1, "the other was sent after the stop");
    wrong.restart(SECOND, 0);
    assert_eq!(wrong.keys().len(), 1);
    wrong.run(RETENTION);
    assert_eq!(wrong.keys().len(), 0);
}

#[test]
fn c2_no_answer_leaves_before_the_stop_is_durable_that_it_follows_from() {
    let mut wrong = Wrong::new(trust(HOUR), 0);
    wrong.send(0);
    wrong.run(CONFIRMED_AFTER);
    wrong.close();
    wrong.restart(DAY, 0);
    wrong.sync();
    wrong.run(CONFIRMED_AFTER + 1);
    assert_eq!(wrong.keys().len(), 0, "it is past its retention, because the stop counts");
    assert!(wrong.log.0.lock().unwrap().records.last().unwrap().1, "somebody waits for the record");
    let told = wrong.take_unsynced(ReceiveAll { visibility: Duration::ZERO, wait: None });
    assert!(told.take().is_none(), "a power cut would bring the message back");
    wrong.sync();
    assert!(matches!(told.take(), Some(Ok(none)) if none.is_empty()));
}
