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
//!   is counted, said and dropped: it revives nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use longshore_types::{Timestamp, limits};
use thiserror::Error;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::backoff::Backoff;
use crate::batch_entries::{Settled, settle};
use crate::clock::{Clock, SystemClock};
use crate::dead_letter::{self, DeadLetter};
use crate::error_chain::in_one_line;
use crate::id::{RandomSource, SystemRandom, TaskId};
use crate::life::{self, Standing};
use crate::receive;
use crate::reply::{self, NotAReply, Reply};
use crate::start;
use crate::store::{self, Answer, Change, Found, ListQuery, Records, Store, StoreError, Timed};
use crate::transport::{
    Action, QueueFacts, QueueHandle, ReceiveRequest, ReceivedMessage, Transport, TransportError,
};

/// When a receive that failed is made again.
const RECEIVE_AGAIN: Backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(5));
/// When replies are given to a store again that did not take them.
const KEEP_AGAIN: Backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(30));
/// How often what is past its time is removed, and how much in one go.
const EXPIRE_EVERY: Duration = Duration::from_secs(60);
const EXPIRE_COUNT_MAX: usize = 500;
/// Pages of early replies that are looked at in one go. A reply that nobody asks for is hidden for an
/// hour, and the list begins with the latest: a hundred of those must not keep others from being seen.
const REVEAL_PAGES_MAX: usize = 100;

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
    transport: Arc<dyn Transport>,
    queue_name: String,
    records: Records,
    clock: Arc<dyn Clock>,
    retention: Duration,
    wait: Duration,
    queue_patience: Duration,
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
    /// Replies that were kept, or changed nothing.
    pub kept: u64,
    /// Replies to tasks that are not known here: sent by an app with another store?
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

/// A reply as it was received.
struct Opened {
    receipt: String,
    id: TaskId,
    reply: Reply,
}

/// What happened to one message.
#[derive(Clone, Copy)]
enum Fate {
    Kept,
    Unknown,
    DeadLettered,
    StaysOnQueue,
}

impl Replies {
    /// A consumer of the queue of that name or URL. Give it the records of the app's
    /// [`Client`](crate::Client), so that whoever waits for a reply hears of it at once.
    pub fn new(transport: Arc<dyn Transport>, queue: impl Into<String>, records: Records) -> Self {
        Self {
            transport,
            queue_name: queue.into(),
            records,
            clock: Arc::new(SystemClock),
            retention: Duration::from_secs(345_600),
            wait: limits::RECEIVE_WAIT_MAX,
            queue_patience: Duration::ZERO,
            status: Arc::default(),
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
        let expiry = self.expire_forever();
        let consume = self.consume(&queue, &facts, &shutdown);
        tokio::select! {
            () = consume => {}
            () = expiry => {}
        }
        Ok(self.status.report())
    }

    async fn consume(&self, queue: &QueueHandle, facts: &QueueFacts, shutdown: &CancellationToken) {
        let mut pauses = RECEIVE_AGAIN.start();
        while !shutdown.is_cancelled() {
            match self.receive(queue, shutdown).await {
                Ok(None) => {}
                Ok(Some(messages)) => {
                    pauses.reset();
                    self.note_answer();
                    let replies = self.open(queue, facts, messages).await;
                    self.take_in(queue, replies, shutdown).await;
                }
                Err(error) => {
                    let error = in_one_line(&error);
                    tracing::warn!(queue = queue.name(), error, "replies cannot be received");
                    shutdown.run_until_cancelled(sleep(pauses.next_pause())).await;
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

    /// The replies among messages; what is none is dead-lettered.
    async fn open(
        &self,
        queue: &QueueHandle,
        facts: &QueueFacts,
        messages: Vec<ReceivedMessage>,
    ) -> Vec<Opened> {
        let (mut replies, mut settled) = (Vec::new(), Vec::new());
        for message in messages {
            let receipt = message.receipt_handle.clone();
            match reply::open(message.body.clone(), &message.attributes) {
                Ok((id, reply)) => replies.push(Opened { receipt, id, reply }),
                Err(reason) => {
                    let fate = self.dead_letter(facts, message, reason).await;
                    settled.extend(self.note(fate).then_some(receipt));
                }
            }
        }
        self.delete(queue, settled).await;
        replies
    }

    /// Keeps replies, and deletes those that are kept. While the store does not answer, nothing else
    /// is received: each receive of a reply that cannot be kept would bring it nearer to the
    /// dead-letter queue, where nobody looks for it.
    async fn take_in(
        &self,
        queue: &QueueHandle,
        mut replies: Vec<Opened>,
        shutdown: &CancellationToken,
    ) {
        let mut pauses = KEEP_AGAIN.start();
        loop {
            replies = self.keep_and_delete(queue, replies).await;
            if replies.is_empty() {
                return;
            }
            let pause = pauses.next_pause();
            tracing::warn!(
                queue = queue.name(),
                ?pause,
                "no reply is received until the store answers"
            );
            if shutdown.run_until_cancelled(sleep(pause)).await.is_none() {
                return;
            }
        }
    }

    /// Answers the replies for which the store did not answer.
    async fn keep_and_delete(&self, queue: &QueueHandle, replies: Vec<Opened>) -> Vec<Opened> {
        let fates = self.keep_all(queue, &replies).await;
        let (mut unanswered, mut settled) = (Vec::new(), Vec::new());
        for (opened, fate) in replies.into_iter().zip(fates) {
            match fate {
                Some(fate) => settled.extend(self.note(fate).then_some(opened.receipt)),
                None => unanswered.push(opened),
            }
        }
        self.delete(queue, settled).await;
        unanswered
    }

    /// Counts a message, and says whether it can be deleted.
    fn note(&self, fate: Fate) -> bool {
        let counter = match fate {
            Fate::Kept => &self.status.kept,
            Fate::Unknown => &self.status.unknown,
            Fate::DeadLettered => &self.status.dead_lettered,
            Fate::StaysOnQueue => return false,
        };
        counter.fetch_add(1, Relaxed);
        true
    }

    fn note_answer(&self) {
        self.status.receive_answered_at.store(self.clock.now().as_millis(), Relaxed);
    }

    /// Keeps replies: one call reads all their records. Each that changes is written by a call of its
    /// own: where the workers share the store, none does. `None` where the store did not answer.
    async fn keep_all(&self, queue: &QueueHandle, replies: &[Opened]) -> Vec<Option<Fate>> {
        if replies.is_empty() {
            return Vec::new();
        }
        let ids = replies.iter().map(|opened| opened.id.clone()).collect();
        let Timed { now, value: records } = match self.records.find_all(ids).await {
            Ok(found) => found,
            Err(error) => {
                tracing::warn!(%error, "replies were not kept; they are given to the store again");
                return replies.iter().map(|_| None).collect();
            }
        };
        let mut fates = Vec::new();
        for (opened, record) in replies.iter().zip(records) {
            let kept = match record {
                Ok(record) => self.keep(queue, opened, Found { record, now }).await,
                Err(unreadable) => Err(unreadable),
            };
            fates.push(kept.map_or_else(|error| not_kept(&opened.id, &error), Some));
        }
        fates
    }

    async fn keep(
        &self,
        queue: &QueueHandle,
        opened: &Opened,
        found: Found,
    ) -> store::Result<Fate> {
        let Opened { id, reply, .. } = opened;
        let Some(record) = &found.record else { return self.keep_unknown(queue, id, reply).await };
        let task = record.id.clone();
        let decide = |found: Found| -> store::Result<Option<Change>> {
            let Some(record) = found.record else { return Ok(None) };
            let next = life::taken_in(&record, reply, self.retention, found.now);
            Ok(next.map(|next| Change::of(record, next)))
        };
        self.records.change(found, decide).await?;
        self.records.tell_ended(&task);
        Ok(Fate::Kept)
    }

    /// Keeps a reply to an id that nobody knows: hidden, if it can be a `MessageId` whose alias is
    /// still to come.
    async fn keep_unknown(
        &self,
        queue: &QueueHandle,
        id: &TaskId,
        reply: &Reply,
    ) -> store::Result<Fate> {
        if !id.can_be_message_id() {
            tracing::warn!(
                task = %id,
                queue = queue.name(),
                "a reply to a task that is not known here was dropped: do several apps with stores \
                 of their own share this reply queue?"
            );
            return Ok(Fate::Unknown);
        }
        let next = life::hidden(queue.name(), reply.clone(), self.clock.now());
        match self.records.write_one(Change::first(id.clone(), next)).await? {
            Answer::Unreadable(error) => return Err(error),
            Answer::Written(_) | Answer::Conflict(_) => {}
        }
        // The alias may have come between the look and the write: then the task is known by now.
        self.records.take_in(id, reply, self.retention).await?;
        Ok(Fate::Kept)
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
        let letter = DeadLetter {
            body: &message.body,
            attributes: &message.attributes,
            task: None,
            reason: &reason.to_string(),
            fifo_id: &message.message_id,
        };
        let copy = dead_letter::copy(target, letter);
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
        for settled in settle(Action::DeleteMessageBatch, receipts, call).await {
            if let Settled::GaveUp { cause, .. } = settled {
                let cause = in_one_line(&*cause);
                tracing::warn!(queue = queue.name(), cause, "a reply was not deleted");
            }
        }
    }

    async fn expire_forever(&self) {
        loop {
            if let Err(error) = self.reveal().await {
                tracing::warn!(%error, "early replies were not looked for");
            }
            match self.records.store().expire(EXPIRE_COUNT_MAX).await {
                Ok(gone) if gone >= EXPIRE_COUNT_MAX => continue,
                Ok(_) => {}
                Err(error) => tracing::warn!(%error, "what is past its time was not removed"),
            }
            sleep(EXPIRE_EVERY).await;
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

/// What becomes of a reply that was not kept: a record that cannot be read stays so for a while, and
/// must not keep other replies from being received. `None` if the store did not answer.
fn not_kept(id: &TaskId, error: &StoreError) -> Option<Fate> {
    tracing::warn!(task = %id, %error, "a reply was not kept; it comes again");
    matches!(error, StoreError::Unreadable { .. }).then_some(Fate::StaysOnQueue)
}
