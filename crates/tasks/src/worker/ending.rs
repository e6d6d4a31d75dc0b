//! The end of a task: written with what is to be sent, then sent, then the message is deleted.
//!
//! # Invariants
//!
//! - Reply before dead letter before delete: a crash between them costs a repetition, which the
//!   other side knows. What could not be sent is due in the record, so the message may go all the
//!   same: any worker finds it.
//! - An end that the record refuses is nobody's: nothing is sent.
//! - An end that the store does not take waits for it, as long as the message's lease can be kept.
//!   Nobody extends the claim meanwhile, and if another took it over, the record refuses the end.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::executor::Execution;
use super::heartbeat::Held;
use super::marks::Mark;
use super::status::count;
use crate::backoff::Backoff;
use crate::dead_letter::{self, DeadLetter};
use crate::failure::Reason;
use crate::life::{self, DeadLetterDue, End, Ending, How, Phase, Refusal, TaskRecord};
use crate::reply::{self, Reply};
use crate::store::{Change, Found, StoreError};
use crate::transport::Purpose;

/// When an end is written again that the store did not take: soon enough that it mostly comes before whoever finds the
/// claim over once the store is back.
const KEEP_AGAIN: Backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(5));

/// How long a store may take for an end once there is no time for another try.
const LAST_TRY_MAX: Duration = Duration::from_secs(2);

/// How long a message stays away whose dead letter could not be sent, and is not kept otherwise.
const SEND_AGAIN_AFTER: Duration = Duration::from_secs(10);

/// Why an end was not written.
enum NotEnded {
    Refused(Refusal),
    /// It is: the answer to the write was lost.
    AlreadyWritten(Box<TaskRecord>),
    Store(StoreError),
}

impl From<StoreError> for NotEnded {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Execution {
    pub(super) async fn end_as_done(self: Box<Self>, body: String) {
        let end = self.end_of(Reply::completed(body), How::Done, Vec::new());
        self.finish(end).await;
    }

    pub(super) async fn end_as_discarded(self: Box<Self>, reason: Reason) {
        let reply = Reply::failed(&reason.message);
        let end = self.end_of(reply, How::Discarded, reason.chain);
        self.finish(end).await;
    }

    pub(super) async fn end_as_cancelled(self: Box<Self>) {
        let end = self.runtime.cancelled_end(&self.envelope);
        self.finish(end).await;
    }

    pub(super) async fn end_as_dead(self: Box<Self>, reason: Reason) {
        let end = self.runtime.dead_end(&self.envelope, reason);
        self.finish(end).await;
    }

    fn end_of(&self, reply: Reply, how: How, error: Vec<String>) -> End {
        self.runtime.end(&self.envelope, reply, how, error)
    }

    /// The queue that the reply goes to, by the message and the worker's own options.
    ///
    /// # Errors
    ///
    /// The message names a queue that this worker does not reply to.
    pub(super) fn reply_queue(&self) -> Result<Option<String>, String> {
        let named = self.envelope.reply_to.as_deref();
        self.runtime.reply_queues.choose(named)
    }

    /// Writes the end, then sends what is due.
    async fn finish(mut self: Box<Self>, end: End) {
        self.make_room();
        let Ok(held) = self.lease.uncover().await else { return self.lose() };
        match self.write_end(held, &end).await {
            Ok(record) => self.deliver_new(record, end.how).await,
            Err(NotEnded::AlreadyWritten(record)) => self.deliver_new(*record, end.how).await,
            Err(NotEnded::Refused(Refusal::Ended)) => {
                count(&self.runtime.status.repeated);
                self.has_ended();
                self.delete().await;
            }
            Err(NotEnded::Refused(_)) => self.lose(),
            Err(NotEnded::Store(_)) if self.lease.held().is_err() => self.lose(),
            Err(NotEnded::Store(error)) => {
                tracing::warn!(%error, "handed back without its end: the task runs again");
                count(&self.runtime.status.returned);
                self.warn_of_the_last_receive();
                let pause = self.pause_after(&error);
                self.hand_back(pause).await;
            }
        }
    }

    /// Writes the end; again while the store does not answer, because the run's effects would be
    /// repeated. Given up with the lease, at the end of a drain, or when SQS will not wait any longer.
    async fn write_end(&self, held: Held, end: &End) -> Result<TaskRecord, NotEnded> {
        let Held { record, fence, .. } = held;
        let (mut began_at, mut pauses) = (None, KEEP_AGAIN.start());
        loop {
            let written = self.try_to_write_end(record.clone(), fence, end).await;
            let Err(NotEnded::Store(error @ StoreError::Unavailable { .. })) = &written else {
                self.note_store_is_back(began_at);
                return written;
            };
            began_at.get_or_insert_with(|| self.note_store_is_away(error));
            self.runtime.store_gate.close(error);
            if !self.keeps_lease_for(pauses.next_pause()).await {
                return written;
            }
        }
    }

    /// One try, which is not waited for much longer than there is time for further ones.
    async fn try_to_write_end(
        &self,
        record: TaskRecord,
        fence: u64,
        end: &End,
    ) -> Result<TaskRecord, NotEnded> {
        let in_vain = async {
            self.lease_is_given_up().await;
            sleep(LAST_TRY_MAX).await;
        };
        tokio::select! {
            biased;
            written = self.write_end_once(record, fence, end) => written,
            () = in_vain => {
                let store = self.runtime.records.store().name();
                let late = "it does not answer, and there is no time left";
                Err(NotEnded::Store(StoreError::unavailable(store, "write an end", late)))
            }
        }
    }

    async fn write_end_once(
        &self,
        record: TaskRecord,
        fence: u64,
        end: &End,
    ) -> Result<TaskRecord, NotEnded> {
        let found = Found { record: Some(record), now: self.store_now() };
        let written = self.runtime.records.change(found, |found| {
            let record = found.record.ok_or(NotEnded::Refused(Refusal::NotKnown))?;
            if is_written(&record, end) {
                return Err(NotEnded::AlreadyWritten(Box::new(record)));
            }
            let next = life::ended(&record, fence, end, found.now).map_err(NotEnded::Refused)?;
            Ok(Some(Change::of(record, next)))
        });
        Ok(written.await?.expect("an end is always written"))
    }

    fn note_store_is_away(&self, error: &StoreError) -> Instant {
        count(&self.runtime.status.ends_held_up);
        tracing::warn!(%error, "an end was not kept; it waits for the store, and its message stays in flight");
        Instant::now()
    }

    fn note_store_is_back(&self, began_at: Option<Instant>) {
        let Some(began_at) = began_at else { return };
        self.runtime.store_gate.open();
        tracing::info!(waited = ?began_at.elapsed(), "the store answers again");
    }

    /// The handler has come to its end, so another may run meanwhile, as long as not too many ends are on their way.
    fn make_room(&mut self) {
        if let Some(place) = self.runtime.ends.try_take_free() {
            self.permit = Some(place);
        }
    }

    /// As [`deliver`](Self::deliver), of an end that this worker has written.
    async fn deliver_new(self: Box<Self>, record: TaskRecord, how: How) {
        let status = &self.runtime.status;
        match how {
            How::Done => count(&status.done),
            How::Discarded => count(&status.discarded),
            How::Dead => count(&status.dead),
            How::Cancelled => count(&status.cancelled),
            How::Replied => {}
        }
        self.deliver(record).await;
    }

    /// Sends what is due, then deletes the message.
    async fn deliver(mut self: Box<Self>, record: TaskRecord) {
        self.has_ended();
        if self.lease.held().is_err() {
            return self.lose();
        }
        let (mut mark, mut kept) = (Mark::of(record.clone()), true);
        if let (Some(outbox), Some(ending)) = (&record.life.outbox, &record.life.ending) {
            if let Some(queue) = &outbox.reply_to {
                mark.reply = self.send_reply(queue, ending.reply.clone()).await;
            }
            if let Some(due) = &outbox.dead_letter {
                mark.dead_letter = self.send_dead_letter(&record, due).await;
                // Without the body in the record, the message is all that there is of the task.
                kept = mark.dead_letter || record.asked.body.is_some();
            }
            self.runtime.marks.mark(mark).await;
        }
        if kept {
            self.delete().await;
        } else {
            self.hand_back(SEND_AGAIN_AFTER).await;
        }
    }

    /// Sends again what the task ended with, for a further delivery of it.
    pub(super) async fn repeat(mut self: Box<Self>, ending: Ending, record: TaskRecord) {
        self.make_room();
        let due = record.life.outbox.as_ref();
        let reply_is_due = due.is_some_and(|due| due.reply_to.is_some());
        if !reply_is_due && let Some(queue) = self.runtime.reply_to(&self.envelope) {
            self.send_reply(&queue, ending.reply).await;
        }
        self.deliver(record).await;
    }

    async fn send_reply(&self, queue: &str, reply: Reply) -> bool {
        let sender = &self.runtime.sender;
        let sent = match sender.queue(queue).await {
            Err(cause) => Err(cause),
            Ok(queue) => {
                let trace = self.trace();
                let message = reply::seal(&queue, &self.task, reply, self.now(), trace.as_ref());
                let item = self.item(Purpose::Reply);
                sender.send(&queue, message, item, Some(&self.under_way)).await
            }
        };
        if let Err(cause) = &sent {
            tracing::warn!(queue, cause, "a reply was not sent; it will be");
        }
        sent.is_ok()
    }

    async fn send_dead_letter(&self, record: &TaskRecord, due: &DeadLetterDue) -> bool {
        let facts = self.runtime.facts.get();
        let Some(facts) = &facts.dead_letter else { return false };
        let letter = DeadLetter {
            body: &self.message.body,
            attributes: &self.message.attributes,
            task: Some((&self.task, record.life.generation)),
            reason: &due.reason,
            fifo_id: &self.message.message_id,
        };
        let message = dead_letter::copy(&facts.queue, letter);
        let sender = &self.runtime.sender;
        let item = self.item(Purpose::DeadLetter);
        let sent = sender.send(&facts.queue, message, item, Some(&self.under_way)).await;
        if let Err(cause) = &sent {
            tracing::warn!(cause, "a dead letter was not sent; it will be");
        }
        sent.is_ok()
    }
}

/// Whether the record has this very end. Others may have sent some of what was due, or all of it.
fn is_written(record: &TaskRecord, end: &End) -> bool {
    let same = |ending: &Ending| ending.how == end.how && ending.reply == end.reply;
    record.life.phase == Phase::Ended && record.life.ending.as_ref().is_some_and(same)
}
