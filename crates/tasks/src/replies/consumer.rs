//! The way of a reply: receive → open → keep in the task's record → delete.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use longshore_types::limits;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument as _, Span};

use super::Replies;
use super::deletes::Deletes;
use crate::backoff::Backoff;
use crate::dead_letter::{self, DeadLetter};
use crate::envelope::Envelope;
use crate::error_chain::in_one_line;
use crate::id::TaskId;
use crate::life::{self, Phase};
use crate::receive;
use crate::reply::{self, NotAReply, Reply};
use crate::store::{self, Change, Found, StoreError, Timed};
use crate::trace::TraceContext;
use crate::trace::spans::{self, AboutMessage};
use crate::transport::meter::{Charged, Item, charge, charge_reply_receive};
use crate::transport::{
    Action, Purpose, QueueFacts, QueueHandle, ReceiveRequest, ReceivedMessage, Transport as _,
    TransportError, throttle,
};

/// When a receive that failed is made again.
const RECEIVE_AGAIN: Backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(5));
/// When replies are given to a store again that did not take them.
const KEEP_AGAIN: Backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(30));

/// A reply as it was received.
struct Opened {
    receipt: String,
    message: String,
    id: TaskId,
    reply: Reply,
    trace: Option<TraceContext>,
}

/// What happened to one message.
#[derive(Clone, Copy)]
enum Fate {
    Kept,
    Unknown,
    DeadLettered,
    StaysOnQueue,
}

/// Consumes a queue of replies that was found.
#[derive(Debug)]
pub(super) struct Consumer<'a> {
    pub(super) replies: &'a Replies,
    pub(super) queue: &'a QueueHandle,
    pub(super) facts: &'a QueueFacts,
    pub(super) deletes: Deletes,
    pub(super) shutdown: &'a CancellationToken,
}

impl Consumer<'_> {
    /// Consumes until the shutdown.
    pub(super) async fn run(self) {
        let mut pauses = RECEIVE_AGAIN.start();
        while !self.shutdown.is_cancelled() {
            match self.receive().await {
                Ok(None) => {}
                Ok(Some(messages)) => {
                    pauses.reset();
                    let received_at = Instant::now();
                    self.note_answer();
                    let replies = self.open(messages, received_at).await;
                    self.take_in(replies, received_at).await;
                }
                Err(error) if error.retry_after().is_some() => {
                    let transport = &*self.replies.transport;
                    let open = throttle::open(transport, self.queue, Action::ReceiveMessage);
                    self.shutdown.run_until_cancelled(open).await;
                }
                Err(error) => {
                    let error = in_one_line(&error);
                    tracing::warn!(queue = self.queue.name(), error, "replies cannot be received");
                    self.shutdown.run_until_cancelled(sleep(pauses.next_pause())).await;
                }
            }
        }
    }

    async fn receive(&self) -> Result<Option<Vec<ReceivedMessage>>, TransportError> {
        let (transport, wait) = (&*self.replies.transport, self.replies.wait);
        let count_max = limits::RECEIVE_COUNT_MAX;
        let request = ReceiveRequest { count_max, wait, visibility_timeout: None };
        let receive = receive::receive(transport, self.queue, request, self.shutdown);
        charge_reply_receive(receive).await
    }

    /// The replies among messages; what is none is dead-lettered.
    async fn open(&self, messages: Vec<ReceivedMessage>, received_at: Instant) -> Vec<Opened> {
        let (mut replies, mut settled) = (Vec::new(), Vec::new());
        for message in messages {
            let receipt = message.receipt_handle.clone();
            match reply::open(message.body.clone(), &message.attributes) {
                Ok((id, reply)) => {
                    // Only a span goes on from there.
                    let trace =
                        spans::are_built().then(|| Envelope::of(&message).trace()).flatten();
                    let message = message.message_id;
                    replies.push(Opened { receipt, message, id, reply, trace });
                }
                Err(reason) => {
                    let fate = self.dead_letter(message, reason).await;
                    settled.extend(self.note(fate).then_some(receipt));
                }
            }
        }
        self.deletes.delete(settled, received_at).await;
        replies
    }

    /// Keeps replies, and deletes those that are kept. While the store does not answer, nothing else
    /// is received: each receive of a reply that cannot be kept would bring it nearer to the
    /// dead-letter queue, where nobody looks for it.
    async fn take_in(&self, mut replies: Vec<Opened>, received_at: Instant) {
        let mut pauses = KEEP_AGAIN.start();
        loop {
            replies = self.keep_and_delete(replies, received_at).await;
            if replies.is_empty() {
                return;
            }
            let pause = pauses.next_pause();
            tracing::warn!(
                queue = self.queue.name(),
                ?pause,
                "no reply is received until the store answers"
            );
            if self.shutdown.run_until_cancelled(sleep(pause)).await.is_none() {
                return;
            }
        }
    }

    /// Answers the replies for which the store did not answer.
    async fn keep_and_delete(&self, replies: Vec<Opened>, received_at: Instant) -> Vec<Opened> {
        let fates = self.keep_all(&replies).await;
        let (mut unanswered, mut settled) = (Vec::new(), Vec::new());
        for (opened, fate) in replies.into_iter().zip(fates) {
            match fate {
                Some(fate) => settled.extend(self.note(fate).then_some(opened.receipt)),
                None => unanswered.push(opened),
            }
        }
        self.deletes.delete(settled, received_at).await;
        unanswered
    }

    /// Counts a message, and says whether it can be deleted.
    fn note(&self, fate: Fate) -> bool {
        let counter = match fate {
            Fate::Kept => &self.replies.status.kept,
            Fate::Unknown => &self.replies.status.unknown,
            Fate::DeadLettered => &self.replies.status.dead_lettered,
            Fate::StaysOnQueue => return false,
        };
        counter.fetch_add(1, Relaxed);
        true
    }

    fn note_answer(&self) {
        self.replies
            .status
            .receive_answered_at
            .store(self.replies.clock.now().as_millis(), Relaxed);
    }

    /// Keeps replies: one call reads all their records. Each that changes is written by a call of its
    /// own: where the workers share the store, none does. `None` where the store did not answer.
    async fn keep_all(&self, replies: &[Opened]) -> Vec<Option<Fate>> {
        if replies.is_empty() {
            return Vec::new();
        }
        let ids = replies.iter().map(|opened| opened.id.clone()).collect();
        let Timed { now, value: records } = match self.replies.records.find_all(ids).await {
            Ok(found) => found,
            Err(error) => {
                tracing::warn!(%error, "replies were not kept; they are given to the store again");
                return replies.iter().map(|_| None).collect();
            }
        };
        let mut fates = Vec::new();
        for (opened, record) in replies.iter().zip(records) {
            let span = self.span(opened);
            let kept = match record {
                Ok(record) => {
                    self.keep(opened, Found { record, now }).instrument(span.clone()).await
                }
                Err(unreadable) => Err(unreadable),
            };
            if kept.is_err() {
                spans::fail(&span, "not_kept");
            }
            fates.push(kept.map_or_else(|error| not_kept(&opened.id, &error), Some));
        }
        fates
    }

    fn span(&self, opened: &Opened) -> Span {
        let about = AboutMessage {
            queue: self.queue.name(),
            message: &opened.message,
            task: &opened.id,
            parent: opened.trace.as_ref(),
        };
        spans::take_in(about, opened.reply.status.as_str())
    }

    async fn keep(&self, opened: &Opened, found: Found) -> store::Result<Fate> {
        let Opened { id, reply, .. } = opened;
        let known = found.record.clone().filter(|record| record.life.phase != Phase::Hidden);
        let Some(there) = known else { return self.keep_unknown(id, reply, found).await };
        let decide = |found: Found| -> store::Result<Option<Change>> {
            let Some(record) = found.record else { return Ok(None) };
            let next = life::taken_in(&record, reply, self.replies.retention, found.now);
            Ok(next.map(|next| Change::of(record, next)))
        };
        if self.replies.records.change(found, decide).await?.is_none() {
            // Nothing is to be changed. Mostly that is because a worker that shares the store has written the end, and
            // who waits here has not heard of it.
            self.replies.records.tell_ended(&there);
        }
        Ok(Fate::Kept)
    }

    /// Keeps a reply to an id that nobody knows: hidden, if it can be a `MessageId` whose alias is
    /// still to come.
    async fn keep_unknown(&self, id: &TaskId, reply: &Reply, found: Found) -> store::Result<Fate> {
        if !id.can_be_message_id() {
            tracing::warn!(
                task = %id,
                queue = self.queue.name(),
                "a reply to a task that is not known here was dropped: do several apps with stores \
                 of their own share this reply queue?"
            );
            return Ok(Fate::Unknown);
        }
        let hide = |Found { record: before, now }: Found| -> store::Result<Option<Change>> {
            let next = match &before {
                None => Some(life::hidden(self.queue.name(), reply.clone(), now)),
                Some(there) => life::hidden_again(there, reply, now),
            };
            Ok(next.map(|next| Change { before, id: id.clone(), next }))
        };
        let hidden = self.replies.records.change(found, hide).await?;
        if hidden.is_some_and(|record| record.version == 1) {
            self.replies.early.note(id.clone());
        }
        // The alias may have come between the look and the write: then the task is known by now.
        self.replies.records.take_in(id, reply, self.replies.retention).await?;
        Ok(Fate::Kept)
    }

    async fn dead_letter(&self, message: ReceivedMessage, reason: NotAReply) -> Fate {
        let id = message.message_id.clone();
        let Some(target) = self.facts.dead_letter.as_ref().map(|facts| &facts.queue) else {
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
        let copy = Charged { entry: copy, item: Item::unnamed(Purpose::DeadLetter) };
        let transport = &self.replies.transport;
        let sent = charge(vec![copy], |copies| transport.send_batch(target, copies)).await;
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
}

/// What becomes of a reply that was not kept: a record that cannot be read stays so for a while, and
/// must not keep other replies from being received. `None` if the store did not answer.
fn not_kept(id: &TaskId, error: &StoreError) -> Option<Fate> {
    tracing::warn!(task = %id, %error, "a reply was not kept; it comes again");
    matches!(error, StoreError::Unreadable { .. }).then_some(Fate::StaysOnQueue)
}
