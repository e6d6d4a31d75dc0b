//! Receives messages, as many as there are permits to run them.
//!
//! # Invariants
//!
//! - Permits are held before a receive, one for each message that it asks for.
//! - A receive under way is dropped at a shutdown only when its transport allows it; what it
//!   brings until then is handed back.
//! - While the store cannot be reached, nothing is received.

use std::sync::Arc;
use std::time::Duration;

use longshore_types::limits::RECEIVE_COUNT_MAX;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::lease::Lease;
use super::runtime::Runtime;
use crate::backoff::Backoff;
use crate::error_chain::in_one_line;
use crate::receive;
use crate::transport::{ReceiveRequest, ReceivedMessage};

/// When a receive that failed is made again.
pub(crate) const RECEIVE_AGAIN: Backoff =
    Backoff::new(Duration::from_millis(100), Duration::from_secs(5));

/// How long an answer may be on its way: leases are counted from that long before it came.
const ANSWER_DELAY: Duration = Duration::from_secs(1);

/// A message, the lease on it, and the permit to run it.
#[derive(Debug)]
pub(super) struct Delivery {
    pub(super) message: ReceivedMessage,
    pub(super) lease: Lease,
    pub(super) permit: OwnedSemaphorePermit,
}

/// Receives messages.
#[derive(Debug)]
pub(super) struct Poller {
    pub(super) runtime: Arc<Runtime>,
    pub(super) permits: Arc<Semaphore>,
    pub(super) deliveries: mpsc::Sender<Delivery>,
    pub(super) shutdown: CancellationToken,
}

impl Poller {
    /// Receives until the shutdown, and until the receive under way then has ended.
    pub(super) async fn run(self) {
        let mut pauses = RECEIVE_AGAIN.start();
        while let Some(permits) = self.shutdown.run_until_cancelled(self.permits()).await {
            match self.receive(permits).await {
                Ok(()) => pauses.reset(),
                Err(error) => {
                    let queue = self.runtime.queue.name();
                    let error = in_one_line(&error);
                    tracing::warn!(queue, error, "tasks cannot be received");
                    self.shutdown.run_until_cancelled(sleep(pauses.next_pause())).await;
                }
            }
        }
    }

    /// A permit for each message of the next receive: one at least, and what else is free.
    async fn permits(&self) -> Vec<OwnedSemaphorePermit> {
        if let Some(reopens_at) = self.runtime.store_gate.reopens_at() {
            sleep_until(reopens_at).await;
        }
        let permits = || Arc::clone(&self.permits);
        let first = permits().acquire_owned().await.expect("the semaphore is never closed");
        let more = std::iter::from_fn(|| permits().try_acquire_owned().ok());
        std::iter::once(first).chain(more.take(RECEIVE_COUNT_MAX - 1)).collect()
    }

    async fn receive(&self, permits: Vec<OwnedSemaphorePermit>) -> crate::transport::Result<()> {
        let runtime = &self.runtime;
        let called_at = Instant::now();
        let request = ReceiveRequest {
            count_max: permits.len(),
            wait: runtime.options.wait,
            visibility_timeout: Some(runtime.visibility_timeout),
        };
        let (transport, queue) = (&*runtime.transport, &runtime.queue);
        let answer = receive::receive(transport, queue, request, &self.shutdown).await?;
        let Some(messages) = answer else { return Ok(()) };
        runtime.status.note_received(messages.len(), runtime.options.clock.now());
        let received_at = begin_of_leases(called_at, runtime.visibility_timeout);
        let begin = |message: ReceivedMessage, permit| {
            let lease = runtime.heartbeat.begin(message.receipt_handle.clone(), received_at);
            Delivery { message, lease, permit }
        };
        // All leases are renewed from here on, before anything is waited for.
        let deliveries: Vec<_> = messages
            .into_iter()
            .zip(permits)
            .map(|(message, permit)| begin(message, permit))
            .collect();
        for delivery in deliveries {
            // The dispatcher takes deliveries until the poller is gone.
            if self.deliveries.send(delivery).await.is_err() {
                break;
            }
        }
        Ok(())
    }
}

/// When the leases of what has just come began, at the earliest. A long poll is answered when a
/// message comes, so they did not begin with the call: a poll can last longer than a lease.
fn begin_of_leases(called_at: Instant, visibility_timeout: Duration) -> Instant {
    let on_its_way = ANSWER_DELAY.min(visibility_timeout / 4);
    Instant::now().checked_sub(on_its_way).map_or(called_at, |sent_at| sent_at.max(called_at))
}
