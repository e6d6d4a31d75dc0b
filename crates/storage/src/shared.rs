//! What the callers, the writer and the allocator share: one lock, and who waits on it.
//!
//! Callers push records; the writer takes all of them at once. The allocator adds spares, the
//! writer takes them. Whoever makes room wakes those who wait for it.
//!
//! # Invariants
//!
//! - The order of `append` calls is the order of the queue, of the numbers, and of the log.
//! - Nothing here does input or output.

mod segments;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use tokio::sync::Notify;

use crate::{
    Activity, Lsn, Progress, Purpose, Record, ReserveError,
    activity::Counters,
    bodies::Bodies,
    epoch::SegmentNumber,
    record::PendingRecord,
    segment::SegmentFile,
    space::{Space, VOUCH_CHARGE, Warmth},
};

type Callback = Box<dyn Fn(Progress) + Send + Sync>;

/// The meeting place of callers and threads.
pub(crate) struct Shared {
    state: Mutex<State>,
    /// Wakes the writer: there is a record, or the store is closing.
    work: Condvar,
    /// Wakes the allocator: a spare was taken, or the store is closing.
    allocate: Condvar,
    /// Wakes a writer that waits for a spare.
    spare: Condvar,
    /// Wakes who waits for a sync, or learns that there is none any more.
    on_disk: Condvar,
    /// Wakes callers that wait for room.
    room: Notify,
    callback: OnceLock<Callback>,
    reporting: Mutex<()>,
    pub(crate) bodies: Bodies,
    pub(crate) counters: Counters,
}

#[derive(Debug)]
struct State {
    queue: Vec<PendingRecord>,
    next: Lsn,
    progress: Progress,
    /// The last record that a sync has brought to the disk. In relaxed mode more is called durable.
    synced: Lsn,
    space: Space,
    closing: bool,
    /// The segments that hold records or bodies, each with its first record. The last is written to.
    used: BTreeMap<SegmentNumber, Lsn>,
    /// Segments with bodies that cannot be read, and so cannot be moved.
    immovable: BTreeSet<SegmentNumber>,
    /// The writer waits for the spare that is being warmed.
    hurry: bool,
}

/// What the writer is to do next.
#[derive(Debug)]
pub(crate) enum Work {
    /// Write these.
    Records(Vec<PendingRecord>),
    /// The time given has passed, and nothing came.
    Timeout,
    /// Come to an orderly end: there is nothing left to write.
    Close,
    /// Stop where it is: the store is poisoned.
    Stop,
}

/// What the allocator is to do next.
#[derive(Debug)]
pub(crate) enum Chore {
    /// Make a segment of this number.
    Allocate(SegmentNumber),
    /// Write zeros over this one.
    Warm(SegmentFile),
    /// Remove this one.
    Remove(SegmentFile),
    /// Come to an end.
    Stop,
}

impl Shared {
    pub(crate) fn new(bodies: Bodies, space: Space, last: Lsn) -> Self {
        let progress = Progress { written: last, durable: last, poisoned: false };
        let queue = Vec::new();
        Self {
            state: Mutex::new(State {
                queue,
                next: last.next(),
                progress,
                synced: last,
                space,
                closing: false,
                used: BTreeMap::new(),
                immovable: BTreeSet::new(),
                hurry: false,
            }),
            work: Condvar::new(),
            allocate: Condvar::new(),
            spare: Condvar::new(),
            on_disk: Condvar::new(),
            room: Notify::new(),
            callback: OnceLock::new(),
            reporting: Mutex::new(()),
            bodies,
            counters: Counters::default(),
        }
    }

    /// A thread that panicked has poisoned the store through its guard; the state itself is whole.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // For callers.

    pub(crate) fn reserve(&self, charge: u64, purpose: Purpose) -> Result<(), ReserveError> {
        let mut state = self.state();
        state.check_open()?;
        state.space.promise(charge, purpose)
    }

    /// Waits until [`Shared::reserve`] would not answer `Busy`.
    pub(crate) async fn room(&self, charge: u64, purpose: Purpose) -> Result<(), ReserveError> {
        loop {
            let mut changed = std::pin::pin!(self.room.notified());
            changed.as_mut().enable();
            match self.check(charge, purpose) {
                Err(ReserveError::Busy) => changed.await,
                settled => return settled,
            }
        }
    }

    fn check(&self, charge: u64, purpose: Purpose) -> Result<(), ReserveError> {
        let state = self.state();
        state.check_open()?;
        state.space.check(charge, purpose)
    }

    pub(crate) fn give_back(&self, charge: u64) {
        self.state().space.settle(charge);
        self.room.notify_waiters();
    }

    pub(crate) fn append(&self, charge: u64, record: Record<'_>) -> Lsn {
        self.bodies.hold(&record.bodies);
        let events = record.events.to_vec();
        let mut state = self.state();
        let lsn = state.next;
        state.next = lsn.next();
        let Record { bodies, sync, .. } = record;
        state.queue.push(PendingRecord { lsn, events, bodies, sync, charge });
        if state.queue.len() == 1 {
            self.work.notify_one();
        }
        lsn
    }

    pub(crate) fn progress(&self) -> Progress {
        self.state().progress
    }

    pub(crate) fn activity(&self) -> Activity {
        let (waiting_bytes, full) = {
            let space = &self.state().space;
            (space.promised(), space.is_full())
        };
        Activity {
            written_bytes: self.counters.written_bytes(),
            writes: self.counters.writes(),
            syncs: self.counters.syncs().spread(),
            waiting_bytes,
            cached_bytes: self.bodies.cached_bytes(),
            checkpoints: self.counters.checkpoints(),
            checkpoint_bytes: self.counters.checkpoint_bytes(),
            full,
        }
    }

    /// The last record that was appended.
    pub(crate) fn appended(&self) -> Lsn {
        self.state().next.previous()
    }

    pub(crate) fn set_callback(&self, callback: Callback) {
        assert!(self.callback.set(callback).is_ok(), "on_progress is called once");
    }

    pub(crate) fn begin_close(&self) {
        self.state().closing = true;
        self.work.notify_all();
        self.allocate.notify_all();
        self.room.notify_waiters();
    }

    // For the writer.

    /// Waits for records, at most for `timeout`, and takes all that there are.
    pub(crate) fn next_work(&self, timeout: Option<Duration>) -> Work {
        let mut state = self.wait_for_work(timeout);
        if state.progress.poisoned {
            return Work::Stop;
        }
        match (state.queue.is_empty(), state.closing) {
            (false, _) => Work::Records(std::mem::take(&mut state.queue)),
            (true, true) => Work::Close,
            (true, false) => Work::Timeout,
        }
    }

    fn wait_for_work(&self, timeout: Option<Duration>) -> MutexGuard<'_, State> {
        let state = self.state();
        let resting = |state: &mut State| state.queue.is_empty() && !state.ending();
        match timeout {
            None => self.work.wait_while(state, resting).unwrap_or_else(PoisonError::into_inner),
            Some(timeout) => {
                let woken = self.work.wait_timeout_while(state, timeout, resting);
                woken.unwrap_or_else(PoisonError::into_inner).0
            }
        }
    }

    /// Takes the next spare, and waits while it is being warmed. None if there is none.
    pub(crate) fn take_spare(&self) -> Option<SegmentFile> {
        let mut state = self.state();
        while state.front_is_warming() {
            state.hurry = true;
            state = self.spare.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.hurry = false;
        let segment = state.space.take_front();
        self.allocate.notify_one();
        segment
    }

    /// Reports records written: their charges are settled, and `active_bytes` is what is left.
    pub(crate) fn written(&self, through: Lsn, durable: bool, charges: u64, active_bytes: u64) {
        self.advance(|state| {
            state.space.settle(charges);
            state.space.set_active_bytes(active_bytes);
            state.progress.written = through;
            if durable {
                state.progress.durable = through;
            }
        });
        self.room.notify_waiters();
    }

    /// Promises room for a batch that only vouches, if there is any.
    pub(crate) fn promise_vouch(&self) -> bool {
        self.state().space.promise_vouch()
    }

    /// Reports that batch written: `active_bytes` is what is left.
    pub(crate) fn vouched(&self, active_bytes: u64) {
        {
            let mut state = self.state();
            state.space.settle(VOUCH_CHARGE);
            state.space.set_active_bytes(active_bytes);
        }
        self.room.notify_waiters();
    }

    /// Reports everything up to `through` durable.
    pub(crate) fn synced(&self, through: Lsn) {
        self.advance(|state| {
            state.synced = through;
            state.progress.durable = state.progress.durable.max(through);
        });
        self.on_disk.notify_all();
    }

    /// Whether `lsn` is on the disk, in relaxed mode too, or never will be.
    pub(crate) fn is_synced(&self, lsn: Lsn) -> bool {
        let state = self.state();
        state.synced >= lsn || state.progress.poisoned
    }

    /// Waits until `lsn` is on the disk, in relaxed mode too, and says what is. `None` if it never will be.
    pub(crate) fn wait_synced(&self, lsn: Lsn) -> Option<Lsn> {
        let waits = |state: &mut State| state.synced < lsn && !state.progress.poisoned;
        let state = self.on_disk.wait_while(self.state(), waits);
        let state = state.unwrap_or_else(PoisonError::into_inner);
        (state.synced >= lsn).then_some(state.synced)
    }

    /// Stops everything for good.
    pub(crate) fn poison(&self) {
        self.advance(|state| state.progress.poisoned = true);
        self.room.notify_waiters();
        self.work.notify_all();
        self.allocate.notify_all();
        self.spare.notify_all();
        self.on_disk.notify_all();
    }

    /// Changes the state, and reports what has become of it. Nothing moves in a poisoned store.
    fn advance(&self, change: impl FnOnce(&mut State)) {
        {
            let mut state = self.state();
            if state.progress.poisoned {
                return;
            }
            change(&mut state);
        }
        // Reports are read and made under a lock of their own: they never overtake each other.
        // A callback that has panicked is not called again: a second panic would end the process. One that
        // is panicking has the lock, and would wait for itself.
        let turn = if std::thread::panicking() {
            self.reporting.try_lock().ok()
        } else {
            self.reporting.lock().ok()
        };
        let Some(_turn) = turn else { return };
        if let Some(callback) = self.callback.get() {
            callback(self.progress());
        }
    }
}

impl State {
    fn check_open(&self) -> Result<(), ReserveError> {
        match (self.progress.poisoned, self.closing) {
            (true, _) => Err(ReserveError::Poisoned),
            (false, true) => Err(ReserveError::Closed),
            (false, false) => Ok(()),
        }
    }

    fn ending(&self) -> bool {
        self.closing || self.progress.poisoned
    }

    fn front_is_warming(&self) -> bool {
        !self.progress.poisoned
            && self.space.front().is_some_and(|spare| spare.warmth == Warmth::Warming)
    }

    fn chore(&mut self) -> Option<Chore> {
        if self.ending() {
            return Some(Chore::Stop);
        }
        if let Some(number) = self.space.wanted() {
            return Some(Chore::Allocate(number));
        }
        let surplus = self.space.take_surplus().map(Chore::Remove);
        surplus.or_else(|| self.space.begin_warming().map(Chore::Warm))
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("state", &self.state).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::{
        pin::pin,
        task::{Context, Poll, Waker},
    };

    use super::*;
    use crate::index::Index;

    /// Room for a few records, of which a hundred bytes may be pending.
    fn shared() -> Shared {
        let mut space = Space::new(4 << 10, 100, SegmentNumber::FIRST);
        space.set_active_bytes(4000);
        Shared::new(Bodies::new(0, Index::default(), &[], None), space, Lsn::ZERO)
    }

    #[test]
    fn who_waits_for_the_room_of_a_batch_that_vouches_is_woken_when_it_is_written() {
        let shared = shared();
        assert!(shared.promise_vouch());
        let mut room = pin!(shared.room(Space::charge(30), Purpose::Shrink));
        let mut context = Context::from_waker(Waker::noop());
        assert_eq!(room.as_mut().poll(&mut context), Poll::Pending);
        shared.vouched(3960);
        assert_eq!(room.as_mut().poll(&mut context), Poll::Ready(Ok(())));
    }
}
