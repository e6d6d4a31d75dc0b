//! Renews the leases of all messages that are held, in batches, from one timer loop.
//!
//! A lease is renewed when half of it is over, counted from before it can have begun; so
//! are claims, before their message's lease and for longer. A renewal that fails is tried again
//! until the lease is over; then it is lost, and whoever holds it is told.
//!
//! # Invariants
//!
//! - A claim is extended before its message's lease; if it cannot be, the lease is not either.
//! - [`Heartbeat::stop`] and [`Heartbeat::uncover`] return when no call about it is in flight.
//! - What is not known to be renewed counts as ending when it did.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::StreamExt as _;
use futures::future::join_all;
use futures::stream::FuturesUnordered;
use longshore_types::limits::BATCH_ENTRIES_MAX;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::lease::{Lease, LeaseSignals};
use crate::clock::Clock;
use crate::id::TaskId;
use crate::store::{ClaimStore, Fence};
use crate::transport::{EntryResult, QueueHandle, Transport};

/// The age at which a run is given up: half an hour before the 12 hours of SQS are over, so that
/// there is time to say so.
const AGE_MAX: Duration = Duration::from_secs(41_400);
/// How much longer than the message's lease a claim lasts: a twentieth, within these bounds. The
/// margin covers the time between extending the one and the other, and clocks that differ; the
/// task of a worker that died waits for its end.
const CLAIM_MARGIN: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(5));

/// What renewing a lease takes.
#[derive(Debug)]
pub(super) struct HeartbeatParts {
    pub(super) transport: Arc<dyn Transport>,
    pub(super) queue: QueueHandle,
    pub(super) claims: Arc<dyn ClaimStore>,
    pub(super) clock: Arc<dyn Clock>,
    /// How long a renewal lasts.
    pub(super) visibility_timeout: Duration,
}

/// Renews leases.
#[derive(Debug)]
pub(super) struct Heartbeat {
    parts: HeartbeatParts,
    leases: Mutex<Leases>,
    /// A lease came, went, or was renewed.
    changed: Notify,
    settled: Notify,
}

#[derive(Debug, Default)]
struct Leases {
    last_id: u64,
    by_id: HashMap<u64, Entry>,
}

#[derive(Debug)]
struct Entry {
    receipt: String,
    claim: Option<(TaskId, Fence)>,
    received_at: Instant,
    renew_at: Instant,
    ends_at: Instant,
    in_flight: bool,
    signals: LeaseSignals,
}

/// A lease that is being renewed.
#[derive(Clone, Debug)]
struct Renewal {
    id: u64,
    receipt: String,
    claim: Option<(TaskId, Fence)>,
    ends_at: Instant,
    timeout: Duration,
}

/// What became of a renewal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Renewed {
    At(Instant),
    TryAgain,
    Lost,
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

    /// Renews the message's lease from now on; it began at `received_at`, or later.
    pub(super) fn begin(self: &Arc<Self>, receipt: String, received_at: Instant) -> Lease {
        let timeout = self.parts.visibility_timeout;
        let signals = LeaseSignals::new();
        let entry = Entry {
            receipt: receipt.clone(),
            claim: None,
            received_at,
            renew_at: received_at + timeout / 2,
            ends_at: received_at + timeout,
            in_flight: false,
            signals: signals.clone(),
        };
        let mut leases = self.leases();
        leases.last_id += 1;
        let id = leases.last_id;
        leases.by_id.insert(id, entry);
        drop(leases);
        self.changed.notify_one();
        Lease::new(id, receipt, received_at, Arc::clone(self), signals)
    }

    /// Extends the claim too, from the next renewal on.
    pub(super) fn cover(&self, id: u64, task: TaskId, fence: Fence) {
        if let Some(entry) = self.leases().by_id.get_mut(&id) {
            entry.claim = Some((task, fence));
        }
    }

    /// Leaves the claim alone, once no call about it is in flight.
    pub(super) async fn uncover(&self, id: u64) {
        self.when_settled(id, |leases| {
            if let Some(entry) = leases.by_id.get_mut(&id) {
                entry.claim = None;
            }
        })
        .await;
    }

    /// Renews no more, once no call about the lease is in flight.
    pub(super) async fn stop(&self, id: u64) {
        self.when_settled(id, |leases| drop(leases.by_id.remove(&id))).await;
    }

    /// Renews no more. A call in flight is not waited for.
    pub(super) fn forget(&self, id: u64) {
        self.leases().by_id.remove(&id);
    }

    /// Renews what is due, until dropped.
    pub(super) async fn run(&self) {
        let mut calls = FuturesUnordered::new();
        loop {
            let due = self.take_due(Instant::now());
            let batches = due.chunks(BATCH_ENTRIES_MAX).map(<[Renewal]>::to_vec);
            calls.extend(batches.map(|batch| self.renew(batch)));
            let next = self.next_due();
            tokio::select! {
                Some(()) = calls.next() => {}
                () = self.changed.notified() => {}
                () = sleep_until(next.unwrap_or_else(Instant::now)), if next.is_some() => {}
            }
        }
    }

    fn leases(&self) -> MutexGuard<'_, Leases> {
        self.leases.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn when_settled(&self, id: u64, act: impl FnOnce(&mut Leases)) {
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
                    act(&mut leases);
                    return;
                }
            }
            settled.await;
        }
    }

    fn next_due(&self) -> Option<Instant> {
        let leases = self.leases();
        let waiting = leases.by_id.values().filter(|entry| entry.waits());
        waiting.map(|entry| entry.renew_at.min(entry.ends_at)).min()
    }

    /// Takes what is due and, since the call is made anyway, what will be soon.
    fn take_due(&self, now: Instant) -> Vec<Renewal> {
        let soon = now + self.parts.visibility_timeout / 10;
        let mut leases = self.leases();
        let is_due = |entry: &Entry| entry.waits() && entry.renew_at.min(entry.ends_at) <= now;
        if !leases.by_id.values().any(is_due) {
            return Vec::new();
        }
        let waiting = leases.by_id.iter_mut().filter(|(_, entry)| entry.waits());
        let due = waiting.filter(|(_, entry)| entry.renew_at <= soon || entry.ends_at <= now);
        due.filter_map(|(id, entry)| entry.begin_renewal(*id, now, &self.parts)).collect()
    }

    async fn renew(&self, batch: Vec<Renewal>) {
        // Whoever holds the lease that ends first has to be told; the others have time to try again.
        let patience = batch.iter().map(|renewal| renewal.ends_at).min();
        let patience = patience.unwrap_or_else(Instant::now);
        let call = timeout_at(patience, self.extend_and_renew(&batch));
        let renewed = call.await.unwrap_or_else(|_| vec![Renewed::TryAgain; batch.len()]);
        let mut leases = self.leases();
        for (renewal, renewed) in batch.iter().zip(renewed) {
            if let Some(entry) = leases.by_id.get_mut(&renewal.id) {
                entry.end_renewal(renewed, renewal.timeout);
            }
        }
        drop(leases);
        self.settled.notify_waiters();
    }

    async fn extend_and_renew(&self, batch: &[Renewal]) -> Vec<Renewed> {
        let claims = join_all(batch.iter().map(|renewal| self.extend(renewal))).await;
        let begun_at = Instant::now();
        let extended = batch.iter().zip(&claims).filter(|(_, claim)| claim.is_ok());
        let changes: Vec<_> =
            extended.map(|(renewal, _)| (renewal.receipt.clone(), renewal.timeout)).collect();
        let mut answers = self.change_visibility(changes).await.into_iter();
        let settle = |claim: Result<(), Renewed>| match claim {
            Err(not_extended) => not_extended,
            Ok(()) => match answers.next() {
                Some(Ok(())) => Renewed::At(begun_at),
                Some(Err(fault)) if fault.is_stale_receipt() => Renewed::Lost,
                _ => Renewed::TryAgain,
            },
        };
        claims.into_iter().map(settle).collect()
    }

    async fn extend(&self, renewal: &Renewal) -> Result<(), Renewed> {
        let Some((task, fence)) = &renewal.claim else { return Ok(()) };
        let until = self.parts.clock.now() + renewal.timeout + self.claim_margin();
        match self.parts.claims.extend(task, *fence, until).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(Renewed::Lost),
            Err(error) => {
                tracing::warn!(%task, %error, "a claim was not extended; trying again");
                Err(Renewed::TryAgain)
            }
        }
    }

    async fn change_visibility(&self, changes: Vec<(String, Duration)>) -> Vec<EntryResult<()>> {
        if changes.is_empty() {
            return Vec::new();
        }
        let HeartbeatParts { transport, queue, .. } = &self.parts;
        let answer = transport.change_visibility_batch(queue, changes).await;
        answer.unwrap_or_else(|error| {
            tracing::warn!(queue = queue.name(), %error, "leases were not renewed; trying again");
            Vec::new()
        })
    }
}

impl Entry {
    /// Whether the timer has to look at it.
    fn waits(&self) -> bool {
        !self.in_flight && !self.signals.ended().is_cancelled()
    }

    /// What to renew, unless it is too late or for too long.
    fn begin_renewal(&mut self, id: u64, now: Instant, parts: &HeartbeatParts) -> Option<Renewal> {
        if now >= self.ends_at {
            self.signals.tell_lost();
            return None;
        }
        let age = now - self.received_at;
        if age >= AGE_MAX {
            self.signals.tell_too_long();
            return None;
        }
        self.in_flight = true;
        let timeout = parts.visibility_timeout.min(super::lease::visibility_left(age));
        let (receipt, claim) = (self.receipt.clone(), self.claim.clone());
        Some(Renewal { id, receipt, claim, ends_at: self.ends_at, timeout })
    }

    fn end_renewal(&mut self, renewed: Renewed, timeout: Duration) {
        self.in_flight = false;
        match renewed {
            Renewed::At(begun_at) => {
                self.renew_at = begun_at + timeout / 2;
                self.ends_at = begun_at + timeout;
            }
            Renewed::TryAgain if Instant::now() >= self.ends_at => self.signals.tell_lost(),
            // A twentieth is soon for a lease and not much for the queue.
            Renewed::TryAgain => self.renew_at = Instant::now() + timeout / 20,
            Renewed::Lost => self.signals.tell_lost(),
        }
    }
}
