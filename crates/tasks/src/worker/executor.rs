//! The life of a task: open the envelope → claim → run → complete → reply → delete.
//!
//! A crash after any step loses nothing: before `complete` the task is run again by whoever
//! receives it next, after it the kept reply is sent again and nothing is run.
//!
//! # Invariants
//!
//! - Nothing is run without a claim, and nothing is replied that the store has not kept.
//! - A lost lease ends the run: its reply is not kept, not sent, and the message left alone.
//! - A delivery that ran nothing counts no attempt.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use longshore_types::Timestamp;
use tokio::time::sleep;

use super::context::Context;
use super::lease::{Lease, LeaseLost};
use super::outcome::Outcome;
use super::runtime::Runtime;
use super::status::count;
use crate::envelope::{self, Envelope};
use crate::id::TaskId;
use crate::reply::Reply;
use crate::store::{Claim, Fence, KeptReply, StoreError};
use crate::transport::ReceivedMessage;

/// Tries to keep a reply, and the pause between them: the run's effects would be repeated.
const KEEP_TRIES: u32 = 5;
const KEEP_AGAIN_AFTER: Duration = Duration::from_millis(200);
/// How long a message that was sent anew is delayed, so that it does not find the claim which is
/// about to be released for it.
const GIVE_WAY_AFTER: Duration = Duration::from_secs(1);
/// The least time that a message of a task which runs elsewhere stays away.
const BUSY_MIN: Duration = Duration::from_secs(1);

/// One delivery of a task, and the lease on its message.
#[derive(Debug)]
pub(super) struct Execution {
    pub(super) runtime: Arc<Runtime>,
    pub(super) message: ReceivedMessage,
    pub(super) envelope: Envelope,
    pub(super) task: TaskId,
    pub(super) lease: Lease,
}

/// How a run ended, if it did.
enum End {
    Ran(Outcome),
    /// Another delivery may have the message.
    Lost,
    /// The grace period of a shutdown is over.
    Drained,
}

impl Execution {
    /// Opens the envelope: whose task it is, and who wants the reply.
    pub(super) fn open(runtime: Arc<Runtime>, message: ReceivedMessage, lease: Lease) -> Self {
        let envelope = Envelope::open(&message.attributes);
        let task = envelope::task_id_of(&envelope, &message);
        Self { runtime, message, envelope, task, lease }
    }

    /// Sees the task through, as far as this delivery goes.
    pub(super) async fn run(self) {
        match self.claim().await {
            Ok(Claim::Run { fence, attempt }) => self.attempt(fence, attempt).await,
            Ok(Claim::Done { kept }) => {
                count(&self.runtime.status.repeated);
                self.deliver(kept).await;
            }
            Ok(Claim::Busy { until }) => {
                count(&self.runtime.status.busy);
                let wait = until.since(self.now()).max(BUSY_MIN);
                self.hand_back(wait).await;
            }
            Err(error) => {
                count(&self.runtime.status.returned);
                let pause = self.runtime.store_gate.close(&error);
                self.hand_back(pause).await;
            }
        }
    }

    /// Makes the message available again; nothing was begun.
    pub(super) async fn return_unstarted(self) {
        count(&self.runtime.status.returned);
        self.hand_back(Duration::ZERO).await;
    }

    async fn attempt(self, fence: Fence, attempt: u32) {
        self.lease.cover(self.task.clone(), fence);
        if self.runtime.is_worn_before_a_run(self.message.receive_count)
            && attempt <= self.attempts_max()
            && self.send_anew(GIVE_WAY_AFTER).await
        {
            // If this run ended its worker, the native redrive policy would soon take the message
            // without a reply. Its successor has all receives before it.
            count(&self.runtime.status.returned);
            return self.give_way(fence).await;
        }
        match self.end_of(attempt).await {
            End::Ran(outcome) => self.conclude(fence, attempt, outcome).await,
            End::Lost => self.lose_run(fence).await,
            End::Drained => {
                count(&self.runtime.status.returned);
                self.release(fence, Duration::ZERO).await;
            }
        }
    }

    /// Runs the handler, unless there is a reason not to.
    async fn end_of(&self, attempt: u32) -> End {
        if attempt > self.attempts_max() {
            let attempts = attempt - 1;
            let reason =
                format!("attempt {attempts} was the last and ended its worker, or was cut off");
            return End::Ran(Outcome::Dead { reason });
        }
        if let Some(encoding) = &self.envelope.encoding {
            let reason = format!("no codec for the encoding `{encoding}`");
            return End::Ran(Outcome::Dead { reason });
        }
        let name = self.envelope.task_name.as_deref();
        let Some(handler) = self.runtime.registry.find(name) else {
            let reason = format!("no handler for task {}", name.unwrap_or("without a name"));
            return End::Ran(Outcome::Dead { reason });
        };
        let run = handler(self.message.body.clone(), self.context(attempt));
        let signals = self.lease.signals();
        tokio::select! {
            biased;
            () = signals.lost.cancelled() => End::Lost,
            () = signals.too_long.cancelled() => End::Ran(too_long()),
            outcome = AssertUnwindSafe(run).catch_unwind() => {
                End::Ran(outcome.unwrap_or_else(|panic| panicked(&*panic)))
            }
            () = self.runtime.drained.cancelled() => End::Drained,
        }
    }

    /// Does to the message what the outcome says.
    async fn conclude(self, fence: Fence, attempt: u32, outcome: Outcome) {
        let status = Arc::clone(&self.runtime.status);
        match self.as_it_can_be(attempt, outcome) {
            Outcome::Done { body } => {
                count(&status.done);
                self.finish(fence, Reply::completed(body).into()).await;
            }
            Outcome::Discard { reason } => {
                count(&status.discarded);
                self.finish(fence, Reply::failed(&reason).into()).await;
            }
            Outcome::Dead { reason } => {
                count(&status.dead);
                tracing::warn!(task = %self.task, attempt, reason, "a task is dead");
                let reply = Reply::failed(&reason);
                self.finish(fence, KeptReply { reply, dead_letter: Some(reason) }).await;
            }
            Outcome::Retry { after, reason } => {
                count(&status.retried);
                let options = &self.runtime.options;
                let pause = || options.retry.pause_after(attempt, &*options.random);
                let pause = after.unwrap_or_else(pause);
                tracing::info!(task = %self.task, attempt, reason, ?pause, "to be run again");
                self.retry(fence, pause).await;
            }
            Outcome::Snooze { until } => {
                count(&status.snoozed);
                let wait = until.since(self.now());
                self.release(fence, wait).await;
            }
        }
    }

    /// After the last attempt there is none to retry; a reply that no message can carry is none.
    fn as_it_can_be(&self, attempt: u32, outcome: Outcome) -> Outcome {
        if let Outcome::Done { body } = &outcome
            && let Err(reason) = Reply::check_body(body)
        {
            return Outcome::Dead { reason };
        }
        if let Outcome::Retry { reason, .. } = &outcome
            && attempt >= self.attempts_max()
        {
            return Outcome::Dead { reason: reason.clone() };
        }
        outcome
    }

    /// Keeps the reply, then delivers it.
    async fn finish(self, fence: Fence, kept: KeptReply) {
        if self.lease.uncover().await.is_err() {
            return self.lose();
        }
        match self.keep(fence, &kept).await {
            Ok(true) => self.deliver(kept).await,
            Ok(false) => self.lose(),
            Err(error) => {
                let pause = self.runtime.store_gate.close(&error);
                self.hand_back(pause).await;
            }
        }
    }

    async fn keep(&self, fence: Fence, kept: &KeptReply) -> Result<bool, StoreError> {
        let mut tries = 1;
        loop {
            let claims = &self.runtime.claims;
            let answer = claims.complete(&self.task, fence, kept.clone(), self.now()).await;
            match answer {
                Err(error) if tries < KEEP_TRIES => {
                    tracing::warn!(task = %self.task, %error, "a reply was not kept; trying again");
                    sleep(KEEP_AGAIN_AFTER * tries).await;
                    tries += 1;
                }
                settled => return settled,
            }
        }
    }

    async fn retry(self, fence: Fence, pause: Duration) {
        if self.lease.uncover().await.is_err() {
            return self.lose();
        }
        if let Err(error) = self.runtime.claims.end_attempt(&self.task, fence).await {
            tracing::warn!(task = %self.task, %error, "a claim stays until its lease ends");
        }
        self.hand_back(pause).await;
    }

    async fn release(self, fence: Fence, wait: Duration) {
        if self.release_claim(fence).await.is_err() {
            return self.lose();
        }
        self.hand_back(wait).await;
    }

    /// The run is over, so whoever has the message now need not wait for the claim's end.
    async fn lose_run(self, fence: Fence) {
        if self.lease.uncover().await.is_err()
            && let Err(error) = self.runtime.claims.end_attempt(&self.task, fence).await
        {
            tracing::warn!(task = %self.task, %error, "a claim stays until its lease ends");
        }
        self.lose();
    }

    /// Leaves the task to the message that was sent anew.
    async fn give_way(self, fence: Fence) {
        if self.release_claim(fence).await.is_err() {
            return self.lose();
        }
        self.delete().await;
    }

    async fn release_claim(&self, fence: Fence) -> Result<(), LeaseLost> {
        self.lease.uncover().await?;
        if let Err(error) = self.runtime.claims.release(&self.task, fence).await {
            tracing::warn!(task = %self.task, %error, "a claim stays until its lease ends");
        }
        Ok(())
    }

    fn attempts_max(&self) -> u32 {
        self.runtime.options.retry.attempts_max.max(1)
    }

    pub(super) fn now(&self) -> Timestamp {
        self.runtime.options.clock.now()
    }

    fn context(&self, attempt: u32) -> Context {
        Context {
            task_id: self.task.clone(),
            attempt,
            receive_count: self.message.receive_count,
            created_at: self.envelope.created_at,
            traceparent: self.envelope.traceparent.clone(),
            cancelled: self.lease.signals().ended(),
        }
    }
}

fn too_long() -> Outcome {
    let reason = "it runs longer than the 12 hours that SQS keeps a message in flight".to_owned();
    Outcome::Dead { reason }
}

fn panicked(panic: &(dyn Any + Send)) -> Outcome {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    let reason = format!("the handler panicked: {}", text.unwrap_or("without a message"));
    Outcome::Retry { after: None, reason }
}
