//! Deletes replies that were kept, in company: each request is paid for, and nobody waits for a delete. It
//! comes while the reply is still in flight; one that comes too late costs a second look at the reply.

use std::time::Duration;

use futures::future::join_all;
use tokio::time::Instant;

use crate::batch_entries::{Settled, settle};
use crate::batcher::{BatchLoop, Batcher, Linger};
use crate::error_chain::in_one_line;
use crate::transport::meter::{Charged, Item, charge};
use crate::transport::{Action, Purpose, QueueHandle, Transport, throttle};

/// How long a delete waits for others to share its request.
const LINGER: Duration = Duration::from_secs(1);
/// The part of the time left in flight that a delete waits for at most.
const LEASE_PARTS: u32 = 4;

/// Where deletes are handed in.
#[derive(Debug)]
pub(super) struct Deletes {
    receipts: Batcher<String, ()>,
    visibility_timeout: Duration,
}

/// Makes the calls for the [`Deletes`].
#[derive(Debug)]
pub(super) struct DeletesLoop {
    receipts: BatchLoop<String, ()>,
}

impl Deletes {
    /// Deletes of a queue whose messages stay in flight for `visibility_timeout`. In a FIFO queue they do
    /// not wait: the next reply of the group comes only after them.
    pub(super) fn new(queue: &QueueHandle, visibility_timeout: Duration) -> (Self, DeletesLoop) {
        let linger = if queue.is_fifo() { Linger::None } else { Linger::Whole(LINGER) };
        let (batcher, receipts) = Batcher::new(linger);
        (Self { receipts: batcher, visibility_timeout }, DeletesLoop { receipts })
    }

    /// Has messages deleted, soon, which were received then. Those that are visible again are waited for,
    /// so that the next receive does not bring them.
    pub(super) async fn delete(&self, receipts: Vec<String>, received_at: Instant) {
        let left = self.visibility_timeout.saturating_sub(received_at.elapsed());
        let hand_in = |receipt| self.receipts.submit_within(receipt, 0, left / LEASE_PARTS);
        let handed_in = join_all(receipts.into_iter().map(hand_in)).await;
        if left.is_zero() {
            join_all(handed_in.into_iter().flatten()).await;
        }
    }
}

impl DeletesLoop {
    /// Works until the [`Deletes`] are gone and everything was flushed.
    pub(super) async fn run(self, transport: &dyn Transport, queue: &QueueHandle) {
        let ready = || throttle::open(transport, queue, Action::DeleteMessageBatch);
        self.receipts.run_when(ready, |receipts| delete(transport, queue, receipts)).await;
    }
}

async fn delete(transport: &dyn Transport, queue: &QueueHandle, receipts: Vec<String>) -> Vec<()> {
    let of_reply = |entry| Charged { entry, item: Item::unnamed(Purpose::ReplyDelete) };
    let receipts = receipts.into_iter().map(of_reply).collect();
    let call = |receipts| charge(receipts, |receipts| transport.delete_batch(queue, receipts));
    let settled = settle(Action::DeleteMessageBatch, receipts, call).await;
    for one in &settled {
        if let Settled::GaveUp { cause, .. } = one {
            let cause = in_one_line(&**cause);
            tracing::warn!(queue = queue.name(), cause, "a reply was not deleted");
        }
    }
    vec![(); settled.len()]
}
