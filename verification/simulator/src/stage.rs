//! What all who act in a schedule share: the plan, the clocks, the book, and the door of the broker, while it is there.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use longshore_broker::{Broker, Serve};
use longshore_wire::SqsError;
use tokio_util::sync::CancellationToken;

use crate::book::Book;
use crate::clock::{Clocks, Millis};
use crate::draw::Draw;
use crate::history::Held;
use crate::invariant::Invariant;
use crate::mutant::Mutant;
use crate::plan::{BRIEF, Plan};
use crate::wrong::Wrong;

/// How long after a disk has room again what was full may still be.
const FULL_LINGERS: Millis = 10_000;

/// A broker that can be asked.
#[derive(Clone, Debug)]
pub(crate) struct Door {
    pub(crate) broker: Broker,
    pub(crate) boot: u64,
    /// The broker has crashed. Those who wait for that learn it in the order in which they began to.
    crashed: CancellationToken,
}

/// What is shared.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) plan: Plan,
    pub(crate) mutant: Mutant,
    pub(crate) draw: Draw,
    pub(crate) clocks: Clocks,
    pub(crate) wrong: Wrong,
    book: Mutex<Book>,
    door: Mutex<Option<Door>>,
    held: Mutex<Vec<Held>>,
    weather: Mutex<Weather>,
}

/// What errors there is a reason for.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Weather {
    /// The storm has begun.
    pub(crate) is_stormy: bool,
    /// The storm is over: clients end.
    pub(crate) is_calm: bool,
    /// The disk is full, or was until then.
    pub(crate) full_until: Millis,
    /// The machine is about to fail, or has failed.
    pub(crate) is_failing: bool,
}

/// What came of asking.
pub(crate) enum Answer<T> {
    Done(T),
    /// Nothing happened.
    Refused(SqsError),
    /// It happened, or it did not.
    Unknown,
}

impl Stage {
    pub(crate) fn new(plan: Plan, mutant: Mutant, with_words: bool) -> Arc<Self> {
        Arc::new(Self {
            mutant,
            draw: Draw::new(plan.seed, 2),
            clocks: Clocks::start(mutant == Mutant::LeasesByTheWallClock),
            wrong: Wrong::default(),
            book: Mutex::new(Book::new(plan.clone(), with_words)),
            door: Mutex::default(),
            held: Mutex::default(),
            weather: Mutex::default(),
            plan,
        })
    }

    pub(crate) fn book(&self) -> MutexGuard<'_, Book> {
        lock(&self.book)
    }

    pub(crate) fn held(&self) -> MutexGuard<'_, Vec<Held>> {
        lock(&self.held)
    }

    pub(crate) fn weather(&self) -> MutexGuard<'_, Weather> {
        lock(&self.weather)
    }

    pub(crate) fn now(&self) -> Millis {
        self.clocks.elapsed()
    }

    /// The broker, if there is one.
    pub(crate) fn door(&self) -> Option<Door> {
        lock(&self.door).clone()
    }

    pub(crate) fn open_door(&self, broker: Broker) {
        let boot = self.book().boot;
        *lock(&self.door) = Some(Door { broker, boot, crashed: CancellationToken::new() });
    }

    /// The broker is gone, whoever waits for it.
    pub(crate) fn shut_door(&self) -> Option<Door> {
        let door = lock(&self.door).take();
        if let Some(door) = &door {
            door.crashed.cancel();
        }
        door
    }

    /// Asks the broker, unless it is gone before it answers.
    pub(crate) async fn ask<A: Serve>(
        &self,
        door: &Door,
        queue: usize,
        action: A,
    ) -> Answer<A::Reply> {
        self.book().seen.requests += 1;
        let reply = tokio::select! {
            biased;
            () = door.crashed.cancelled() => None,
            reply = door.broker.ask(action) => Some(reply),
        };
        match reply {
            Some(Ok(reply)) => Answer::Done(reply),
            Some(Err(SqsError::InternalFailure)) => {
                self.check_failure(door);
                self.unknown()
            }
            Some(Err(refusal)) => {
                self.check_refusal(queue, &refusal);
                Answer::Refused(refusal)
            }
            None => self.unknown(),
        }
    }

    fn unknown<T>(&self) -> Answer<T> {
        self.book().seen.unknown += 1;
        Answer::Unknown
    }

    /// The broker says that it has failed: the log must have.
    fn check_failure(&self, door: &Door) {
        if !door.broker.has_failed() && !self.weather().is_failing {
            self.book().find(Invariant::Errors, "a request failed, and the broker has not");
        }
    }

    fn check_refusal(&self, queue: usize, refusal: &SqsError) {
        let (now, weather) = (self.now(), *self.weather());
        let is_full = now <= weather.full_until + FULL_LINGERS || weather.is_failing;
        let mut book = self.book();
        if matches!(refusal, SqsError::ServiceUnavailable(_)) {
            book.seen.refused += 1;
            if !is_full {
                book.find(Invariant::FullDisk, format!("queue {queue}: {refusal:?}"));
            }
        }
        if *refusal == SqsError::QueueDoesNotExist && queue != BRIEF {
            book.find(Invariant::Errors, format!("queue {queue} is gone"));
        }
    }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
