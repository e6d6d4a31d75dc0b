//! The right to answer for a received message, as a token that is spent once.
//!
//! ```text
//! Lease (renewed by the heartbeat) ── stop ──▶ StoppedLease ── delete or hand back ──▶ (spent)
//!   └──────────── lost ────────────▶ (nothing may be done)
//! ```
//!
//! # Invariants
//!
//! - Only a [`StoppedLease`] can be spent, and there is one only after the heartbeat has stopped
//!   and its call in flight was awaited: no renewal lands after the message was handed back.
//! - A dropped lease is no longer renewed: its message comes again.

use std::sync::Arc;
use std::time::Duration;

use longshore_types::limits::VISIBILITY_TIMEOUT_MAX;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::heartbeat::{Heartbeat, Held};

/// Another delivery may have the message: nothing may be done about it here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LeaseLost;

/// The right to answer for a message, renewed until it is stopped.
#[derive(Debug)]
pub(super) struct Lease {
    id: u64,
    receipt: String,
    /// The label of the message's task.
    task: Arc<str>,
    received_at: Instant,
    heartbeat: Arc<Heartbeat>,
    signals: LeaseSignals,
}

/// What the heartbeat tells whoever holds the lease.
#[derive(Clone, Debug)]
pub(super) struct LeaseSignals {
    /// Any of the others: the run is in vain.
    in_vain: CancellationToken,
    /// The lease is lost.
    pub(super) lost: CancellationToken,
    /// SQS will not let the message be in flight much longer.
    pub(super) too_long: CancellationToken,
    /// The task has ended elsewhere.
    pub(super) ended: CancellationToken,
    /// Somebody asked for the task's end.
    pub(super) cancelled: CancellationToken,
}

impl LeaseSignals {
    pub(super) fn new() -> Self {
        let signal = CancellationToken::new;
        Self {
            in_vain: signal(),
            lost: signal(),
            too_long: signal(),
            ended: signal(),
            cancelled: signal(),
        }
    }

    /// Cancelled when the run is in vain, for whatever reason.
    pub(super) fn in_vain(&self) -> CancellationToken {
        self.in_vain.clone()
    }

    /// Whether there is nothing to renew any more.
    pub(super) fn is_over(&self) -> bool {
        self.lost.is_cancelled() || self.too_long.is_cancelled()
    }

    pub(super) fn mark_lost(&self) {
        self.lost.cancel();
        self.in_vain.cancel();
    }

    pub(super) fn mark_too_long(&self) {
        self.too_long.cancel();
        self.in_vain.cancel();
    }

    pub(super) fn mark_ended(&self) {
        self.ended.cancel();
        self.in_vain.cancel();
    }

    pub(super) fn mark_cancelled(&self) {
        self.cancelled.cancel();
        self.in_vain.cancel();
    }
}

/// The right to answer for a message, no longer renewed, to be spent now.
#[derive(Debug)]
#[must_use = "a lease that is not spent leaves its message in flight"]
pub(super) struct StoppedLease {
    receipt: String,
    task: Arc<str>,
    received_at: Instant,
    ends_at: Instant,
}

impl Lease {
    pub(super) fn new(
        id: u64,
        receipt: String,
        task: Arc<str>,
        received_at: Instant,
        heartbeat: Arc<Heartbeat>,
        signals: LeaseSignals,
    ) -> Self {
        Self { id, receipt, task, received_at, heartbeat, signals }
    }

    /// The label of the message's task.
    pub(super) fn task(&self) -> &Arc<str> {
        &self.task
    }

    /// What the heartbeat tells.
    pub(super) fn signals(&self) -> &LeaseSignals {
        &self.signals
    }

    /// How long a claim has to last from now so that it outlives the lease.
    pub(super) fn claim_lease(&self) -> Duration {
        self.heartbeat.claim_lease(self.id)
    }

    /// Has the claim extended before each renewal, and the record looked after.
    pub(super) fn cover(&self, held: Held) {
        self.heartbeat.cover(self.id, held);
    }

    /// The handler begins: how long it takes is learned, and its lease renewed accordingly.
    pub(super) fn note_begin(&self) {
        self.heartbeat.note_begin(self.id);
    }

    /// The handler has come to its end after that time.
    pub(super) fn note_length(&self, length: Duration) {
        self.heartbeat.note_length(&self.task, length);
    }

    /// Takes the record back, to write how the run ended; the message is still renewed.
    pub(super) async fn uncover(&self) -> Result<Held, LeaseLost> {
        let held = self.heartbeat.uncover(self.id).await;
        self.held()?;
        held.ok_or(LeaseLost)
    }

    /// Takes the record back, also after the lease was lost.
    pub(super) async fn take_record(&self) -> Option<Held> {
        self.heartbeat.uncover(self.id).await
    }

    /// Whether nothing forbids to go on.
    pub(super) fn held(&self) -> Result<(), LeaseLost> {
        if self.signals.lost.is_cancelled() { Err(LeaseLost) } else { Ok(()) }
    }

    /// Stops the heartbeat and waits for its call in flight.
    pub(super) async fn stop(mut self) -> Result<StoppedLease, LeaseLost> {
        let ends_at = self.heartbeat.stop(self.id).await;
        self.held()?;
        let receipt = std::mem::take(&mut self.receipt);
        let task = Arc::clone(&self.task);
        Ok(StoppedLease { receipt, task, received_at: self.received_at, ends_at })
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.heartbeat.forget(self.id, self.signals.lost.is_cancelled());
    }
}

impl StoppedLease {
    /// The receipt handle, to spend it.
    pub(super) fn into_receipt(self) -> String {
        self.receipt
    }

    /// The label of the message's task.
    pub(super) fn task(&self) -> &Arc<str> {
        &self.task
    }

    /// When it is over: nothing is asked for by its receipt from then on.
    pub(super) fn ends_at(&self) -> Instant {
        self.ends_at
    }

    /// How long the lease lasts by itself.
    pub(super) fn time_left(&self) -> Duration {
        self.ends_at.saturating_duration_since(Instant::now())
    }

    /// As much of `wanted` as SQS lets the message stay in flight from now.
    pub(super) fn visibility_up_to(&self, wanted: Duration) -> Duration {
        wanted.min(visibility_left(self.received_at.elapsed()))
    }
}

/// How much longer SQS lets a message be in flight that has been for `age`: 12 hours in all, less
/// a second, since SQS counts whole ones and refuses what is too much.
pub(super) fn visibility_left(age: Duration) -> Duration {
    VISIBILITY_TIMEOUT_MAX.saturating_sub(age).saturating_sub(Duration::from_secs(1))
}
