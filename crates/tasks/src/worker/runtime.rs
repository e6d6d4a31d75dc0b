//! What all parts of a running worker share that work for one SQS queue. A worker with priorities has
//! three of these, which share permits, controls, status and handlers.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::acknowledger::Acknowledger;
use super::controls::Controls;
use super::facts::Facts;
use super::handlers::HandlerRuntime;
use super::heartbeat::Heartbeat;
use super::key_limit::KeyLimits;
use super::marks::Marks;
use super::options::Options;
use super::permits::{Permits, Share};
use super::registry::Registry;
use super::reply_queues::ReplyQueues;
use super::seen::Seen;
use super::sender::Sender;
use super::status::WorkerStatus;
use super::store_gate::StoreGate;
use super::stranded::FoundEmpty;
use crate::batcher::Others;
use crate::envelope::Envelope;
use crate::failure::Reason;
use crate::life::{CANCELLED, DeadLetterDue, End, How, Outbox};
use crate::reply::Reply;
use crate::retry::RetryPolicy;
use crate::store::Records;
use crate::task_options::ReplyMode;
use crate::transport::meter::TaskNames;
use crate::transport::{QueueHandle, Transport};

/// Receives that are left of a message from which on somebody is to look for it: two workers may be killed before
/// they have claimed its task.
const WATCHED_FROM: u32 = 2;
/// The fewest receives that leave room for an answer which is lost on its way, and for a killed worker.
const RECEIVES_MIN: u32 = 3;

/// What all parts of a running worker share that work for one SQS queue. When the last of them lets go of it, the
/// acknowledger, the sender and the marks flush and end.
#[derive(Debug)]
pub(super) struct Runtime {
    pub(super) transport: Arc<dyn Transport>,
    pub(super) queue: QueueHandle,
    pub(super) facts: Facts,
    /// How long a received message stays in flight without a heartbeat.
    pub(super) visibility_timeout: Duration,
    pub(super) records: Records,
    /// The names of the tasks that are told apart where requests and runs are counted.
    pub(super) names: Arc<TaskNames>,
    pub(super) registry: Arc<Registry>,
    pub(super) options: Options,
    pub(super) status: Arc<WorkerStatus>,
    pub(super) heartbeat: Arc<Heartbeat>,
    pub(super) acknowledger: Acknowledger,
    pub(super) sender: Sender,
    pub(super) marks: Marks,
    pub(super) reply_queues: ReplyQueues,
    pub(super) seen: Seen,
    pub(super) found_empty: FoundEmpty,
    pub(super) key_limits: Arc<KeyLimits>,
    pub(super) handlers: HandlerRuntime,
    pub(super) store_gate: StoreGate,
    /// As many as tasks may run at once.
    pub(super) permits: Arc<Permits>,
    /// What of them the queue of this runtime gets.
    pub(super) share: Share,
    pub(super) controls: Controls,
    /// Places for ends that are on their way to whoever asked: as many as tasks may run at once. Beyond
    /// that an end keeps the place of its run.
    pub(super) ends: Arc<Permits>,
    /// Deliveries that may yet have something to send.
    pub(super) under_way: Others,
    /// Cancelled when the grace period is over: what still runs is handed back.
    pub(super) drained: CancellationToken,
}

impl Runtime {
    /// When a task of that name runs again.
    pub(super) fn retry_of(&self, name: Option<&str>) -> &RetryPolicy {
        let registered = self.registry.find(name);
        let own = registered.and_then(|registered| registered.options.retry.as_ref());
        own.unwrap_or(&self.options.retry)
    }

    /// How long the result of a task of that name answers.
    pub(super) fn retention_of(&self, name: Option<&str>) -> Duration {
        let registered = self.registry.find(name);
        let own = registered.and_then(|registered| registered.options.retention);
        own.unwrap_or(self.options.retention)
    }

    /// How a task is replied to: as its message says, else as the options of its name do.
    fn reply_mode_of(&self, envelope: &Envelope) -> ReplyMode {
        let of_name = || self.registry.find(envelope.task_name.as_deref())?.options.reply;
        envelope.reply_mode().or_else(of_name).unwrap_or_default()
    }

    /// Whether a message received that often must not be handed back as it is, because the native
    /// redrive policy would soon take it without a reply.
    pub(super) fn is_worn(&self, receive_count: u32) -> bool {
        self.receive_count_max().is_some_and(|most| receive_count.saturating_add(1) >= most)
    }

    /// Whether a message received that often is to be sent anew before it is run.
    ///
    /// One receive is left to spare, because an answer that is lost on its way burns one too.
    /// With fewer than three receives there is none to spare, and a message that is received for
    /// the first time is never sent anew, or it would be for ever.
    pub(super) fn is_worn_before_a_run(&self, receive_count: u32) -> bool {
        let worn_at = |most: u32| most >= 2 && receive_count >= most.saturating_sub(1).max(2);
        self.receive_count_max().is_some_and(worn_at)
    }

    /// Whether a FIFO queue would dead-letter a message received that often, without a reply, at the
    /// next receive. On other queues it is sent anew before.
    pub(super) fn is_last_receive(&self, receive_count: u32) -> bool {
        self.queue.is_fifo() && self.receive_count_max().is_some_and(|most| receive_count >= most)
    }

    /// The receives that a message gets before the queue dead-letters it.
    pub(super) fn receive_count_max(&self) -> Option<u32> {
        let facts = self.facts.get();
        facts.dead_letter.as_ref().map(|dead_letter| dead_letter.receive_count_max)
    }

    /// How long after the end of a claim somebody is to look for a message that was received that often, because
    /// SQS may have dead-lettered it by then; `None` if it has receives to spare.
    pub(super) fn watch(&self, receive_count: u32) -> Option<Duration> {
        let near_end = |most| receive_count.saturating_add(WATCHED_FROM) >= most;
        self.receive_count_max().is_some_and(near_end).then_some(self.visibility_timeout)
    }

    /// Says if the queue grants so few receives that what goes wrong by the way uses them up.
    pub(super) fn warn_of_few_receives(&self) {
        let Some(receives) = self.receive_count_max().filter(|most| *most < RECEIVES_MIN) else {
            return;
        };
        tracing::warn!(
            queue = self.queue.name(),
            receives,
            "SQS dead-letters a message after so few receives that a lost answer or a killed worker uses them up: the \
             task is then late by some visibility timeouts. Raise maxReceiveCount to {RECEIVES_MIN} at least"
        );
    }

    /// The queue that the reply to a task goes to, if one does.
    pub(super) fn reply_to(&self, envelope: &Envelope) -> Option<String> {
        // Who sent a message without our attributes knows no other way to hear of its end.
        if !envelope.is_foreign() && self.reply_mode_of(envelope) != ReplyMode::Queue {
            return None;
        }
        self.reply_queues.choose(envelope.reply_to.as_deref()).ok().flatten()
    }

    /// The end of a task, with its reply to be sent.
    pub(super) fn end(
        &self,
        envelope: &Envelope,
        reply: Reply,
        how: How,
        error: Vec<String>,
    ) -> End {
        let retention = self.retention_of(envelope.task_name.as_deref());
        let outbox = Outbox { reply_to: self.reply_to(envelope), ..Outbox::default() };
        End { reply, how, error, outbox, retention, messages: self.facts.get().retention }
    }

    /// The end of a task that somebody wanted.
    pub(super) fn cancelled_end(&self, envelope: &Envelope) -> End {
        let reason = Reason::text(CANCELLED);
        self.end(envelope, Reply::failed(&reason.message), How::Cancelled, reason.chain)
    }

    /// The end of a task that is given up, with its dead letter to be sent too.
    pub(super) fn dead_end(&self, envelope: &Envelope, reason: Reason) -> End {
        let words = reason.to_string();
        let mut end = self.end(envelope, Reply::failed(&reason.message), How::Dead, reason.chain);
        let facts = self.facts.get();
        if facts.dead_letter.is_none() {
            tracing::warn!("dead, and no dead-letter queue to keep it");
        }
        end.outbox.dead_letter = facts.dead_letter.as_ref().map(|facts| {
            let queue = Some(facts.queue.url().to_owned());
            DeadLetterDue { queue, reason: words }
        });
        end
    }
}
