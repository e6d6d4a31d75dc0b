//! Consumes a reply queue: the application's side of request and reply.
//!
//! receive → open → keep in the task's record → delete. Where the workers share the store, their own
//! end of the task is there already, and its reply changes nothing. A message that is no reply is
//! copied to the queue's dead-letter queue with the reason, and then deleted.
//!
//! # Invariants
//!
//! - A reply is deleted only after the store has it: a crash between them costs a second look at
//!   a reply that changes nothing.
//! - A reply whose keeping or copying fails stays on the queue and comes again. So does one whose
//!   task has a record of a later version: another app may be able to read it.
//! - While the store does not answer, nothing is received: receives that keep nothing would have the
//!   queue move replies to its dead-letter queue.
//! - A reply to a `MessageId` that nobody knows yet is kept hidden; one to a task id that nobody knows
//!   is counted, said and dropped: it revives nothing. What stays hidden is counted and said too.

mod consumer;
mod deletes;
mod early;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use longshore_types::{Timestamp, limits};
use thiserror::Error;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use self::consumer::Consumer;
use self::deletes::Deletes;
use self::early::Early;
use crate::clock::{Clock, SystemClock};
use crate::id::{RandomSource, SystemRandom};
use crate::life::{Phase, Standing};
use crate::start;
use crate::store::{self, ListQuery, Records, Store};
use crate::transport::{Gated, QueueFacts, QueueHandle, Transport, TransportError};

/// How often what is past its time is removed, and how much in one go.
const EXPIRE_EVERY: Duration = Duration::from_secs(60);
const EXPIRE_COUNT_MAX: usize = 500;
/// Pages of early replies that are looked at in one go. A reply that nobody asks for is hidden for an
/// hour, and the list begins with the latest: a hundred of those must not keep others from being seen.
const REVEAL_PAGES_MAX: usize = 100;
/// Early replies that are judged by one call.
const JUDGE_COUNT_MAX: usize = 500;

/// Consumes a reply queue into the records of its tasks. Clones share one status.
///
/// ```
/// use std::sync::Arc;
///
/// use longshore_tasks::{Client, Replies, RepliesError, Transport};
/// use tokio_util::sync::CancellationToken;
///
/// /// Beside whatever else the app does; whoever waits by `client` hears of each reply.
/// async fn take_in(
///     transport: Arc<dyn Transport>,
///     client: &Client,
///     shutdown: CancellationToken,
/// ) -> Result<(), RepliesError> {
///     let replies = Replies::new(transport, "replies", client.records().clone());
///     let report = replies.run(shutdown).await?;
///     println!("{} replies, and {} of unknown tasks", report.kept, report.unknown);
///     Ok(())
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Replies {
    transport: Arc<Gated>,
    queue_name: String,
    records: Records,
    clock: Arc<dyn Clock>,
    retention: Duration,
    wait: Duration,
    queue_patience: Duration,
    status: Arc<RepliesStatus>,
    early: Arc<Early>,
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
    /// Replies that were kept, or changed nothing.
    pub kept: u64,
    /// Replies to tasks that are not known here: sent by an app with another store? One to an id that can be a
    /// `MessageId` is known to be of these a minute later, and was counted as kept before.
    pub unknown: u64,
    /// Messages that were no replies, and were dead-lettered.
    pub dead_lettered: u64,
}

/// What the consumer of a reply queue does, to be read while it runs.
#[derive(Debug, Default)]
pub struct RepliesStatus {
    kept: AtomicU64,
    unknown: AtomicU64,
    dead_lettered: AtomicU64,
    receive_answered_at: AtomicU64,
}

impl RepliesStatus {
    /// The counts so far.
    pub fn report(&self) -> RepliesReport {
        RepliesReport {
            kept: self.kept.load(Relaxed),
            unknown: self.unknown.load(Relaxed),
            dead_lettered: self.dead_lettered.load(Relaxed),
        }
    }

    /// When the queue last answered a receive; `None` if it never did.
    pub fn receive_answered_at(&self) -> Option<Timestamp> {
        let millis = self.receive_answered_at.load(Relaxed);
        (millis > 0).then(|| Timestamp::from_millis(millis))
    }
}

impl Replies {
    /// A consumer of the queue of that name or URL. Give it the records of the app's
    /// [`Client`](crate::Client), so that whoever waits for a reply hears of it at once.
    pub fn new(transport: Arc<dyn Transport>, queue: impl Into<String>, records: Records) -> Self {
        let random: Arc<dyn RandomSource> = Arc::new(SystemRandom);
        Self {
            transport: Gated::new(transport, &random),
            queue_name: queue.into(),
            records,
            clock: Arc::new(SystemClock),
            retention: Duration::from_secs(345_600),
            wait: limits::RECEIVE_WAIT_MAX,
            queue_patience: Duration::ZERO,
            status: Arc::default(),
            early: Arc::default(),
        }
    }

    /// A consumer into a store, beside any client.
    pub fn into_store(
        transport: Arc<dyn Transport>,
        queue: impl Into<String>,
        store: Arc<dyn Store>,
    ) -> Self {
        let random: Arc<dyn RandomSource> = Arc::new(SystemRandom);
        Self::new(transport, queue, Records::new(store, random))
    }

    /// Tells when the queue last answered; the system's clock by default.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// How long a result answers that came over the queue: 4 days by default. Give the
    /// [`Client`](crate::Client) the same retention.
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

    /// How long a queue that is not there is waited for at the start: not at all by default.
    #[must_use]
    pub fn queue_patience(mut self, patience: Duration) -> Self {
        self.queue_patience = patience;
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
        let found =
            start::find_queue(&*self.transport, &self.queue_name, self.queue_patience, &shutdown);
        let found = found.await?;
        let Some((queue, facts)) = found else { return Ok(self.status.report()) };
        tokio::select! {
            biased;
            () = self.consume(&queue, &facts, &shutdown) => {}
            () = self.expire_forever() => {}
        }
        Ok(self.status.report())
    }

    async fn consume(&self, queue: &QueueHandle, facts: &QueueFacts, shutdown: &CancellationToken) {
        let (deletes, deleting) = Deletes::new(queue, facts.visibility_timeout);
        let consumer = Consumer { replies: self, queue, facts, deletes, shutdown };
        tokio::join!(consumer.run(), deleting.run(&*self.transport, queue));
    }

    async fn expire_forever(&self) {
        loop {
            if let Err(error) = self.reveal().await {
                tracing::warn!(%error, "early replies were not looked for");
            }
            self.judge_early().await;
            match self.records.store().expire(EXPIRE_COUNT_MAX).await {
                Ok(gone) if gone >= EXPIRE_COUNT_MAX => continue,
                Ok(_) => {}
                Err(error) => tracing::warn!(%error, "what is past its time was not removed"),
            }
            sleep(EXPIRE_EVERY).await;
        }
    }

    /// Counts, and says, which early replies belong to no task of this store.
    async fn judge_early(&self) {
        loop {
            let ids = self.early.take(JUDGE_COUNT_MAX);
            if ids.is_empty() {
                return;
            }
            let found = match self.records.find_all(ids.clone()).await {
                Ok(found) => found.value,
                Err(error) => {
                    for id in ids {
                        self.early.note(id);
                    }
                    return tracing::warn!(%error, "early replies were not judged; they will be");
                }
            };
            let hidden = found.into_iter().filter_map(|record| record.ok().flatten());
            let mut strangers =
                hidden.filter(|record| record.life.phase == Phase::Hidden).peekable();
            let Some(first) = strangers.peek().map(|record| record.id.clone()) else { continue };
            let count = strangers.count() as u64;
            self.status.unknown.fetch_add(count, Relaxed);
            tracing::warn!(
                task = %first,
                queue = self.queue_name,
                count,
                "replies to tasks that are not known here are kept hidden and will go: do several apps with \
                 stores of their own share this reply queue?"
            );
        }
    }

    /// Looks after early replies: an app may have died between noting an alias and taking the reply
    /// in. The rest of what is due is the workers'.
    async fn reveal(&self) -> store::Result<()> {
        let mut after = None;
        for _ in 0..REVEAL_PAGES_MAX {
            let standings = vec![Standing::Hidden];
            let query = ListQuery { standings, after, ..ListQuery::default() };
            let (hidden, next) = self.records.list(query).await?;
            self.records.reveal(hidden, self.retention).await?;
            after = next;
            if after.is_none() {
                break;
            }
        }
        Ok(())
    }
}
