//! The life of a delivery: open the envelope → claim → run → end → reply → delete.
//!
//! A crash after any step loses nothing: before the end is written the task is run again by whoever
//! receives it next, after it what was kept is sent by the next delivery, or by any worker that finds
//! it due, and nothing is run.
//!
//! # Invariants
//!
//! - Nothing is run without a claim, and nothing is replied that the store has not kept.
//! - A lost lease ends the run: its reply is not kept, not sent, and the message left alone.
//! - A delivery that ran nothing counts no attempt.
//! - The last receive that a FIFO queue grants is not given back because the task cannot be claimed
//!   yet: the lease is kept, and the claim waited for.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use longshore_types::Timestamp;
use tokio::time::{Instant, sleep};
use tracing::Span;

use super::claiming::Claim;
use super::context::{Context, Inner};
use super::heartbeat::Held;
use super::key_limit::{Gate, TellOfEnd};
use super::lane::Turn;
use super::lease::Lease;
use super::options::UNKNOWN_AGAIN;
use super::outcome::Outcome;
use super::permits::Permit;
use super::poller::Delivery;
use super::runs::RunEnd;
use super::runtime::Runtime;
use super::status::count;
use crate::batcher::Joined;
use crate::envelope::{self, Envelope};
use crate::failure::Reason;
use crate::id::TaskId;
use crate::life::{Life, TaskRecord};
use crate::store::StoreError;
use crate::trace::TraceContext;
use crate::transport::meter::Item;
use crate::transport::{Purpose, ReceivedMessage};

/// How long a message that was sent anew is delayed, so that it does not find the claim which is
/// about to be released for it.
const GIVE_WAY_AFTER: Duration = Duration::from_secs(1);
/// The least time that a message of a task which runs elsewhere stays away.
const BUSY_MIN: Duration = Duration::from_secs(1);

/// One delivery of a task, and the lease on its message. Boxed, because each step of its life takes it
/// over from the last: a future that held it once for each would be copied whole, for every task.
#[derive(Debug)]
pub(super) struct Execution {
    pub(super) runtime: Arc<Runtime>,
    pub(super) message: ReceivedMessage,
    pub(super) envelope: Envelope,
    pub(super) task: TaskId,
    pub(super) lease: Lease,
    /// It may have something to send, which others wait for.
    pub(super) under_way: Joined,
    /// The place that it takes among the tasks which run, or later among the ends on their way; `None`
    /// while its lane has the place.
    pub(super) permit: Option<Permit>,
    /// Tells those who wait for a place of its key, if it has one.
    pub(super) tell_of_end: Option<TellOfEnd>,
    /// Its turn in its lane, to be passed on when the task has ended.
    turn: Turn,
    /// What this delivery knows its claim by.
    pub(super) token: u64,
    /// When this delivery came.
    pub(super) begun_at: Instant,
    /// Where the run is in a trace, once it has begun and if that is exported.
    pub(super) place: OnceLock<TraceContext>,
    /// By how many milliseconds the store's clock was ahead of ours at the claim.
    store_ahead: AtomicI64,
}

/// How a run ended, if it did.
pub(super) enum End {
    Ran(Outcome),
    /// Somebody asked for its end.
    Cancelled,
    /// The task ended elsewhere.
    Ended,
    /// Another delivery may have the message.
    Lost,
    /// The grace period of a shutdown is over.
    Drained,
}

impl Execution {
    /// Opens the envelope: whose task it is, and who wants the reply.
    pub(super) fn open(
        runtime: Arc<Runtime>,
        delivery: Delivery,
        permit: Option<Permit>,
    ) -> Box<Self> {
        let Delivery { message, lease, .. } = delivery;
        let envelope = Envelope::of(&message);
        let task = envelope::task_id_of(&envelope, &message);
        let token = runtime.options.random.next();
        let under_way = runtime.under_way.join();
        let (begun_at, store_ahead) = (Instant::now(), AtomicI64::new(0));
        Box::new(Self {
            runtime,
            message,
            envelope,
            task,
            lease,
            under_way,
            permit,
            tell_of_end: None,
            turn: Turn::default(),
            token,
            begun_at,
            place: OnceLock::new(),
            store_ahead,
        })
    }

    /// What every log line about this delivery names.
    pub(super) fn span(&self) -> Span {
        tracing::info_span!(
            "task",
            task = %self.task,
            name = self.envelope.task_name.as_deref(),
            queue = self.runtime.queue.name(),
            worker = self.runtime.options.name,
            attempt = tracing::field::Empty,
            batch = tracing::field::Empty,
        )
    }

    /// Sees the task through, as far as this delivery goes.
    pub(super) async fn run(mut self: Box<Self>, turn: Turn) {
        self.turn = turn;
        match self.claim_in_the_end().await {
            Ok(Claim::Run(held)) => {
                self.task = held.record.id.clone();
                self.attempt(*held).await;
            }
            Ok(Claim::Ended(ending, record)) => {
                count(&self.runtime.status.repeated);
                self.has_ended();
                self.repeat(*ending, *record).await;
            }
            Ok(Claim::Late) => {
                count(&self.runtime.status.repeated);
                tracing::info!("a late message of a task that has ended");
                self.has_ended();
                self.delete().await;
            }
            Ok(Claim::Busy(wait)) => {
                count(&self.runtime.status.busy);
                let wait = wait.max(BUSY_MIN);
                self.have_it_watched(wait).await;
                self.hand_back(wait).await;
            }
            Err(error) => self.return_unclaimed(&error).await,
        }
    }

    /// The task has ended for good: the next of its lane may run.
    pub(super) fn has_ended(&mut self) {
        self.turn.pass();
        self.tell_of_end = None;
    }

    /// Claims the task. At the last receive that a FIFO queue grants, SQS would take the message
    /// without a reply if it were handed back: then a claim is asked for until there is one, as long
    /// as the lease can be kept and nobody drains the worker.
    async fn claim_in_the_end(&self) -> Result<Claim, StoreError> {
        loop {
            let claim = self.claim().await;
            let Some(pause) = self.pause_before_a_claim(&claim) else { return claim };
            if !self.runtime.is_last_receive(self.message.receive_count) {
                return claim;
            }
            tracing::warn!(?pause, "its last receive: waiting for a claim with its lease kept");
            if !self.keeps_lease_for(pause).await {
                self.warn_of_the_last_receive();
                return claim;
            }
        }
    }

    /// When a claim that was not to be had is asked for again; `None` if nothing is to be waited for.
    fn pause_before_a_claim(&self, claim: &Result<Claim, StoreError>) -> Option<Duration> {
        match claim {
            Ok(Claim::Busy(wait)) => Some((*wait).max(BUSY_MIN)),
            Err(StoreError::Unreadable { .. }) => Some(UNKNOWN_AGAIN.first),
            Err(error) => Some(self.runtime.store_gate.close(error)),
            Ok(Claim::Run(_) | Claim::Ended(..) | Claim::Late) => None,
        }
    }

    /// Waits. `false` if the lease cannot be kept for so long, or the grace period is over.
    pub(super) async fn keeps_lease_for(&self, pause: Duration) -> bool {
        tokio::select! {
            biased;
            () = self.lease_is_given_up() => false,
            () = sleep(pause) => true,
        }
    }

    /// Waits until the lease cannot be kept any longer, or the grace period is over.
    pub(super) async fn lease_is_given_up(&self) {
        let signals = self.lease.signals();
        tokio::select! {
            biased;
            () = signals.lost.cancelled() => {}
            () = signals.too_long.cancelled() => {}
            () = self.runtime.drained.cancelled() => {}
        }
    }

    /// Says that a message which is about to be handed back is SQS's from now on.
    pub(super) fn warn_of_the_last_receive(&self) {
        if self.runtime.is_last_receive(self.message.receive_count) {
            tracing::error!(
                receives = self.message.receive_count,
                "handed back at its last receive: SQS will dead-letter it, and it ends as dead then; a larger \
                 maxReceiveCount leaves room for this"
            );
        }
    }

    /// Makes the message available again; nothing was begun.
    pub(super) async fn return_unstarted(self: Box<Self>) {
        count(&self.runtime.status.returned);
        self.warn_of_the_last_receive();
        self.have_it_watched(Duration::ZERO).await;
        self.hand_back(Duration::ZERO).await;
    }

    /// The store did not answer, or has a record that only a later version can read.
    async fn return_unclaimed(self: Box<Self>, error: &StoreError) {
        count(&self.runtime.status.returned);
        let pause = self.pause_after(error);
        self.hand_back(pause).await;
    }

    /// How long a message stays away whose record could not be had, or cannot be read.
    pub(super) fn pause_after(&self, error: &StoreError) -> Duration {
        if matches!(error, StoreError::Unreadable { .. }) {
            tracing::warn!(%error, "left to a worker that can read its record");
            return UNKNOWN_AGAIN
                .jittered(self.message.receive_count, &*self.runtime.options.random);
        }
        self.runtime.store_gate.close(error)
    }

    async fn attempt(mut self: Box<Self>, held: Held) {
        let (attempt, attempts_max) = (held.record.life.attempts_made, self.attempts_max());
        Span::current().record("attempt", attempt);
        self.lease.cover(held.clone());
        if self.runtime.is_worn_before_a_run(self.message.receive_count)
            && attempt <= attempts_max
            && self.resend(GIVE_WAY_AFTER).await
        {
            // If this run ended its worker, the native redrive policy would soon take the message
            // without a reply. Its successor has all receives before it.
            count(&self.runtime.status.returned);
            return self.give_way().await;
        }
        let end = match self.gate(&held).await {
            Gate::Open => self.run_handler(&held).await,
            Gate::Ended(end) => end,
            Gate::Closed(pause) => return self.release(pause).await,
        };
        self.conclude(&held, end).await;
    }

    /// Whether the task may run now; one that will not be run needs no place.
    async fn gate(&mut self, held: &Held) -> Gate {
        if self.refusal(held).is_some() { Gate::Open } else { self.pass_key_limit(held).await }
    }

    /// Waits until the task is not to be run any more, here and now.
    pub(super) async fn given_up(&self) -> End {
        tokio::select! {
            biased;
            end = self.in_vain() => end,
            () = self.runtime.drained.cancelled() => End::Drained,
        }
    }

    /// Waits until a run of the task is in vain.
    async fn in_vain(&self) -> End {
        let signals = self.lease.signals();
        tokio::select! {
            biased;
            () = signals.lost.cancelled() => End::Lost,
            () = signals.ended.cancelled() => End::Ended,
            () = signals.cancelled.cancelled() => End::Cancelled,
            () = signals.too_long.cancelled() => End::Ran(too_long()),
        }
    }

    /// Runs the handler, unless there is a reason not to.
    async fn run_handler(&self, held: &Held) -> End {
        if let Some(end) = self.refusal(held) {
            return end;
        }
        let name = self.envelope.task_name.as_deref();
        let Some(registered) = self.runtime.registry.find(name) else {
            let name = name.unwrap_or("without a name");
            return unknown(format!("no handler for task {name}"));
        };
        if let Some(encoding) = &self.envelope.encoding {
            return unknown(format!("no codec for the encoding `{encoding}`"));
        }
        tokio::select! {
            biased;
            end = self.in_vain() => end,
            ran = self.call(registered, held) => End::Ran(ran),
            () = self.runtime.drained.cancelled() => End::Drained,
        }
    }

    /// Why the task is not run, if there is a reason that needs no handler.
    fn refusal(&self, held: &Held) -> Option<End> {
        let life = &held.record.life;
        if life.cancel.is_some() {
            return Some(End::Cancelled);
        }
        if life.attempts_made > self.attempts_max() {
            let attempts = life.attempts_made - 1;
            let reason =
                format!("attempt {attempts} was the last and ended its worker, or was cut off");
            return Some(End::Ran(Outcome::dead(reason)));
        }
        if self.envelope.deadline.is_some_and(|deadline| deadline < self.now()) {
            let reason = Reason::text("its deadline had passed before a worker could run it");
            return Some(End::Ran(Outcome::Discard { reason }));
        }
        let refused = self.reply_queue().err()?;
        Some(End::Ran(Outcome::dead(refused)))
    }

    /// Does to record and message what the end of the run says.
    async fn conclude(mut self: Box<Self>, held: &Held, end: End) {
        let life = &held.record.life;
        let end = if let End::Ran(outcome) = end {
            End::Ran(self.enforce_limits(life.attempts_made, outcome))
        } else {
            end
        };
        self.runtime.status.tasks().end(self.lease.task(), run_end(&end));
        match end {
            End::Ran(outcome) => self.conclude_outcome(life, outcome).await,
            End::Cancelled => self.end_as_cancelled().await,
            End::Ended => {
                count(&self.runtime.status.repeated);
                self.has_ended();
                self.delete().await;
            }
            End::Lost => self.lose_run().await,
            End::Drained => {
                count(&self.runtime.status.returned);
                tracing::info!(took = ?self.took(), "handed back: the grace period is over");
                self.warn_of_the_last_receive();
                self.release(Duration::ZERO).await;
            }
        }
    }

    async fn conclude_outcome(self: Box<Self>, life: &Life, outcome: Outcome) {
        let status = Arc::clone(&self.runtime.status);
        match outcome {
            Outcome::Done { body } => {
                tracing::debug!(took = ?self.took(), "a task is done");
                self.end_as_done(body).await;
            }
            Outcome::Discard { reason } => {
                self.end_as_discarded(reason).await;
            }
            Outcome::Dead { reason } => {
                tracing::warn!(took = ?self.took(), %reason, "a task is dead");
                self.end_as_dead(reason).await;
            }
            Outcome::Retry { after, reason } => {
                count(&status.retried);
                let pause = after.unwrap_or_else(|| self.pause_after_attempt(life.attempts_made));
                tracing::info!(took = ?self.took(), %reason, ?pause, "to be run again");
                self.retry(reason, pause).await;
            }
            Outcome::Snooze { wait } => {
                count(&status.snoozed);
                self.release(wait).await;
            }
            Outcome::Unknown { reason } => self.put_off_unknown(life.unknown, reason).await,
        }
    }

    fn pause_after_attempt(&self, attempt: u32) -> Duration {
        self.runtime
            .retry_of(self.options_name())
            .pause_after(attempt, &*self.runtime.options.random)
    }

    pub(super) fn attempts_max(&self) -> u32 {
        self.runtime.retry_of(self.options_name()).attempts_max.max(1)
    }

    /// The name that the task's options are found by.
    pub(super) fn options_name(&self) -> Option<&str> {
        self.envelope.task_name.as_deref()
    }

    /// What is sent for the task is for.
    pub(super) fn item(&self, purpose: Purpose) -> Item {
        Item::new(purpose, self.lease.task())
    }

    /// How long this delivery has taken so far.
    fn took(&self) -> Duration {
        self.begun_at.elapsed()
    }

    /// How long ago the message was sent, if anybody says when.
    pub(super) fn late(&self) -> Option<Duration> {
        let sent_at = self.message.sent_at.or(self.envelope.created_at)?;
        Some(self.now().since(sent_at))
    }

    pub(super) fn now(&self) -> Timestamp {
        self.runtime.options.clock.now()
    }

    /// The store's time, by which records are judged.
    pub(super) fn store_now(&self) -> Timestamp {
        let ahead = self.store_ahead.load(Ordering::Relaxed);
        Timestamp::from_millis(self.now().as_millis().saturating_add_signed(ahead))
    }

    /// A claim was just stamped by the store: to end `lease` after the store's time.
    pub(super) fn note_store_time(&self, claimed: &TaskRecord, lease: Duration) {
        let Some(until) = claimed.until else { return };
        let ours = self.now() + lease;
        let ahead = until.as_millis().cast_signed().saturating_sub(ours.as_millis().cast_signed());
        self.store_ahead.store(ahead, Ordering::Relaxed);
    }

    /// Where what follows from this delivery is in a trace: at its run, else at who sent the task.
    pub(super) fn trace(&self) -> Option<TraceContext> {
        self.place.get().cloned().or_else(|| self.envelope.trace())
    }

    pub(super) fn context(&self, held: &Held) -> Context {
        Context::new(Inner {
            task_id: self.task.clone(),
            attempt: held.record.life.attempts_made,
            receive_count: self.message.receive_count,
            created_at: self.envelope.created_at,
            deadline: self.envelope.deadline,
            trace: self.trace(),
            log_span: Span::current(),
            cancelled: self.lease.signals().in_vain().child_token(),
            progress: held.progress.clone(),
            client: self.runtime.options.client.clone(),
            clock: Arc::clone(&self.runtime.options.clock),
        })
    }
}

fn run_end(end: &End) -> RunEnd {
    match end {
        End::Ran(Outcome::Done { .. }) => RunEnd::Done,
        End::Ran(Outcome::Discard { .. }) => RunEnd::Discarded,
        End::Ran(Outcome::Dead { .. }) => RunEnd::Dead,
        End::Ran(Outcome::Retry { .. }) => RunEnd::Retried,
        End::Ran(Outcome::Snooze { .. }) => RunEnd::Snoozed,
        End::Ran(Outcome::Unknown { .. }) => RunEnd::Unknown,
        End::Cancelled => RunEnd::Cancelled,
        End::Ended => RunEnd::Ended,
        End::Lost => RunEnd::Lost,
        End::Drained => RunEnd::HandedBack,
    }
}

fn unknown(reason: String) -> End {
    End::Ran(Outcome::Unknown { reason })
}

fn too_long() -> Outcome {
    Outcome::dead("it runs longer than the 12 hours that SQS keeps a message in flight")
}
