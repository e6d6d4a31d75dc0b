//! The broker without its machine: append, apply, wait, wake.
//!
//! [`Core`] is a plain value that is told what is asked, what time it is and how far the log has
//! come. It decides by the engine, appends to the log, applies, and answers each waiter once all
//! that the answer depends on is durable. It does no IO, reads no clock and spawns nothing: the
//! driver (`crate::driver`) puts one lock around it and real time, real disk and real clients
//! beside it; a simulator can put virtual ones there.
//!
//! ```text
//! perform ─► operation ─► Ledger: decide, append, apply ─► Held ─► (durable) ─► the waiter
//!                │                      │ touched queues
//!                └► Parked ◄────────────┘ wake: a message became available
//! ```
//!
//! # Invariants
//!
//! - Every answer, refusals and no-ops too, waits until the log is durable up to the last event that
//!   its queue and the catalog had applied when it was decided. The record of a standard receive
//!   is the exception: it is written before its reply, and no reply waits for its sync. That of a
//!   FIFO receive is none: what it locks stays locked over a power cut.
//! - A receive is parked only while nothing is available to it; whatever makes a message
//!   available wakes one waiter for one message, in the order of their arrival.
//! - A receive that the queue's policy let in waits no longer than that policy lasts: its client asks
//!   anew, and is checked anew.
//! - Once the log has failed, every waiter and every later request is told so.

mod asker;
mod catalog_size;
mod deliver;
mod held;
mod ledger;
mod mover;
mod parked;
mod replay;
mod salvaging;
mod shown;
mod state;
mod telling;
#[cfg(test)]
mod tests;
mod timers;
mod times;
mod turn;
mod withhold;

use std::collections::BTreeMap;

use longshore_engine::QueueId;
use longshore_storage::{Lsn, Progress, ReserveError};
use longshore_types::Timestamp;
use longshore_wire::SqsError;

pub(crate) use asker::Asker;
pub(crate) use deliver::{Delivered, ReceiveSpec};
pub(crate) use held::{Need, Ready};
pub(crate) use ledger::{Ledger, Refused, Rules, log_failure};
pub(crate) use parked::ParkedReceive;
pub(crate) use replay::Replay;
pub(crate) use salvaging::Salvaging;
pub(crate) use times::{ClockMark, ClockState, Lapse, Times};
pub(crate) use turn::{Turn, catalog_refused};
pub(crate) use withhold::Received;

use crate::clock::Reading;
use crate::log::{Body, Room};
use held::Held;
use parked::Parked;
use timers::Timers;

/// What a receive wants to happen now.
#[derive(Debug)]
pub(crate) enum Step {
    /// Answer these, as soon as it is durable.
    Deliver(Vec<Delivered>),
    /// Wait for messages until the deadline.
    Park(QueueId, ReceiveSpec, Timestamp),
}

/// One SQS action: check, decide, commit, answer.
pub(crate) trait Operation {
    /// What it answers. That of a receive is a [`Step`].
    type Reply;

    /// The room that its records will take in the log.
    fn room(&self) -> Room;

    /// Carries the action out.
    fn run(self, turn: &mut Turn<'_>) -> Result<Self::Reply, SqsError>;
}

/// Who waits for an answer, or until an answer may leave.
pub(crate) trait Waiter {
    /// Whether nobody waits any more: no message is leased for such a one.
    fn is_gone(&self) -> bool;

    /// Hands messages over; of anything but a receive there are none, and its reply may leave.
    fn answer(self, answer: Result<Vec<Delivered>, SqsError>);
}

/// The queues, who waits for their messages, and who waits for the disk.
#[derive(Debug)]
pub(crate) struct Core<W> {
    ledger: Ledger,
    parked: BTreeMap<QueueId, Parked<W>>,
    held: Held<W>,
    timers: Timers,
    /// The broker is closing: nobody is parked any more.
    closing: bool,
}

impl<W: Waiter> Core<W> {
    pub(crate) fn new(ledger: Ledger) -> Self {
        let held = Held::new(ledger.progress());
        Self { ledger, parked: BTreeMap::new(), held, timers: Timers::default(), closing: false }
    }

    /// The queues, for looking at.
    pub(crate) const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Carries out `operation` for `asker`. What it came to may leave once `waiter` is answered, now or
    /// later; if that one is told of a failure, it is not known what came of it.
    pub(crate) fn perform<'a, O: Operation>(
        &mut self,
        operation: O,
        asker: impl Into<Asker<'a>>,
        waiter: W,
        now: impl Into<Reading>,
    ) -> Result<O::Reply, SqsError> {
        let (reply, need) = self.take_turn(operation, asker.into(), now.into());
        self.held.hold(need, waiter, Ok(Vec::new()));
        self.settle();
        reply
    }

    /// Carries out a receive for `asker` and answers `waiter`, now or later.
    pub(crate) fn receive<'a>(
        &mut self,
        operation: impl Operation<Reply = Step>,
        asker: impl Into<Asker<'a>>,
        waiter: W,
        now: impl Into<Reading>,
    ) {
        let asker = asker.into();
        let (step, need) = self.take_turn(operation, asker, now.into());
        match step {
            Ok(Step::Deliver(delivered)) => self.held.hold(need, waiter, Ok(delivered)),
            Ok(Step::Park(queue, spec, deadline)) => {
                let by_policy = asker.is_checked();
                self.park(queue, ParkedReceive { waiter, spec, deadline, by_policy });
            }
            Err(refusal) => self.held.hold(need, waiter, Err(refusal)),
        }
        self.settle();
    }

    /// What an operation comes to, and what must be durable before anybody is told.
    fn take_turn<O: Operation>(
        &mut self,
        operation: O,
        asker: Asker<'_>,
        now: Reading,
    ) -> (Result<O::Reply, SqsError>, Need) {
        self.ledger.advance_time(now);
        let mut turn = Turn::new(&mut self.ledger, asker);
        let reply = operation.run(&mut turn);
        (reply, turn.need())
    }

    /// How many receives wait for messages.
    pub(crate) fn parked_count(&self) -> usize {
        self.parked.values().map(Parked::len).sum()
    }

    /// How many receives wait for the messages of a queue.
    pub(crate) fn parked_at(&self, queue: QueueId) -> usize {
        self.parked.get(&queue).map_or(0, Parked::len)
    }

    /// Carries out what has come due: the ends of delays, leases, retention and waits, and moves.
    pub(crate) fn tick(&mut self, now: impl Into<Reading>) {
        self.ledger.advance_time(now.into());
        for queue in self.timers.due(self.ledger.now()) {
            self.ledger.advance(queue);
            self.end_waits(queue);
        }
        self.ledger.note_idle_time();
        self.settle();
    }

    /// When [`Core::tick`] has something to do next, as the clock that nobody sets will show it.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        let times = self.ledger.times();
        let due = self.timers.next_due().into_iter().chain(times.next_due()).min()?;
        Some(times.running_at(due))
    }

    /// Learns how far the log has come. Those who waited for it are to be answered: that wakes them, and
    /// so the driver does it once nobody waits for its lock.
    #[must_use = "somebody waits for each"]
    pub(crate) fn progressed(&mut self, progress: Progress) -> Vec<Ready<W>> {
        let ready = self.held.progressed(progress);
        if progress.poisoned {
            self.fail_parked();
        } else {
            self.ledger.retry_blocked();
            self.settle();
        }
        ready
    }

    /// Ends every parked receive without messages, and lets none wait from here on: the broker is
    /// closing.
    pub(crate) fn release_parked(&mut self) {
        self.closing = true;
        for (queue, mut parked) in std::mem::take(&mut self.parked) {
            while let Some(receive) = parked.pop() {
                self.answer_empty(queue, receive.waiter);
            }
        }
    }

    /// Notes when the broker ended: the last thing in its log.
    pub(crate) fn note_end(&mut self, now: impl Into<Reading>) {
        self.ledger.advance_time(now.into());
        self.ledger.note_time();
    }

    /// [`Core::note_end`], and all that is there then.
    #[cfg(feature = "simulation")]
    pub(crate) fn tell_all(&mut self, now: impl Into<Reading>) -> Vec<Vec<u8>> {
        self.note_end(now);
        self.ledger.tell_all()
    }

    /// Has bodies stand at the end of the log.
    pub(crate) fn move_on(
        &mut self,
        bodies: Vec<Body>,
        now: impl Into<Reading>,
    ) -> Result<(), ReserveError> {
        self.ledger.advance_time(now.into());
        self.ledger.move_on(bodies)
    }

    /// Begins to tell all that is here: what a checkpoint is made of.
    pub(crate) fn begin_telling(&mut self, now: impl Into<Reading>) {
        self.ledger.advance_time(now.into());
        self.ledger.begin_telling();
    }

    /// What is told next; `None` when all is told.
    pub(crate) fn next_piece(&mut self) -> Option<Vec<u8>> {
        self.ledger.next_piece()
    }

    /// Nobody is told any more.
    pub(crate) fn end_telling(&mut self) {
        self.ledger.end_telling();
    }

    /// Notes what time it is when all is told. `None` if the log has no room even for that.
    pub(crate) fn note_told(&mut self, now: impl Into<Reading>) -> Option<Lsn> {
        self.ledger.advance_time(now.into());
        self.ledger.note_told()
    }

    /// Answers `waiter` when a record is durable.
    pub(crate) fn await_durable(&mut self, lsn: Lsn, waiter: W) {
        self.held.hold(Need::durable(lsn), waiter, Ok(Vec::new()));
        self.let_go();
    }

    /// Answers a receive that waits no more without messages.
    fn answer_empty(&mut self, queue: QueueId, waiter: W) {
        if !waiter.is_gone() {
            self.ledger.count(queue, |tally| tally.empty_receives += 1);
        }
        let need = self.ledger.settled(queue);
        self.held.hold(need, waiter, Ok(Vec::new()));
    }

    fn park(&mut self, queue: QueueId, receive: ParkedReceive<W>) {
        if self.closing {
            return self.answer_empty(queue, receive.waiter);
        }
        let (waiting_max, now) = (self.ledger.rules().waiting_receives_max, self.ledger.now());
        let parked = self.parked.entry(queue).or_default();
        if let Err(refused) = parked.push(receive, waiting_max, now) {
            self.ledger.refused_mut().waiting_receives += 1;
            refused.waiter.answer(Err(SqsError::RequestThrottled));
        }
        self.ledger.touch(queue);
    }

    fn fail_parked(&mut self) {
        for (_, mut parked) in std::mem::take(&mut self.parked) {
            while let Some(receive) = parked.pop() {
                receive.waiter.answer(Err(held::failed()));
            }
        }
    }

    /// Wakes whom the changed queues can serve, carries their move tasks on and sets their timers,
    /// until nothing changes. A log in memory is durable at once, and has nobody who would tell so
    /// later.
    fn settle(&mut self) {
        for queue in self.ledger.take_new_policies() {
            self.end_waits_by_policy(queue);
        }
        while let Some(queue) = self.ledger.next_touched() {
            if self.ledger.queue(queue).is_some() {
                self.wake(queue);
                let moves_at = self.ledger.carry_on_moving(queue);
                self.set_timer(queue, moves_at);
            } else {
                self.forget(queue);
            }
        }
        self.let_go();
    }

    /// Answers whom the log has come far enough for, as it has at once where it is in memory.
    fn let_go(&mut self) {
        self.held.progressed(self.ledger.progress()).into_iter().for_each(Ready::leave);
    }

    fn wake(&mut self, queue: QueueId) {
        while let Some(spec) = self.next_to_serve(queue) {
            match self.ledger.deliver(queue, &spec) {
                Ok(None) => return,
                Ok(Some((delivered, need))) => self.answer_first(queue, need, Ok(delivered)),
                Err(failure) => {
                    let need = self.ledger.settled(queue);
                    self.answer_first(queue, need, Err(failure));
                }
            }
        }
    }

    /// The first receive that still waits, if the queue has something for it.
    fn next_to_serve(&mut self, queue: QueueId) -> Option<ReceiveSpec> {
        let parked = self.parked.get_mut(&queue)?;
        let first = parked.first_present()?;
        self.ledger.queue(queue)?.has_deliverable().then(|| first.spec.clone())
    }

    fn answer_first(
        &mut self,
        queue: QueueId,
        need: Need,
        answer: Result<Vec<Delivered>, SqsError>,
    ) {
        if let Some(receive) = self.parked.get_mut(&queue).and_then(Parked::pop) {
            self.held.hold(need, receive.waiter, answer);
        }
    }

    fn end_waits_by_policy(&mut self, queue: QueueId) {
        let ended = self.parked.get_mut(&queue).map(Parked::take_by_policy).unwrap_or_default();
        for receive in ended {
            self.answer_empty(queue, receive.waiter);
        }
        self.ledger.touch(queue);
    }

    fn end_waits(&mut self, queue: QueueId) {
        let now = self.ledger.now();
        while let Some(receive) = self.parked.get_mut(&queue).and_then(|all| all.pop_due(now)) {
            self.answer_empty(queue, receive.waiter);
        }
    }

    fn set_timer(&mut self, queue: QueueId, moves_at: Option<Timestamp>) {
        let engine = self.ledger.queue(queue).and_then(longshore_engine::Queue::next_due);
        let parked = self.parked.get(&queue).and_then(Parked::next_deadline);
        self.timers.set(queue, engine.into_iter().chain(parked).chain(moves_at).min());
    }

    /// The queue was deleted: those who wait for its messages are told.
    fn forget(&mut self, queue: QueueId) {
        self.timers.set(queue, None);
        let need = self.ledger.catalog_settled();
        let mut parked = self.parked.remove(&queue).unwrap_or_default();
        while let Some(receive) = parked.pop() {
            self.held.hold(need, receive.waiter, Err(SqsError::QueueDoesNotExist));
        }
    }
}
