//! The end of a delivery: the message is deleted after its reply, handed back, or sent anew.
//!
//! # Invariants
//!
//! - Reply before dead letter before delete: a crash between them costs a repetition, which the
//!   other side knows; the other order would cost the reply.
//! - Each way ends the lease, or finds that it is lost and does nothing.

use std::time::Duration;

use longshore_types::{MessageAttribute, limits};

use super::executor::Execution;
use super::status::count;
use crate::reply::{self, Reply};
use crate::store::KeptReply;
use crate::transport::OutgoingMessage;
use crate::{dead_letter, envelope};

impl Execution {
    /// Sends what the store has kept, then deletes the message. What cannot be sent now is sent
    /// by the next delivery.
    pub(super) async fn deliver(self, kept: KeptReply) {
        if self.lease.held().is_err() {
            return self.lose();
        }
        let sent = match self.send_reply(kept.reply).await {
            Ok(()) => self.send_to_dead_letters(kept.dead_letter.as_deref()).await,
            failed => failed,
        };
        match sent {
            Ok(()) => self.delete().await,
            Err(cause) => {
                tracing::warn!(task = %self.task, cause, "a reply was not sent; it will be");
                let options = &self.runtime.options;
                let receives = self.message.receive_count;
                let pause = options.retry.pause_after(receives, &*options.random);
                self.leave_for(pause).await;
            }
        }
    }

    async fn send_reply(&self, reply: Reply) -> Result<(), String> {
        let own = self.runtime.options.reply_queue.as_deref();
        let Some(name) = self.envelope.reply_to.as_deref().or(own) else { return Ok(()) };
        let sender = &self.runtime.sender;
        let queue = sender.queue(name).await.map_err(|error| error.to_string())?;
        sender.send(&queue, reply::seal(&queue, &self.task, reply, self.now())).await
    }

    async fn send_to_dead_letters(&self, reason: Option<&str>) -> Result<(), String> {
        let Some(reason) = reason else { return Ok(()) };
        match &self.runtime.facts.dead_letter {
            None => tracing::warn!(task = %self.task, "dead, and no dead-letter queue to keep it"),
            Some(facts) => {
                let copy = dead_letter::copy(&facts.queue, &self.message, Some(&self.task), reason);
                self.runtime.sender.send(&facts.queue, copy).await?;
            }
        }
        if let Err(error) = self.runtime.claims.dead_lettered(&self.task).await {
            tracing::warn!(task = %self.task, %error, "a duplicate may be dead-lettered again");
        }
        Ok(())
    }

    /// Makes the message available after `wait`. One that the native redrive policy would soon
    /// take is sent anew, as the same task, and the old one deleted.
    pub(super) async fn hand_back(self, wait: Duration) {
        if self.lease.held().is_err() {
            return self.lose();
        }
        if self.runtime.is_worn(self.message.receive_count) && self.send_anew(wait).await {
            self.delete().await;
        } else {
            self.leave_for(wait).await;
        }
    }

    async fn leave_for(self, wait: Duration) {
        let Ok(lease) = self.lease.stop().await else { return };
        self.runtime.acknowledger.hand_back(lease, wait).await;
    }

    pub(super) async fn delete(self) {
        let Ok(lease) = self.lease.stop().await else { return };
        self.runtime.acknowledger.delete(lease).await;
    }

    pub(super) async fn send_anew(&self, wait: Duration) -> bool {
        let queue = &self.runtime.queue;
        let mut attributes = self.message.attributes.clone();
        let id = MessageAttribute::text(self.task.as_str());
        attributes.insert(envelope::TASK_ID.to_owned(), id);
        let full = attributes.len() > limits::MESSAGE_ATTRIBUTES_MAX;
        let message = OutgoingMessage::new(self.message.body.clone(), attributes);
        if full || message.bytes() > limits::MESSAGE_BYTES_MAX as usize {
            return false;
        }
        // By the task's id alone, SQS would take the message for the one that it replaces.
        let deduplication = format!("{}-{}", self.task, self.message.message_id);
        let mut message = message.in_group_of(queue, &self.task, &deduplication);
        message.delay = (!queue.is_fifo()).then_some(wait.min(limits::DELAY_MAX));
        let sent = self.runtime.sender.send(queue, message).await;
        if let Err(cause) = &sent {
            tracing::warn!(task = %self.task, cause, "a task was not sent anew");
        }
        sent.is_ok()
    }

    pub(super) fn lose(self) {
        count(&self.runtime.status.lost);
        tracing::warn!(task = %self.task, "a lease was lost; another delivery has the task");
    }
}
