//! Receives messages, as many as there are permits to run them.
//!
//! # Invariants
//!
//! - Permits are held before a receive, one for each message that it asks for. A busy worker waits a little
//!   for more of them, so that its receives are not of one message each.
//! - A receive under way is dropped at a shutdown only when its transport allows it; what it
//!   brings until then is handed back.
//! - While the store cannot be reached, nothing is received.

use std::sync::Arc;
use std::time::Duration;

use longshore_types::limits::RECEIVE_COUNT_MAX;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::lease::Lease;
use super::patience::Patience;
use super::runtime::Runtime;
use crate::backoff::Backoff;
use crate::error_chain::in_one_line;
use crate::receive;
use crate::transport::meter::charge_receive;
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
        let mut patience = Patience::new(self.runtime.options.linger);
        loop {
            let permits = self.permits(&mut patience);
            let Some(permits) = self.shutdown.run_until_cancelled(permits).await else { return };
            let asked_at = Instant::now();
            let received = self.receive(permits).await;
            patience.note_receive(asked_at.elapsed());
            match received {
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
    async fn permits(&self, patience: &mut Patience) -> Vec<OwnedSemaphorePermit> {
        if let Some(reopens_at) = self.runtime.store_gate.reopens_at() {
            sleep_until(reopens_at).await;
        }
        let asked_at = Instant::now();
        let first = self.permit().await;
        self.wait_for_more(asked_at.elapsed(), patience).await;
        let more = std::iter::from_fn(|| Arc::clone(&self.permits).try_acquire_owned().ok());
        std::iter::once(first).chain(more.take(RECEIVE_COUNT_MAX - 1)).collect()
    }

    async fn permit(&self) -> OwnedSemaphorePermit {
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        permit.expect("the semaphore is never closed")
    }

    /// Waits a little for as many permits as fit a receive. Three of four will do: where few tasks run, nobody
    /// waits for their ends.
    async fn wait_for_more(&self, first_took: Duration, patience: &mut Patience) {
        let wanted = self.runtime.options.concurrency.min(RECEIVE_COUNT_MAX) - 1;
        let free = self.permits.available_permits();
        if free * 4 >= wanted * 3 {
            return;
        }
        let wait = patience.of_next(first_took);
        if wait.is_zero() {
            return;
        }
        let wanted = u32::try_from(wanted).expect("it is less than ten");
        // Let go of again: what is free by then is taken one by one.
        drop(timeout(wait, self.permits.acquire_many(wanted)).await);
        patience.note_wait(self.permits.available_permits() > free);
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
        let receive = receive::receive(transport, queue, request, &self.shutdown);
        let answer = charge_receive(Arc::clone(&runtime.names), receive).await?;
        let Some(messages) = answer else { return Ok(()) };
        runtime.status.note_received(messages.len(), runtime.options.clock.now());
        let received_at = begin_of_leases(called_at, runtime.visibility_timeout);
        let begin = |message: ReceivedMessage, permit| {
            let (receipt, task) = (message.receipt_handle.clone(), runtime.names.of(&message));
            let lease = runtime.heartbeat.begin(receipt, task, received_at);
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
