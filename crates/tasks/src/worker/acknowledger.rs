//! Spends leases: deletes messages and hands them back, in batches.
//!
//! Deletes wait for company, since each request is paid for and nobody waits for them: for a second, or
//! for a quarter of what is left of the lease, so that a delete comes while the receipt holds. In a FIFO
//! queue they do not, because the next task of the group comes only after them. A message that is handed
//! back leaves at once.
//!
//! # Invariants
//!
//! - Each entry of a batch is answered for by itself; one that fails is tried again.
//! - A delete by a stale receipt is not known to be done: the message may come again, and its
//!   claim then says that the task has ended.
//! - Nothing is asked for after the lease that it spends has ended, however long the queue throttles: by then
//!   another delivery may have the message. It comes again by itself, and that is counted.
//! - What was handed in before the end is flushed at the end, at once.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::lease::StoppedLease;
use super::status::{WorkerStatus, count};
use crate::batch_entries::{Settled, settle_before};
use crate::batcher::{BatchLoop, Batcher, Linger};
use crate::error_chain::in_one_line;
use crate::transport::meter::{Charged, Item, charge};
use crate::transport::{Action, Purpose, QueueHandle, Transport, throttle};

/// How long a delete waits for others to share its request.
const DELETE_LINGER: Linger = Linger::Whole(Duration::from_secs(1));
/// The part of what is left of its lease that a delete waits for at most.
const LEASE_PARTS: u32 = 4;

/// A message to delete, and when its lease ends.
type Receipt = (Charged<String>, Instant);
/// A message to hand back, for how long it stays away, and when its lease ends.
type Return = (Charged<(String, Duration)>, Instant);

/// Where leases are spent.
#[derive(Debug)]
pub(super) struct Acknowledger {
    deletes: Batcher<Receipt, ()>,
    returns: Batcher<Return, bool>,
}

/// Makes the calls for the [`Acknowledger`].
#[derive(Debug)]
pub(super) struct AcknowledgerLoop {
    deletes: BatchLoop<Receipt, ()>,
    returns: BatchLoop<Return, bool>,
    transport: Arc<dyn Transport>,
    queue: QueueHandle,
    status: Arc<WorkerStatus>,
}

impl Acknowledger {
    pub(super) fn new(
        transport: Arc<dyn Transport>,
        queue: QueueHandle,
        status: Arc<WorkerStatus>,
    ) -> (Self, AcknowledgerLoop) {
        let linger = if queue.is_fifo() { Linger::None } else { DELETE_LINGER };
        let (delete_in, deletes) = Batcher::new(linger);
        let (return_in, returns) = Batcher::new(Linger::None);
        let run = AcknowledgerLoop { deletes, returns, transport, queue, status };
        (Self { deletes: delete_in, returns: return_in }, run)
    }

    /// Has the message deleted, soon.
    pub(super) async fn delete(&self, lease: StoppedLease) {
        let patience = lease.time_left() / LEASE_PARTS;
        drop(self.deletes.submit_within(receipt(lease), 0, patience).await);
    }

    /// Has the message deleted, at once: the task goes on with another message, and the less both are
    /// there, the better.
    pub(super) async fn delete_at_once(&self, lease: StoppedLease) {
        drop(self.deletes.submit_within(receipt(lease), 0, Duration::ZERO).await);
    }

    /// Makes the message available `after` that time; returns when the queue has said so, or it
    /// was tried often enough, or the lease is over. Then it comes when its lease ends.
    pub(super) async fn hand_back(&self, lease: StoppedLease, after: Duration) {
        let after = lease.visibility_up_to(after);
        let (item, ends_at) = (Item::new(Purpose::HandBack, lease.task()), lease.ends_at());
        let entry = (lease.into_receipt(), after);
        let handed_back = self.returns.ask((Charged { entry, item }, ends_at), 0).await;
        if handed_back != Some(true) {
            tracing::warn!("a message was not handed back; it comes when its lease ends");
        }
    }
}

impl AcknowledgerLoop {
    /// Works until the [`Acknowledger`] is gone and everything was flushed.
    pub(super) async fn run(self) {
        let Self { deletes, returns, transport, queue, status } = self;
        let ready = || throttle::open(&*transport, &queue, Action::DeleteMessageBatch);
        let delete_all =
            deletes.run_when(ready, |receipts| delete(&*transport, &queue, &status, receipts));
        let return_all = returns.run(|changes| hand_back(&*transport, &queue, &status, changes));
        tokio::join!(delete_all, return_all);
    }
}

fn receipt(lease: StoppedLease) -> Receipt {
    let (item, ends_at) = (Item::new(Purpose::Delete, lease.task()), lease.ends_at());
    (Charged { entry: lease.into_receipt(), item }, ends_at)
}

async fn delete(
    transport: &dyn Transport,
    queue: &QueueHandle,
    status: &WorkerStatus,
    receipts: Vec<Receipt>,
) -> Vec<()> {
    let settled = settle_before(Action::DeleteMessageBatch, receipts, |receipts| {
        charge(receipts, |receipts| transport.delete_batch(queue, receipts))
    })
    .await;
    for one in &settled {
        match one {
            Settled::Done(()) => count(&status.deleted),
            Settled::Stale => count(&status.delete_unknown),
            Settled::Late => {
                count(&status.too_late);
                tracing::warn!(
                    queue = queue.name(),
                    "a lease ended before its message could be deleted"
                );
            }
            Settled::GaveUp { cause, .. } => {
                count(&status.delete_unknown);
                let cause = in_one_line(&**cause);
                tracing::warn!(queue = queue.name(), cause, "a delete is not known to be done");
            }
        }
    }
    vec![(); settled.len()]
}

async fn hand_back(
    transport: &dyn Transport,
    queue: &QueueHandle,
    status: &WorkerStatus,
    changes: Vec<Return>,
) -> Vec<bool> {
    let call =
        |changes| charge(changes, |changes| transport.change_visibility_batch(queue, changes));
    let settled = settle_before(Action::ChangeMessageVisibilityBatch, changes, call).await;
    let is_back = |one: Settled<()>| match one {
        Settled::Done(()) | Settled::Stale => true,
        Settled::GaveUp { .. } => false,
        Settled::Late => {
            count(&status.too_late);
            false
        }
    };
    settled.into_iter().map(is_back).collect()
}
