//! Drives the core: one lock, real time, real disk, real waiters.
//!
//! ```text
//! request ─► room in the log ─► lock ─► Core::perform ─► unlock ─► await the answer
//! writer thread: Progress ─► lock ─► Core::progressed ─► answers
//! timer task: next_due ─► lock ─► Core::tick ─► answers
//! ```
//!
//! # Invariants
//!
//! - Under the lock there is no IO and no waiting: memory is changed and bytes are queued.
//! - Nobody sleeps in a loop: the timer task wakes when something is due, or when something comes
//!   due earlier than it had expected.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use longshore_storage::{Progress, ReserveError, Store};
use longshore_types::Timestamp;
use longshore_wire::SqsError;
use tokio::sync::{Notify, oneshot};
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::core::{Answer, Core, Ledger, Operation, Waiter, log_failure};

type Sender = oneshot::Sender<Result<Answer, SqsError>>;

impl Waiter for Sender {
    fn is_gone(&self) -> bool {
        self.is_closed()
    }

    fn answer(self, answer: Result<Answer, SqsError>) {
        // A client that hung up needs no answer: what it was leased comes back by itself.
        drop(self.send(answer));
    }
}

/// The core, and what it is driven by.
#[derive(Debug)]
pub(crate) struct Driver {
    core: Mutex<Core<Sender>>,
    store: Arc<Store>,
    clock: Arc<dyn Clock>,
    /// Something has come due earlier than the timer task had expected.
    earlier: Notify,
    /// When the timer task wakes next.
    expected: Mutex<Option<Timestamp>>,
    /// The log has failed.
    failed: CancellationToken,
    closed: CancellationToken,
}

impl Driver {
    /// Puts the driver around a ledger and its store.
    pub(crate) fn start(ledger: Ledger, store: Arc<Store>, clock: Arc<dyn Clock>) -> Arc<Self> {
        let driver = Arc::new(Self {
            core: Mutex::new(Core::new(ledger)),
            store,
            clock,
            earlier: Notify::new(),
            expected: Mutex::new(None),
            failed: CancellationToken::new(),
            closed: CancellationToken::new(),
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

    /// Carries out an operation and awaits its answer.
    ///
    /// # Cancel safety
    ///
    /// An operation that is dropped while it waits for room was not carried out; one that is
    /// dropped later was, but for a parked receive, which takes no message.
    pub(crate) async fn perform(&self, operation: impl Operation) -> Result<Answer, SqsError> {
        let (waiter, answer) = oneshot::channel();
        self.enter(operation, waiter).await?;
        answer.await.unwrap_or(Err(SqsError::InternalFailure))
    }

    async fn enter(&self, operation: impl Operation, waiter: Sender) -> Result<(), SqsError> {
        let room = operation.room();
        loop {
            self.store.room_for(room.bytes, room.purpose).await.map_err(log_failure)?;
            let mut core = self.core();
            match core.ledger().check_room(room) {
                Ok(()) => {
                    core.perform(operation, waiter, self.clock.now());
                    self.announce(core.next_due());
                    return Ok(());
                }
                Err(ReserveError::Busy) => {}
                Err(failure) => return Err(log_failure(failure)),
            }
        }
    }

    /// Looks at the queues.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&Ledger) -> T) -> T {
        look(self.core().ledger())
    }

    /// How many receives wait for messages.
    pub(crate) fn parked_count(&self) -> usize {
        self.core().parked_count()
    }

    /// Fires what comes due, until the driver is closed.
    pub(crate) async fn run_timers(self: Arc<Self>) {
        loop {
            let due = self.core().next_due();
            *lock(&self.expected) = due;
            tokio::select! {
                () = self.wait_until(due) => self.tick(),
                () = self.earlier.notified() => {}
                () = self.closed.cancelled() => return,
            }
        }
    }

    async fn wait_until(&self, due: Option<Timestamp>) {
        match due {
            Some(due) => tokio::time::sleep(due.since(self.clock.now())).await,
            None => std::future::pending().await,
        }
    }

    fn tick(&self) {
        self.core().tick(self.clock.now());
    }

    fn announce(&self, due: Option<Timestamp>) {
        let expected = *lock(&self.expected);
        if due.is_some_and(|due| expected.is_none_or(|expected| due < expected)) {
            self.earlier.notify_one();
        }
    }

    fn progressed(&self, progress: Progress) {
        let mut core = self.core();
        core.progressed(progress);
        self.announce(core.next_due());
        if progress.poisoned {
            self.failed.cancel();
        }
    }

    /// Resolves when the log has failed: from then on every request is refused.
    pub(crate) async fn failed(&self) {
        self.failed.cancelled().await;
    }

    /// Whether the log has failed.
    pub(crate) fn has_failed(&self) -> bool {
        self.failed.is_cancelled()
    }

    /// Ends the waits of parked receives, so that their clients can be answered before the end.
    pub(crate) fn release_parked(&self) {
        self.core().release_parked();
    }

    /// Resolves when the driver is closed.
    pub(crate) async fn until_closed(&self) {
        self.closed.cancelled().await;
    }

    /// Ends the timers.
    pub(crate) fn close(&self) {
        self.closed.cancel();
    }

    pub(crate) fn store(&self) -> &Arc<Store> {
        &self.store
    }

    fn core(&self) -> MutexGuard<'_, Core<Sender>> {
        self.core.lock().expect("a panic in the core ends the broker")
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
