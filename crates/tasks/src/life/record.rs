//! What a task's record holds.

use std::sync::Arc;
use std::time::Duration;

use longshore_types::{MessageAttributes, Timestamp};
use serde::{Deserialize, Serialize};

use super::text::{attributes, duration, millis, some_millis};
use super::when::When;
use crate::id::TaskId;
use crate::reply::{Reply, ReplyStatus};

/// Attempts whose history is kept: the latest.
const ATTEMPTS_KEPT: usize = 20;

/// A task as its store knows it.
///
/// ```
/// use longshore_tasks::{Client, StoreError, TaskId};
///
/// /// Each attempt of a task, as an operator wants to see it.
/// async fn attempts(client: &Client, id: &TaskId) -> Result<Vec<String>, StoreError> {
///     let Some(record) = client.task(id).await? else { return Ok(Vec::new()) };
///     let lines = record.life.attempts.iter().map(|attempt| {
///         format!("{} on {}: {}", attempt.number, attempt.worker, attempt.error.join(": "))
///     });
///     Ok(lines.collect())
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskRecord {
    /// The task's id.
    pub id: TaskId,
    /// How often the record was written: 1 for the first time.
    pub version: u64,
    /// The last `MessageId` that stands for the task: known once a send was confirmed.
    pub message_id: Option<String>,
    /// What was asked. Shared, as the life is, so that a copy of a record costs no copy of an argument.
    pub asked: Arc<Asked>,
    /// How the task lives.
    pub life: Arc<Life>,
    /// When the claim ends, by the store's time.
    pub until: Option<Timestamp>,
    /// When somebody has to look at the record again, by the store's time.
    pub wake: Option<Timestamp>,
    /// When the record goes, by the store's time.
    pub keep: Timestamp,
}

/// What was asked. Never changes, but that a tombstone forgets body and attributes, and a redrive
/// brings them back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Asked {
    /// The task's name; `None` is the queue's default task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The queue that it was sent to.
    pub queue: String,
    /// The task's key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The sender's tags.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// When it was made, by its sender's clock.
    #[serde(with = "millis")]
    pub created_at: Timestamp,
    /// The message's body, where it is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// The message's attributes, where they are kept.
    #[serde(default, with = "attributes", skip_serializing_if = "MessageAttributes::is_empty")]
    pub attributes: MessageAttributes,
}

/// How a task lives.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Life {
    /// Where it is.
    pub phase: Phase,
    /// 1, and one more for each time that it was redriven after it had ended as dead.
    pub generation: u32,
    /// Attempts of this generation that count, one that runs included.
    pub attempts_made: u32,
    /// The latest attempts, the oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<Attempt>,
    /// What the handler said last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress: Option<Progress>,
    /// Whether and when somebody asked for its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cancel: Option<CancelAsked>,
    /// Deliveries that nobody could read, since there was one that somebody could.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unknown: Option<Unknown>,
    /// How it ended. It stays while the task runs again after a redrive, until the new end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ending: Option<Ending>,
    /// What may still have to be sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outbox: Option<Outbox>,
}

/// Where a task is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Phase {
    /// Asked for; no worker has claimed it.
    #[default]
    Pending,
    /// A worker runs it.
    Running(Claim),
    /// Between two attempts.
    Waiting,
    /// It has ended, as [`Life::ending`] says.
    Ended,
    /// No task, but a reply to a `MessageId` that stands for none yet.
    Hidden,
    /// Its result was kept for long enough. A late message of it runs nothing.
    Expired,
}

/// A worker's right to run a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Claim {
    /// The version that the claim was written as.
    pub fence: u64,
    /// How long it is taken for, and extended by.
    #[serde(with = "duration")]
    pub lease: Duration,
    /// Who has it.
    pub worker: String,
    /// What the delivery that has it knows it by.
    pub token: u64,
}

/// One run of a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attempt {
    /// Counted from 1 in each generation.
    pub number: u32,
    /// Who ran it.
    pub worker: String,
    /// When it was claimed, by the store's time.
    #[serde(with = "millis")]
    pub started_at: Timestamp,
    /// When it ended, if it has.
    #[serde(default, with = "some_millis", skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// Why it failed: the error, then its causes. Empty if it did not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub error: Vec<String>,
}

/// What a handler says of how far it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    /// 0 to 100.
    pub percent: u8,
    /// What it does.
    pub note: String,
    /// When it said so.
    #[serde(with = "millis")]
    pub at: Timestamp,
}

/// Somebody asked for the task's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CancelAsked {
    /// When.
    #[serde(with = "millis")]
    pub at: Timestamp,
}

/// Deliveries to workers that know no such task, or cannot read its argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Unknown {
    /// When the first one was.
    #[serde(with = "millis")]
    pub since: Timestamp,
    /// How many there were.
    pub times: u32,
}

/// How a task ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ending {
    /// The reply, exactly as it goes over the wire.
    pub reply: Reply,
    /// What made it end.
    pub how: How,
    /// When, by the store's time.
    #[serde(with = "millis")]
    pub at: Timestamp,
    /// How long its result answers.
    #[serde(with = "millis")]
    pub result_until: Timestamp,
}

/// What made a task end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum How {
    /// Its handler was done.
    Done,
    /// It was given up, and a dead letter sent.
    Dead,
    /// Its handler gave it up as expected.
    Discarded,
    /// Somebody asked for its end.
    Cancelled,
    /// A reply came over the queue, whoever sent it.
    Replied,
}

/// What may still have to be sent for a task that has ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Outbox {
    /// The queue that wants the reply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<String>,
    /// The dead letter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dead_letter: Option<DeadLetterDue>,
    /// Tries beyond the first, ordinary one.
    pub tries: u32,
}

/// A dead letter that may still have to be sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeadLetterDue {
    /// The dead-letter queue's URL; `None` is that of the queue that the task was sent to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue: Option<String>,
    /// Why the task is dead.
    pub reason: String,
}

/// How a task stands, in one word: what lists filter by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    /// Asked for.
    Pending,
    /// A worker runs it.
    Running,
    /// Between two attempts.
    Waiting,
    /// Done.
    Completed,
    /// Given up.
    Failed,
    /// No task: an early reply.
    Hidden,
    /// Its result was kept for long enough.
    Expired,
}

impl Standing {
    /// Every standing.
    pub const ALL: [Self; 7] = [
        Self::Pending,
        Self::Running,
        Self::Waiting,
        Self::Completed,
        Self::Failed,
        Self::Hidden,
        Self::Expired,
    ];

    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Hidden => "hidden",
            Self::Expired => "expired",
        }
    }

    /// The standing of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|standing| standing.as_str() == word)
    }
}

/// What a record becomes, and when it is looked at again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Next {
    /// What was asked, if that is not there yet.
    pub asked: Option<Arc<Asked>>,
    /// How the task lives.
    pub life: Arc<Life>,
    /// When the claim ends.
    pub until: Option<When>,
    /// When somebody has to look at it again.
    pub wake: Option<When>,
    /// When the record goes.
    pub keep: When,
    /// What the record must survive from when it is known to be written.
    pub survives: Survives,
}

/// What a write must survive from when its store has answered it.
///
/// A store on one host, as `SQLite` is, need not wait for its disk for a write that only has to survive a kill: a power
/// cut ends all who share the store. On a store that hosts share, a write survives all that the store itself does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Survives {
    /// The end of its writer, but not that of the host. It concerns only processes of this host; what is lost with it
    /// is done again, or known from elsewhere.
    Kill,
    /// A power cut: others are told of it.
    #[default]
    PowerCut,
}

impl TaskRecord {
    /// The record that the sender of a task has written before anybody sees its message, as far as
    /// the message tells: version 1, pending. A first claim is decided on it, without reading. So
    /// a later format that this one cannot read has to begin at another version.
    pub fn assumed(id: TaskId, asked: Asked) -> Self {
        Self {
            id,
            version: 1,
            message_id: None,
            asked: Arc::new(asked),
            life: Arc::new(Life::new()),
            until: None,
            wake: None,
            keep: Timestamp::ZERO,
        }
    }

    /// The claim, if a worker has one.
    pub fn claim(&self) -> Option<&Claim> {
        match &self.life.phase {
            Phase::Running(claim) => Some(claim),
            Phase::Pending | Phase::Waiting | Phase::Ended | Phase::Hidden | Phase::Expired => None,
        }
    }

    /// Why the task failed, in one line: the error, then its causes, as the dead letter says it too.
    ///
    /// Of a task that has not ended it is why its latest attempt failed, if one did: the task is
    /// between two attempts, say. `None` if nothing failed, if the task is done, or if its result was
    /// kept for long enough. Where only the reply is known, because the worker keeps records of its
    /// own, it is the message that came with it.
    ///
    /// ```
    /// use longshore_tasks::{Client, StoreError, TaskId};
    ///
    /// async fn why(client: &Client, id: &TaskId) -> Result<String, StoreError> {
    ///     let record = client.task(id).await?;
    ///     Ok(record.and_then(|record| record.reason()).unwrap_or_default())
    /// }
    /// ```
    pub fn reason(&self) -> Option<String> {
        let life = &self.life;
        match (&life.phase, &life.ending) {
            (Phase::Hidden | Phase::Expired, _) => None,
            (Phase::Ended, Some(ending)) => ending.reason(&life.attempts),
            (Phase::Pending | Phase::Running(_) | Phase::Waiting | Phase::Ended, _) => {
                life.attempts.iter().rev().find_map(Attempt::reason)
            }
        }
    }

    /// The same record with another life, looked at again when it would have been, and kept for as
    /// long. No claim.
    pub(super) fn becomes(&self, life: impl Into<Arc<Life>>) -> Next {
        let wake = self.wake.map(When::At);
        let (keep, survives) = (When::At(self.keep), Survives::PowerCut);
        Next { asked: None, life: life.into(), until: None, wake, keep, survives }
    }
}

impl Attempt {
    /// Why it failed; `None` if it did not.
    fn reason(&self) -> Option<String> {
        (!self.error.is_empty()).then(|| self.error.join(": "))
    }
}

impl Ending {
    /// Why it is FAILED. A worker that ends a task ends its last attempt with it. A reply over the queue says all
    /// that is known, and so does a cancellation between two attempts, whatever an attempt before failed for.
    fn reason(&self, attempts: &[Attempt]) -> Option<String> {
        let message = self.reply.failed_message()?;
        let attempt = attempts.last().filter(|attempt| match self.how {
            How::Replied => false,
            How::Cancelled => attempt.ended_at == Some(self.at),
            How::Done | How::Discarded | How::Dead => true,
        });
        Some(attempt.and_then(Attempt::reason).unwrap_or(message))
    }
}

impl Life {
    /// A task that was asked for.
    pub fn new() -> Self {
        Self { generation: 1, ..Self::default() }
    }

    /// How the task stands.
    pub fn standing(&self) -> Standing {
        match &self.phase {
            Phase::Pending => Standing::Pending,
            Phase::Running(_) => Standing::Running,
            Phase::Waiting => Standing::Waiting,
            Phase::Hidden => Standing::Hidden,
            Phase::Expired => Standing::Expired,
            Phase::Ended => match self.ending.as_ref().map(|ending| ending.reply.status) {
                Some(ReplyStatus::Completed) => Standing::Completed,
                Some(ReplyStatus::Failed) | None => Standing::Failed,
            },
        }
    }

    /// Begins an attempt that counts.
    pub(super) fn begin_attempt(&mut self, worker: &str, now: Timestamp) {
        self.attempts_made += 1;
        self.attempts.push(Attempt {
            number: self.attempts_made,
            worker: worker.to_owned(),
            started_at: now,
            ended_at: None,
            error: Vec::new(),
        });
        let beyond = self.attempts.len().saturating_sub(ATTEMPTS_KEPT);
        self.attempts.drain(..beyond);
    }

    /// Ends the attempt that runs.
    pub(super) fn end_attempt(&mut self, now: Timestamp, error: Vec<String>) {
        if let Some(attempt) = self.attempts.last_mut().filter(|last| last.ended_at.is_none()) {
            attempt.ended_at = Some(now);
            attempt.error = error;
        }
    }

    /// Takes back the attempt that runs: it does not count.
    pub(super) fn take_back_attempt(&mut self) {
        if self.attempts.last().is_some_and(|last| last.ended_at.is_none()) {
            self.attempts.pop();
            self.attempts_made = self.attempts_made.saturating_sub(1);
        }
    }
}
