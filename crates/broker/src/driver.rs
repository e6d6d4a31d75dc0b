//! Drives the core: one lock, real time, real disk, real waiters.
//!
//! ```text
//! request ─► room in the log ─► lock ─► Core::perform ─► unlock ─► await the answer
//! writer thread: Progress ─► lock ─► Core::progressed ─► unlock ─► answers
//! timer task: next_due ─► lock ─► Core::tick ─► answers
//! ```
//!
//! # Invariants
//!
//! - Under the lock there is no IO and no waiting: memory is changed and bytes are queued.
//! - Nobody sleeps in a loop: the timer task wakes when something is due, or when something comes
//!   due earlier than it had expected.

use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use longshore_storage::{Checkpoint, Lsn, Progress, Purpose, Record, ReserveError, Store};
use longshore_types::Timestamp;
use longshore_wire::SqsError;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinError;
use tokio_util::sync::CancellationToken;

use crate::blocking::Blocking;
use crate::clock::{Clock, Reading};
use crate::core::{Asker, Core, Delivered, Ledger, Operation, Ready, Step, Waiter, log_failure};
use crate::log::{Body, SMALL};

/// Where an answer goes.
pub(crate) type Sender = oneshot::Sender<Result<Vec<Delivered>, SqsError>>;

impl Waiter for Sender {
    fn is_gone(&self) -> bool {
        self.is_closed()
    }

    fn answer(self, answer: Result<Vec<Delivered>, SqsError>) {
        // A client that hung up needs no answer: what it was leased comes back by itself.
        drop(self.send(answer));
    }
}

/// What the one lock guards.
#[derive(Debug)]
struct Driven {
    core: Core<Sender>,
    /// When the timer task wakes next, by the clock that nobody sets.
    expected: Option<Timestamp>,
}

/// The lock, held. A panic while it is held, such as that of a broken invariant, leaves a core that
/// nobody can trust: nothing more is written, and the broker has failed and says so, instead of
/// leaving its clients waiting.
struct Locked<'a> {
    /// `None` once it is given back.
    driven: Option<MutexGuard<'a, Driven>>,
    driver: &'a Driver,
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.driver.failed.cancel();
            // The store tells of its end under the lock.
            drop(self.driven.take());
            self.driver.store.fail();
        }
    }
}

impl Deref for Locked<'_> {
    type Target = Driven;

    fn deref(&self) -> &Driven {
        self.driven.as_deref().expect("it is given back at the end only")
    }
}

impl DerefMut for Locked<'_> {
    fn deref_mut(&mut self) -> &mut Driven {
        self.driven.as_deref_mut().expect("it is given back at the end only")
    }
}

/// The core, and what it is driven by.
#[derive(Debug)]
pub(crate) struct Driver {
    driven: Mutex<Driven>,
    store: Arc<Store>,
    clock: Arc<dyn Clock>,
    blocking: Blocking,
    /// Something has come due earlier than the timer task had expected.
    earlier: Notify,
    /// The log has failed.
    failed: CancellationToken,
    closed: CancellationToken,
    /// No checkpoint could be written when one was last due.
    lacks_checkpoint: AtomicBool,
}

impl Driver {
    /// Puts the driver around a ledger and its store.
    pub(crate) fn start(
        ledger: Ledger,
        store: Arc<Store>,
        clock: Arc<dyn Clock>,
        blocking: Blocking,
    ) -> Arc<Self> {
        let driver = Arc::new(Self {
            driven: Mutex::new(Driven { core: Core::new(ledger), expected: None }),
            store,
            clock,
            blocking,
            earlier: Notify::new(),
            failed: CancellationToken::new(),
            closed: CancellationToken::new(),
            lacks_checkpoint: AtomicBool::new(false),
        });
        let told = Arc::downgrade(&driver);
        driver.store.on_progress(Box::new(move |progress| {
            if let Some(driver) = told.upgrade() {
                driver.progressed(progress);
            }
        }));
        driver.progressed(driver.store.progress());
        driver
    }

    /// Carries out an operation and awaits that its answer may leave.
    ///
    /// # Cancel safety
    ///
    /// An operation that is dropped while it waits for room was not carried out; one that is
    /// dropped later was.
    pub(crate) async fn perform<'a, O: Operation>(
        &self,
        operation: O,
        asker: impl Into<Asker<'a>>,
    ) -> Result<O::Reply, SqsError> {
        let (waiter, leave) = oneshot::channel();
        let perform = |core: &mut Core<Sender>, operation, asker: Asker<'_>, now| {
            core.perform(operation, asker, waiter, now)
        };
        let reply = self.enter(operation, asker.into(), perform).await?;
        leave.await.unwrap_or(Err(SqsError::InternalFailure))?;
        reply
    }

    /// Carries out a receive and awaits its messages.
    ///
    /// # Cancel safety
    ///
    /// As of [`Driver::perform`], but that a parked receive takes no message.
    pub(crate) async fn receive<'a>(
        &self,
        operation: impl Operation<Reply = Step>,
        asker: impl Into<Asker<'a>>,
    ) -> Result<Vec<Delivered>, SqsError> {
        let (waiter, delivered) = oneshot::channel();
        let receive = |core: &mut Core<Sender>, operation, asker: Asker<'_>, now| {
            core.receive(operation, asker, waiter, now);
        };
        self.enter(operation, asker.into(), receive).await?;
        delivered.await.unwrap_or(Err(SqsError::InternalFailure))
    }

    /// Has an operation carried out under the lock, once the log has room for it.
    async fn enter<O: Operation, T>(
        &self,
        operation: O,
        asker: Asker<'_>,
        carry_out: impl FnOnce(&mut Core<Sender>, O, Asker<'_>, Reading) -> T,
    ) -> Result<T, SqsError> {
        let room = operation.room();
        loop {
            self.store.room_for(room.bytes, room.purpose).await.map_err(log_failure)?;
            let mut locked = self.lock()?;
            match locked.core.ledger().check_room(room) {
                Ok(()) => {
                    let done = carry_out(&mut locked.core, operation, asker, self.read_clock());
                    self.announce(&locked);
                    return Ok(done);
                }
                Err(ReserveError::Busy) => {}
                Err(failure) => return Err(log_failure(failure)),
            }
        }
    }

    /// Looks at the queues; `None` once the broker has failed.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&Core<Sender>) -> T) -> Option<T> {
        self.lock().ok().map(|locked| look(&locked.core))
    }

    /// Looks at the queues as they are now: what has come due is carried out first.
    pub(crate) fn look_now<T>(&self, look: impl FnOnce(&Core<Sender>) -> T) -> Option<T> {
        let mut locked = self.lock().ok()?;
        locked.core.tick(self.read_clock());
        self.announce(&locked);
        Some(look(&locked.core))
    }

    fn read_clock(&self) -> Reading {
        Reading::of(&*self.clock)
    }

    /// Fires what comes due, until the driver is closed or has failed.
    pub(crate) async fn run_timers(self: Arc<Self>) {
        while let Ok(due) = self.expect_next() {
            tokio::select! {
                // In an order, so that a simulation goes as it went before.
                biased;
                () = self.wait_until(due) => self.tick(),
                () = self.earlier.notified() => {}
                () = self.closed.cancelled() => return,
            }
        }
    }

    /// When something is due next. From here on whoever makes something due earlier says so:
    /// both happen under the lock, so that no wake-up is lost between them.
    fn expect_next(&self) -> Result<Option<Timestamp>, SqsError> {
        let mut locked = self.lock()?;
        locked.expected = locked.core.next_due();
        Ok(locked.expected)
    }

    async fn wait_until(&self, due: Option<Timestamp>) {
        match due {
            Some(due) => tokio::time::sleep(due.since(self.clock.now())).await,
            None => std::future::pending().await,
        }
    }

    fn tick(&self) {
        if let Ok(mut locked) = self.lock() {
            locked.core.tick(self.read_clock());
        }
    }

    fn announce(&self, locked: &Locked<'_>) {
        let due = locked.core.next_due();
        if due.is_some_and(|due| locked.expected.is_none_or(|expected| due < expected)) {
            self.earlier.notify_one();
        }
    }

    fn progressed(&self, progress: Progress) {
        let ready = self.lock().map(|mut locked| {
            let ready = locked.core.progressed(progress);
            self.announce(&locked);
            ready
        });
        ready.unwrap_or_default().into_iter().for_each(Ready::leave);
        if progress.poisoned {
            self.failed.cancel();
        }
    }

    /// Resolves when the broker has failed: from then on every request is refused.
    pub(crate) async fn failed(&self) {
        self.failed.cancelled().await;
    }

    /// Whether the broker has failed.
    pub(crate) fn has_failed(&self) -> bool {
        self.failed.is_cancelled()
    }

    /// Ends the waits of parked receives, so that their clients can be answered before the end.
    pub(crate) fn release_parked(&self) {
        if let Ok(mut locked) = self.lock() {
            locked.core.release_parked();
        }
    }

    /// Has bodies stand at the end of the log, those that are still wanted, once it has room for them.
    pub(crate) async fn move_on(&self, bodies: Vec<Body>) -> Result<(), ReserveError> {
        let bytes = Record::bytes(0, bodies.iter().map(|(_, body)| body.len())) + SMALL;
        self.store.room_for(bytes, Purpose::Keep).await?;
        let mut locked = self.lock().map_err(|_| ReserveError::Poisoned)?;
        locked.core.move_on(bodies, self.read_clock())
    }

    /// Begins a checkpoint. `None` if the store has none, or the broker has failed.
    pub(crate) fn begin_checkpoint(&self) -> Option<Checkpoint> {
        let mut locked = self.lock().ok()?;
        locked.core.begin_telling(self.read_clock());
        self.store.begin_checkpoint()
    }

    /// The next piece of the state as it was when the checkpoint was begun; `None` when there is no more.
    pub(crate) fn next_piece(&self) -> Option<Vec<u8>> {
        self.lock().ok()?.core.next_piece()
    }

    /// Notes the end of a checkpoint, and says which record must be durable before it counts.
    pub(crate) fn note_checkpoint(&self, checkpoint: &mut Checkpoint) -> Option<Lsn> {
        let mut locked = self.lock().ok()?;
        let lsn = locked.core.note_told(self.read_clock())?;
        checkpoint.end(lsn);
        Some(lsn)
    }

    /// Says whether the last checkpoint that was due came to nothing.
    pub(crate) fn set_lacks_checkpoint(&self, lacks: bool) {
        self.lacks_checkpoint.store(lacks, Relaxed);
    }

    /// Whether the last checkpoint that was due came to nothing.
    pub(crate) fn lacks_checkpoint(&self) -> bool {
        self.lacks_checkpoint.load(Relaxed)
    }

    /// Nothing more is told of the state.
    pub(crate) fn end_checkpoint(&self) {
        if let Ok(mut locked) = self.lock() {
            locked.core.end_telling();
        }
    }

    /// Resolves when a record is durable, or never will be: then false.
    pub(crate) async fn is_durable(&self, lsn: Lsn) -> bool {
        let (waiter, durable) = oneshot::channel();
        match self.lock() {
            Ok(mut locked) => locked.core.await_durable(lsn, waiter),
            Err(_) => return false,
        }
        matches!(durable.await, Ok(Ok(_)))
    }

    /// Whether the driver is closed.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.is_cancelled()
    }

    /// Lets so much time pass for a watch; `false`, at once, when the driver is closed.
    pub(crate) async fn is_open_after(&self, time: Duration) -> bool {
        tokio::time::timeout(time, self.until_closed()).await.is_err()
    }

    /// Resolves when the driver is closed.
    pub(crate) async fn until_closed(&self) {
        self.closed.cancelled().await;
    }

    /// Ends the timers.
    pub(crate) fn close(&self) {
        self.closed.cancel();
    }

    /// Notes in the log when the broker ended.
    pub(crate) fn note_end(&self) {
        if let Ok(mut held) = self.lock() {
            held.core.note_end(self.read_clock());
        }
    }

    /// Notes in the log when the broker ended, and tells all that is there then. `None` once it has failed.
    #[cfg(feature = "simulation")]
    pub(crate) fn tell_all(&self) -> Option<Vec<Vec<u8>>> {
        if self.has_failed() {
            return None;
        }
        self.lock().ok().map(|mut locked| locked.core.tell_all(self.read_clock()))
    }

    /// What the wall clock shows.
    pub(crate) fn wall(&self) -> Timestamp {
        self.clock.wall()
    }

    /// Does work that blocks, and awaits its end.
    pub(crate) async fn block<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> T {
        self.blocking.run(work).await
    }

    /// The same, and says if the work panicked.
    pub(crate) async fn try_block<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, JoinError> {
        self.blocking.try_run(work).await
    }

    pub(crate) const fn store(&self) -> &Arc<Store> {
        &self.store
    }

    fn lock(&self) -> Result<Locked<'_>, SqsError> {
        let driven = self.driven.lock().map_err(|_| SqsError::InternalFailure)?;
        Ok(Locked { driven: Some(driven), driver: self })
    }
}

#[cfg(test)]
mod tests {
    use longshore_engine::CatalogEvent;
    use longshore_storage::Options;
    use longshore_storage::disk::RealDisk;

    use super::*;
    use crate::caller::Place;
    use crate::clock::{ClockTrust, SystemClock};
    use crate::core::{Replay, Rules, Turn};
    use crate::founding::Started;
    use crate::log::Room;

    /// An operation that breaks an invariant.
    struct Broken;

    impl Operation for Broken {
        type Reply = ();

        fn room(&self) -> Room {
            Room::none()
        }

        fn run(self, turn: &mut Turn<'_>) -> Result<(), SqsError> {
            turn.commit_catalog(CatalogEvent::Booted { epoch: 7 }, None)?;
            panic!("an invariant is broken, as the test wants it")
        }
    }

    #[tokio::test]
    async fn c16_after_a_broken_invariant_nothing_more_is_written_and_everybody_is_told() {
        let directory = tempfile::tempdir().unwrap();
        let disk = Arc::new(RealDisk::open(directory.path()).unwrap());
        let (store, _) = Store::open(disk, Options::default(), &mut |_, _, _| Ok(())).unwrap();
        let store = Arc::new(store);
        let trust = ClockTrust::default();
        let ledger =
            Replay::default().finish(Rules::default(), trust, Box::new(Arc::clone(&store)));
        let clock = Arc::new(SystemClock::start());
        let driver = Driver::start(ledger, Arc::clone(&store), clock, Blocking::Threads);
        let broken = Arc::clone(&driver);
        let panicked = tokio::spawn(async move { broken.perform(Broken, &Place::default()).await });
        assert!(panicked.await.unwrap_err().is_panic());
        driver.failed().await;
        assert_eq!(store.reserve(1, Purpose::Start).err(), Some(ReserveError::Poisoned));
        let refused = driver.perform(Started, &Place::default()).await;
        assert_eq!(refused.unwrap_err(), SqsError::InternalFailure);
    }
}
