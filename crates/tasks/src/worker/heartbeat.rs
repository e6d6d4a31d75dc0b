//! Renews the leases of all messages that are held, in batches, from one timer loop; and owns the
//! record of each task while it runs.
//!
//! A lease begins as the queue's visibility timeout, and is renewed while half of that is left, counted from before
//! it can have begun; so are claims, before their message's lease and for longer. It is renewed for that time again,
//! or for longer where the task's runs are known to take longer (`lengths.rs`). A renewal that fails is tried
//! again until the lease is over; then it is lost, and whoever holds it is told.
//!
//! Every two seconds, while anything runs, one call reads all records that run here (`look.rs`): whoever else
//! wrote one (a cancellation, a foreign worker's reply) is noticed, and what handlers said of their
//! progress is written.
//!
//! # Invariants
//!
//! - A claim is extended before its message's lease; if it cannot be, the lease is not either.
//! - [`Heartbeat::stop`] and [`Heartbeat::uncover`] return when no call about it is in flight. So
//!   heartbeat, progress and the end of a run never write one record at the same time. A store that does not
//!   answer is given up in time for the lease to be renewed; what it then still writes is refused by its version.
//! - What is not known to be renewed counts as ending when it did.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt as _, StreamExt as _};
use longshore_types::limits::BATCH_ENTRIES_MAX;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::lease::{Lease, LeaseSignals};
use super::lengths::Lengths;
use super::renewal::{Renewal, Renewed};
use super::status::{WorkerStatus, count};
use crate::life::TaskRecord;
use crate::store::Records;
use crate::transport::{QueueHandle, Transport};

/// The age at which a run is given up: half an hour before the 12 hours of SQS are over, so that
/// there is time to say so.
const AGE_MAX: Duration = Duration::from_secs(41_400);
/// How much longer than the message's lease a claim lasts: a twentieth, within these bounds. The
/// margin covers the time between extending the one and the other, and clocks that differ; the
/// task of a worker that died waits for its end.
const CLAIM_MARGIN: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(5));
/// How often the records of what runs are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// What renewing a lease takes.
#[derive(Debug)]
pub(super) struct HeartbeatParts {
    pub(super) transport: Arc<dyn Transport>,
    pub(super) queue: QueueHandle,
    pub(super) records: Records,
    /// How long a lease lasts at first, and a renewal at least.
    pub(super) visibility_timeout: Duration,
    /// How long a renewal lasts at most.
    pub(super) lease_max: Duration,
    pub(super) lengths: Arc<Lengths>,
    pub(super) status: Arc<WorkerStatus>,
}

/// A call that has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Called {
    Renewed,
    Looked,
}

/// Renews leases.
#[derive(Debug)]
pub(super) struct Heartbeat {
    pub(super) parts: HeartbeatParts,
    leases: Mutex<Leases>,
    /// There is something that the loop does not know to wake for.
    changed: Notify,
    settled: Notify,
}

#[derive(Debug, Default)]
pub(super) struct Leases {
    last_id: u64,
    pub(super) by_id: BTreeMap<u64, Entry>,
    /// When the loop wakes by itself; `None` if only a change wakes it. It is woken for what it would
    /// not wake for in time, and not for each lease: they come by the thousand.
    wakes_at: Option<Instant>,
    /// Whether it will look at the records of what runs.
    looks: bool,
}

/// A lease, and the record of the task that runs under it.
#[derive(Debug)]
pub(super) struct Entry {
    receipt: String,
    task: Arc<str>,
    pub(super) held: Option<Held>,
    received_at: Instant,
    /// When its handler began; `None` while it has not.
    begun_at: Option<Instant>,
    /// How long the lease lasts, from when it began.
    lasts: Duration,
    renew_at: Instant,
    ends_at: Instant,
    pub(super) in_flight: bool,
    pub(super) signals: LeaseSignals,
}

/// A record whose claim is ours, as of its last version that we know.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub(super) record: TaskRecord,
    pub(super) fence: u64,
    pub(super) progress: ProgressNote,
}

/// What a handler said of its progress, until it is written.
#[derive(Clone, Debug, Default)]
pub(super) struct ProgressNote(Arc<Mutex<Option<(u8, String)>>>);

impl ProgressNote {
    pub(super) fn set(&self, percent: u8, note: String) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((percent, note));
    }

    pub(super) fn take(&self) -> Option<(u8, String)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// It was not written. What the handler has said since stays.
    pub(super) fn put_back(&self, percent: u8, note: String) {
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        said.get_or_insert((percent, note));
    }
}

impl Heartbeat {
    pub(super) fn new(parts: HeartbeatParts) -> Arc<Self> {
        let (leases, changed, settled) = (Mutex::default(), Notify::new(), Notify::new());
        Arc::new(Self { parts, leases, changed, settled })
    }

    /// How long a claim has to last from now so that it outlives its message's lease.
    pub(super) fn claim_lease(&self, id: u64) -> Duration {
        let ends_at = self.leases().by_id.get(&id).map(|entry| entry.ends_at);
        let left = ends_at.map(|ends_at| ends_at.saturating_duration_since(Instant::now()));
        left.unwrap_or_default() + self.claim_margin()
    }

    /// How much longer than its message's lease a claim lasts.
    pub(super) fn claim_margin(&self) -> Duration {
        let (least, most) = CLAIM_MARGIN;
        (self.parts.visibility_timeout / 20).clamp(least, most)
    }

    /// Renews the lease on the message of a `task` from now on; it began at `received_at`, or later.
    pub(super) fn begin(
        self: &Arc<Self>,
        receipt: String,
        task: Arc<str>,
        received_at: Instant,
    ) -> Lease {
        let timeout = self.parts.visibility_timeout;
        let signals = LeaseSignals::new();
        let entry = Entry {
            receipt: receipt.clone(),
            task: Arc::clone(&task),
            held: None,
            received_at,
            begun_at: None,
            lasts: timeout,
            renew_at: received_at + timeout / 2,
            ends_at: received_at + timeout,
            in_flight: false,
            signals: signals.clone(),
        };
        let mut leases = self.leases();
        leases.last_id += 1;
        let id = leases.last_id;
        count(&self.parts.status.leases.held);
        let wake = leases.wakes_at.is_none_or(|wakes_at| entry.renew_at < wakes_at);
        leases.by_id.insert(id, entry);
        drop(leases);
        if wake {
            self.changed.notify_one();
        }
        Lease::new(id, receipt, task, received_at, Arc::clone(self), signals)
    }

    /// Owns the record from now on, and extends its claim from the next renewal on.
    pub(super) fn cover(&self, id: u64, held: Held) {
        let mut leases = self.leases();
        if let Some(entry) = leases.by_id.get_mut(&id) {
            entry.held = Some(held);
        }
        if !leases.looks {
            self.changed.notify_one();
        }
    }

    /// The handler of the task begins.
    pub(super) fn note_begin(&self, id: u64) {
        if let Some(entry) = self.leases().by_id.get_mut(&id) {
            entry.begun_at = Some(Instant::now());
        }
    }

    /// The handler of a task has come to its end after that time.
    pub(super) fn note_length(&self, task: &str, length: Duration) {
        if length >= self.parts.visibility_timeout / 2 {
            self.parts.lengths.note(task, length);
        }
    }

    /// Gives the record back, once no call about it is in flight.
    pub(super) async fn uncover(&self, id: u64) -> Option<Held> {
        self.when_settled(id, |leases| leases.by_id.get_mut(&id)?.held.take()).await
    }

    /// Renews no more, once no call about the lease is in flight. Says when the lease ends.
    pub(super) async fn stop(&self, id: u64) -> Instant {
        let entry = self.when_settled(id, |leases| leases.by_id.remove(&id)).await;
        entry.map_or_else(Instant::now, |entry| entry.ends_at)
    }

    /// Renews no more. A call in flight is not waited for.
    pub(super) fn forget(&self, id: u64, is_lost: bool) {
        self.leases().by_id.remove(&id);
        let counts = &self.parts.status.leases;
        counts.held.fetch_sub(1, Relaxed);
        counts.lost.fetch_add(is_lost.into(), Relaxed);
    }

    /// Renews what is due and looks at what runs, until dropped. Calls go side by side: a store that
    /// is slow to be looked at delays no renewal.
    pub(super) async fn run(&self) {
        let mut calls: FuturesUnordered<BoxFuture<'_, Called>> = FuturesUnordered::new();
        let mut look_at = Some(Instant::now() + LOOK_EVERY);
        loop {
            let due = self.take_due(Instant::now());
            for batch in due.chunks(BATCH_ENTRIES_MAX).map(<[Renewal]>::to_vec) {
                calls.push(self.renew(batch).map(|()| Called::Renewed).boxed());
            }
            if look_at.is_some_and(|look_at| Instant::now() >= look_at) {
                look_at = None;
                calls.push(self.look().map(|()| Called::Looked).boxed());
            }
            let wakes_at = self.leases().plan(look_at);
            tokio::select! {
                biased;
                Some(called) = calls.next() => if called == Called::Looked {
                    look_at = Some(Instant::now() + LOOK_EVERY);
                },
                () = self.changed.notified() => {}
                () = sleep_until(wakes_at.unwrap_or_else(Instant::now)), if wakes_at.is_some() => {}
            }
        }
    }

    pub(super) fn leases(&self) -> MutexGuard<'_, Leases> {
        self.leases.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls about some leases have ended.
    pub(super) fn tell_settled(&self) {
        self.settled.notify_waiters();
    }

    async fn when_settled<T>(&self, id: u64, act: impl FnOnce(&mut Leases) -> T) -> T {
        let mut act = Some(act);
        loop {
            let settled = self.settled.notified();
            tokio::pin!(settled);
            // Waiting begins before the look, so that a call that ends in between is noticed.
            settled.as_mut().enable();
            {
                let mut leases = self.leases();
                if !leases.by_id.get(&id).is_some_and(|entry| entry.in_flight)
                    && let Some(act) = act.take()
                {
                    return act(&mut leases);
                }
            }
            settled.await;
        }
    }

    /// Takes what is due and, since the call is made anyway, what will be soon.
    fn take_due(&self, now: Instant) -> Vec<Renewal> {
        let mut leases = self.leases();
        let is_due = |entry: &Entry| entry.waits() && entry.renew_at.min(entry.ends_at) <= now;
        if !leases.by_id.values().any(is_due) {
            return Vec::new();
        }
        let waiting = leases.by_id.iter_mut().filter(|(_, entry)| entry.waits());
        let soon = |entry: &Entry| entry.renew_at <= now + entry.lasts / 10;
        let due = waiting.filter(|(_, entry)| soon(entry) || entry.ends_at <= now);
        due.filter_map(|(id, entry)| entry.begin_renewal(*id, now, &self.parts)).collect()
    }

    async fn renew(&self, batch: Vec<Renewal>) {
        // Whoever holds the lease that ends first has to be told; the others have time to try again.
        let patience = batch.iter().map(|renewal| renewal.ends_at).min();
        let patience = patience.unwrap_or_else(Instant::now);
        let call = timeout_at(patience, self.extend_and_renew(&batch));
        let renewed = call.await.unwrap_or_else(|_| vec![Renewed::TryAgain; batch.len()]);
        let done = renewed.iter().filter(|renewed| matches!(renewed, Renewed::At(_))).count();
        self.parts.status.leases.renewed.fetch_add(done as u64, Relaxed);
        let mut leases = self.leases();
        for (renewal, renewed) in batch.iter().zip(renewed) {
            if let Some(entry) = leases.by_id.get_mut(&renewal.id) {
                entry.end_renewal(renewed, renewal.timeout, &self.parts);
            }
        }
        drop(leases);
        self.tell_settled();
    }
}

impl Leases {
    /// When the loop has to wake for a renewal, or at `look_at` if there is anything to look at.
    fn plan(&mut self, look_at: Option<Instant>) -> Option<Instant> {
        let look = look_at.filter(|_| self.by_id.values().any(|entry| entry.held.is_some()));
        let waiting = self.by_id.values().filter(|entry| entry.waits());
        let due = waiting.map(|entry| entry.renew_at.min(entry.ends_at));
        self.looks = look.is_some();
        self.wakes_at = due.chain(look).min();
        self.wakes_at
    }
}

impl Entry {
    /// Whether the timer has to look at it.
    fn waits(&self) -> bool {
        !self.in_flight && !self.signals.is_over()
    }

    /// What to renew, unless it is too late or for too long.
    fn begin_renewal(&mut self, id: u64, now: Instant, parts: &HeartbeatParts) -> Option<Renewal> {
        if now >= self.ends_at {
            self.signals.mark_lost();
            return None;
        }
        let age = now - self.received_at;
        if age >= AGE_MAX {
            self.signals.mark_too_long();
            return None;
        }
        self.in_flight = true;
        let timeout = self.next_lease(now, parts).min(super::lease::visibility_left(age));
        let (receipt, held) = (self.receipt.clone(), self.held.clone());
        let task = Arc::clone(&self.task);
        Some(Renewal { id, receipt, task, held, ends_at: self.ends_at, timeout })
    }

    /// Until when progress may be written: three quarters of what is left after the renewal has come due are its own.
    pub(super) fn progress_until(&self) -> Instant {
        self.renew_at + self.ends_at.saturating_duration_since(self.renew_at) / 4
    }

    /// How long the next lease lasts: the visibility timeout, or up to the bound for as long as the run is expected
    /// to go on. What nobody claimed is not run yet, and may not be for long.
    fn next_lease(&self, now: Instant, parts: &HeartbeatParts) -> Duration {
        let least = parts.visibility_timeout;
        if self.held.is_none() || parts.lease_max <= least {
            return least;
        }
        let age = self.begun_at.map(|begun_at| now - begun_at).unwrap_or_default();
        let expected = parts.lengths.lease(&self.task, age);
        // SQS counts whole seconds.
        let whole = expected.map(|lease| Duration::from_secs(lease.as_secs()));
        whole.unwrap_or(least).clamp(least, parts.lease_max)
    }

    fn end_renewal(&mut self, renewed: Renewed, timeout: Duration, parts: &HeartbeatParts) {
        self.in_flight = false;
        match renewed {
            Renewed::At(begun_at) => {
                // However long it is, as much of it is left for further tries.
                let rest = (parts.visibility_timeout / 2).max(timeout / 10);
                let too_long_at = (self.received_at + AGE_MAX).max(begun_at + timeout / 2);
                self.renew_at = (begun_at + timeout.saturating_sub(rest)).min(too_long_at);
                (self.ends_at, self.lasts) = (begun_at + timeout, timeout);
            }
            Renewed::TryAgain if Instant::now() >= self.ends_at => self.signals.mark_lost(),
            // A twentieth is soon for a lease and not much for the queue.
            Renewed::TryAgain => self.renew_at = Instant::now() + parts.visibility_timeout / 20,
            Renewed::Lost => self.signals.mark_lost(),
            Renewed::Ended => self.signals.mark_ended(),
        }
    }
}
