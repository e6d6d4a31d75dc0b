//! Consumes a reply queue: the application's side of request and reply.
//!
//! receive → open → keep in the [`ReplyStore`] → delete. A message that is no reply is copied to
//! the queue's dead-letter queue with the reason, and then deleted.
//!
//! # Invariants
//!
//! - A reply is deleted only after the store has it: a crash between them costs a second look at
//!   a reply that changes nothing.
//! - A reply whose keeping or copying fails stays on the queue and comes again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use futures::future::join_all;
use longshore_types::{Timestamp, limits};
use thiserror::Error;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::batch_entries::{Settled, settle};
use crate::clock::{Clock, SystemClock};
use crate::dead_letter;
use crate::receive;
use crate::reply::{self, NotAReply};
use crate::start;
use crate::store::{ReplyStore, Retention, StoreError};
use crate::transport::{
    QueueFacts, QueueHandle, ReceiveRequest, ReceivedMessage, Transport, TransportError,
};

/// How long a receive that failed is not repeated, at first and at last.
const RECEIVE_AGAIN: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));
/// How often tasks that were kept long enough are looked for: once in their retention, within
/// these bounds.
const EXPIRE_EVERY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));
/// Replies that are removed in one go, so that nobody waits long for the store.
const EXPIRE_COUNT_MAX: usize = 500;

/// Consumes a reply queue into a reply store.
#[derive(Debug)]
pub struct Replies {
    transport: Arc<dyn Transport>,
    queue_name: String,
    store: Arc<dyn ReplyStore>,
    clock: Arc<dyn Clock>,
    retention: Duration,
    wait: Duration,
    status: Arc<RepliesStatus>,
}

/// Why replies cannot be consumed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RepliesError {
    /// The queue was not found, or could not be asked about.
    #[error("replies cannot be received: {0}")]
    Start(#[from] TransportError),
}

/// What became of the messages of a reply queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RepliesReport {
    /// Replies that were kept.
    pub kept: u64,
    /// Messages that were no replies, and were dead-lettered.
    pub dead_lettered: u64,
}

/// What the consumer of a reply queue does, to be read while it runs.
#[derive(Debug, Default)]
pub struct RepliesStatus {
    kept: AtomicU64,
    dead_lettered: AtomicU64,
    receive_answered_at: AtomicU64,
}

impl RepliesStatus {
    /// The counts so far.
    pub fn report(&self) -> RepliesReport {
        let (kept, dead_lettered) = (self.kept.load(Relaxed), self.dead_lettered.load(Relaxed));
        RepliesReport { kept, dead_lettered }
    }

    /// When the queue last answered a receive; `None` if it never did.
    pub fn receive_answered_at(&self) -> Option<Timestamp> {
        let millis = self.receive_answered_at.load(Relaxed);
        (millis > 0).then(|| Timestamp::from_millis(millis))
    }
}

/// What happened to one message.
enum Fate {
    Kept,
    DeadLettered,
    StaysOnQueue,
}

impl Replies {
    /// A consumer of the queue of that name or URL.
    pub fn new(
        transport: Arc<dyn Transport>,
        queue: impl Into<String>,
        store: Arc<dyn ReplyStore>,
    ) -> Self {
        Self {
            transport,
            queue_name: queue.into(),
            store,
            clock: Arc::new(SystemClock),
            retention: Duration::from_secs(345_600),
            wait: limits::RECEIVE_WAIT_MAX,
            status: Arc::default(),
        }
    }

    /// Tells the time; the system's clock by default.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// How long a result is kept after its task ended: 4 days by default. A task without a reply
    /// is kept for 14 days at least; see [`Retention`]. Give the [`Client`](crate::Client) the same
    /// retention, so that it takes no notice of what was not removed yet.
    #[must_use]
    pub fn retention(mut self, retention: Duration) -> Self {
        self.retention = retention;
        self
    }

    /// How long a receive waits for a message: up to 20 s, which is the default.
    #[must_use]
    pub fn wait(mut self, wait: Duration) -> Self {
        self.wait = wait;
        self
    }

    /// What the consumer does, to be read while it runs.
    pub fn status(&self) -> Arc<RepliesStatus> {
        Arc::clone(&self.status)
    }

    /// Consumes until `shutdown` is cancelled. A receive under way then is waited for as long as
    /// [`Transport::receive_patience`] says; what it brings is kept.
    ///
    /// # Errors
    ///
    /// Only at the start. Later, a broker or store that cannot be reached is waited for.
    ///
    /// # Cancel safety
    ///
    /// Dropped, it loses nothing: what it held comes again after its visibility timeout.
    pub async fn run(self, shutdown: CancellationToken) -> Result<RepliesReport, RepliesError> {
        let found = start::find_queue(&*self.transport, &self.queue_name, &shutdown).await?;
        let Some((queue, facts)) = found else { return Ok(self.status.report()) };
        let expiry = self.expire_forever();
        let consume = self.consume(&queue, &facts, &shutdown);
        tokio::select! {
            () = consume => {}
            () = expiry => {}
        }
        Ok(self.status.report())
    }

    async fn consume(&self, queue: &QueueHandle, facts: &QueueFacts, shutdown: &CancellationToken) {
        let (first, last) = RECEIVE_AGAIN;
        let mut pause = first;
        while !shutdown.is_cancelled() {
            match self.receive(queue, shutdown).await {
                Ok(None) => {}
                Ok(Some(messages)) => {
                    pause = first;
                    self.note_answer();
                    self.take_in(queue, facts, messages).await;
                }
                Err(error) => {
                    tracing::warn!(queue = queue.name(), %error, "replies cannot be received");
                    shutdown.run_until_cancelled(sleep(pause)).await;
                    pause = (pause * 2).min(last);
                }
            }
        }
    }

    async fn receive(
        &self,
        queue: &QueueHandle,
        shutdown: &CancellationToken,
    ) -> Result<Option<Vec<ReceivedMessage>>, TransportError> {
        let count_max = limits::RECEIVE_COUNT_MAX;
        let request = ReceiveRequest { count_max, wait: self.wait, visibility_timeout: None };
        receive::receive(&*self.transport, queue, request, shutdown).await
    }

    async fn take_in(
        &self,
        queue: &QueueHandle,
        facts: &QueueFacts,
        messages: Vec<ReceivedMessage>,
    ) {
        let mut receipts = Vec::new();
        let fates = messages.into_iter().map(|message| self.take_in_one(facts, message));
        for (receipt, fate) in join_all(fates).await {
            let counter = match fate {
                Fate::Kept => &self.status.kept,
                Fate::DeadLettered => &self.status.dead_lettered,
                Fate::StaysOnQueue => continue,
            };
            counter.fetch_add(1, Relaxed);
            receipts.push(receipt);
        }
        self.delete(queue, receipts).await;
    }

    fn note_answer(&self) {
        self.status.receive_answered_at.store(self.clock.now().as_millis(), Relaxed);
    }

    async fn take_in_one(&self, facts: &QueueFacts, message: ReceivedMessage) -> (String, Fate) {
        let receipt = message.receipt_handle.clone();
        let fate = match reply::open(message.body.clone(), &message.attributes) {
            Ok((id, reply)) => {
                let kept = self.store.complete(&id, reply, self.clock.now()).await;
                kept.map_or_else(|error| stays(&message, &error), |()| Fate::Kept)
            }
            Err(reason) => self.dead_letter(facts, message, reason).await,
        };
        (receipt, fate)
    }

    async fn dead_letter(
        &self,
        facts: &QueueFacts,
        message: ReceivedMessage,
        reason: NotAReply,
    ) -> Fate {
        let id = message.message_id.clone();
        let Some(target) = facts.dead_letter.as_ref().map(|facts| &facts.queue) else {
            tracing::error!(message = id, %reason, "not a reply, and no dead-letter queue for it");
            return Fate::StaysOnQueue;
        };
        let copy = dead_letter::copy(target, &message, None, &reason.to_string());
        let sent = self.transport.send_batch(target, vec![copy]).await;
        match sent.map(|mut entries| entries.pop()) {
            Ok(Some(Ok(_))) => {
                tracing::warn!(message = id, %reason, "not a reply: dead-lettered");
                Fate::DeadLettered
            }
            failed => {
                tracing::warn!(message = id, ?failed, "not a reply, and not yet dead-lettered");
                Fate::StaysOnQueue
            }
        }
    }

    async fn delete(&self, queue: &QueueHandle, receipts: Vec<String>) {
        if receipts.is_empty() {
            return;
        }
        let call = |receipts| self.transport.delete_batch(queue, receipts);
        for settled in settle(receipts, call).await {
            if let Settled::GaveUp(cause) = settled {
                tracing::warn!(queue = queue.name(), cause, "a reply was not deleted");
            }
        }
    }

    async fn expire_forever(&self) {
        let (least, most) = EXPIRE_EVERY;
        loop {
            if let Err(error) = self.expire().await {
                tracing::warn!(%error, "old replies were not removed");
            }
            sleep(self.retention.clamp(least, most)).await;
        }
    }

    async fn expire(&self) -> Result<(), StoreError> {
        let horizon = Retention::new(self.retention).horizon(self.clock.now());
        while self.store.expire_replies(horizon, EXPIRE_COUNT_MAX).await? == EXPIRE_COUNT_MAX {}
        Ok(())
    }
}

fn stays(message: &ReceivedMessage, error: &StoreError) -> Fate {
    tracing::warn!(message = message.message_id, %error, "a reply was not kept; it comes again");
    Fate::StaysOnQueue
}
