//! What becomes of a message whose task has not ended: handed back, sent anew, or left alone.
//!
//! # Invariants
//!
//! - Each way ends the lease, or finds that it is lost and does nothing.
//! - Nothing is sent anew to a FIFO queue: it would lose its place, and SQS drops what it has seen
//!   within five minutes.

use std::time::Duration;

use longshore_types::{Timestamp, limits};

use super::anew;
use super::executor::Execution;
use super::heartbeat::Held;
use super::options::UNKNOWN_AGAIN;
use super::outcome::Outcome;
use super::status::count;
use crate::envelope;
use crate::failure::Reason;
use crate::life::{self, Refusal, TaskRecord, Unknown};
use crate::reply::Reply;
use crate::store::{Change, Found, StoreError};
use crate::transport::Purpose;

/// The part of a queue's retention that a message which comes again has left at least.
const RETENTION_PARTS: u32 = 10;

impl Execution {
    /// After the last attempt there is none to retry; a reply that no message can carry is none.
    pub(super) fn enforce_limits(&self, attempt: u32, outcome: Outcome) -> Outcome {
        if let Outcome::Done { body } = &outcome
            && let Err(reason) = Reply::check_body(body)
        {
            return Outcome::dead(reason);
        }
        let last = attempt >= self.attempts_max() || self.is_last_receive();
        if last && let Outcome::Retry { reason, .. } = outcome {
            return Outcome::Dead { reason };
        }
        outcome
    }

    /// Whether a FIFO queue would dead-letter the message, without a reply, at the next receive.
    fn is_last_receive(&self) -> bool {
        self.runtime.is_last_receive(self.message.receive_count)
    }

    /// Nobody here can run the task: another worker may, for as long as the policy waits for one.
    pub(super) async fn put_off_unknown(self: Box<Self>, before: Option<Unknown>, reason: String) {
        count(&self.runtime.status.unknown);
        let (times, now) = (before.map_or(0, |before| before.times), self.store_now());
        let waited = before.map(|before| now.since(before.since)).unwrap_or_default();
        if waited >= self.runtime.options.unknown_patience || self.is_last_receive() {
            count(&self.runtime.status.dead);
            tracing::warn!(reason, ?waited, "a task that nobody could run is dead");
            return self.end_as_dead(Reason::text(reason)).await;
        }
        let pause = UNKNOWN_AGAIN.jittered(times + 1, &*self.runtime.options.random);
        tracing::warn!(reason, ?pause, "handed back: another worker may know it");
        let watch = self.watch_after(pause);
        let release =
            |record: &TaskRecord, fence, now| life::released(record, fence, true, watch, now);
        if self.write_back(release).await {
            self.hand_back(pause).await;
        } else {
            self.lose();
        }
    }

    pub(super) async fn retry(self: Box<Self>, reason: Reason, pause: Duration) {
        let watch = self.watch_after(pause);
        let retry = move |record: &TaskRecord, fence, now| {
            life::retried(record, fence, reason.chain.clone(), watch, now)
        };
        if self.write_back(retry).await { self.hand_back(pause).await } else { self.lose() }
    }

    /// The run counts for nothing.
    pub(super) async fn release(self: Box<Self>, wait: Duration) {
        let watch = self.watch_after(wait);
        let release =
            |record: &TaskRecord, fence, now| life::released(record, fence, false, watch, now);
        if self.write_back(release).await { self.hand_back(wait).await } else { self.lose() }
    }

    /// Leaves the task to the message that was sent anew.
    pub(super) async fn give_way(self: Box<Self>) {
        let release =
            |record: &TaskRecord, fence, now| life::released(record, fence, false, None, now);
        if self.write_back(release).await { self.replace().await } else { self.lose() }
    }

    /// The run is over, so whoever has the message now need not wait for the claim's end.
    pub(super) async fn lose_run(self: Box<Self>) {
        if let Some(held) = self.lease.take_record().await {
            let cut_off = || vec!["its lease was lost".to_owned()];
            let watch = self.watch_after(Duration::ZERO);
            let retry = |record: &TaskRecord, fence, now| {
                life::retried(record, fence, cut_off(), watch, now)
            };
            self.write_record(held, retry).await;
        }
        self.lose();
    }

    /// Takes the record back and writes what it becomes. `false` if the lease is lost.
    async fn write_back(
        &self,
        decide: impl Fn(&TaskRecord, u64, Timestamp) -> Result<life::Next, Refusal>,
    ) -> bool {
        let Ok(held) = self.lease.uncover().await else { return false };
        self.write_record(held, decide).await;
        true
    }

    /// Writes what the record becomes; what is refused is somebody else's by now.
    async fn write_record(
        &self,
        held: Held,
        decide: impl Fn(&TaskRecord, u64, Timestamp) -> Result<life::Next, Refusal>,
    ) {
        let fence = held.fence;
        let found = Found { record: Some(held.record), now: self.store_now() };
        let written = self.runtime.records.change(found, |found| {
            let Some(record) = found.record else { return Ok::<_, StoreError>(None) };
            let next = decide(&record, fence, found.now).ok();
            Ok(next.map(|next| Change::of(record, next)))
        });
        if let Err(error) = written.await {
            tracing::warn!(%error, "a claim stays until its lease ends");
        }
    }

    /// How long from now somebody is to look for the message that comes again after `wait`; `None` if it has receives
    /// to spare.
    fn watch_after(&self, wait: Duration) -> Option<Duration> {
        let watch = self.runtime.watch(self.message.receive_count)?;
        Some(wait.min(limits::VISIBILITY_TIMEOUT_MAX) + self.lease.claim_lease() + watch)
    }

    /// Has somebody look for a message that is handed back without a claim, should it be the last that came of it. A
    /// task that nobody has is noted down for that.
    pub(super) async fn have_it_watched(&self, wait: Duration) {
        // On a FIFO queue it may wait behind others of its group for long, and is not lost for that.
        if self.runtime.queue.is_fifo() && !self.is_last_receive() {
            return;
        }
        let Some(after) = self.watch_after(wait) else { return };
        let watched = async {
            let mut found = self.runtime.records.find(&self.task).await?;
            if found.record.is_none() {
                found = self.note_down().await?;
            }
            let watch = |found: Found| {
                let Some(record) = found.record else { return Ok::<_, StoreError>(None) };
                let next = life::watched(&record, after);
                Ok(next.map(|next| Change::of(record, next)))
            };
            self.runtime.records.change(found, watch).await
        };
        if let Err(error) = watched.await {
            tracing::warn!(%error, "nobody will look for the task, should SQS dead-letter its message");
        }
    }

    /// Makes the message available after `wait`. One that the native redrive policy would soon
    /// take, or that the queue will not keep for so long, is sent anew, as the same task, and the old one
    /// deleted.
    pub(super) async fn hand_back(self: Box<Self>, wait: Duration) {
        if self.lease.held().is_err() {
            return self.lose();
        }
        let worn = self.runtime.is_worn(self.message.receive_count);
        if (worn || self.expires_within(wait)) && self.resend(wait).await {
            self.replace().await;
        } else {
            self.leave_for(wait).await;
        }
    }

    /// Whether the queue drops the message before that time, or so soon after it that it may not be received
    /// again.
    fn expires_within(&self, wait: Duration) -> bool {
        let retention = self.runtime.facts.get().retention;
        let wait = wait.min(limits::VISIBILITY_TIMEOUT_MAX);
        let age = self.message.sent_at.map(|sent_at| self.now().since(sent_at));
        age.is_some_and(|age| age + wait + retention / RETENTION_PARTS >= retention)
    }

    async fn leave_for(self: Box<Self>, wait: Duration) {
        let Ok(lease) = self.lease.stop().await else { return };
        self.runtime.acknowledger.hand_back(lease, wait).await;
    }

    pub(super) async fn delete(self: Box<Self>) {
        let Ok(lease) = self.lease.stop().await else { return };
        self.runtime.acknowledger.delete(lease).await;
    }

    /// Deletes the message in favour of the one that was sent anew.
    async fn replace(self: Box<Self>) {
        let Ok(lease) = self.lease.stop().await else { return };
        self.runtime.acknowledger.delete_at_once(lease).await;
    }

    /// Sends the task anew, under the same id. `false` if it was not.
    pub(super) async fn resend(&self, wait: Duration) -> bool {
        let queue = &self.runtime.queue;
        if queue.is_fifo() {
            return false;
        }
        let mut attributes = self.message.attributes.clone();
        if let Some(trace) = self.envelope.trace() {
            // It may have come in `AWSTraceHeader`, which a message that is sent anew would not have.
            attributes.extend(envelope::trace_attributes(&trace));
        }
        let Some(mut message) = anew::message(&self.task, &self.message.body, &attributes) else {
            return false;
        };
        message.group_id.clone_from(&self.message.group_id);
        message.delay = Some(wait.min(limits::DELAY_MAX));
        let (sender, item) = (&self.runtime.sender, self.item(Purpose::Resend));
        let sent = sender.send(queue, message, item, Some(&self.under_way)).await;
        if let Err(cause) = &sent {
            tracing::warn!(cause, "a task was not sent anew");
        }
        sent.is_ok()
    }

    pub(super) fn lose(self: Box<Self>) {
        count(&self.runtime.status.lost);
        tracing::warn!("a lease was lost; another delivery has the task");
    }
}
