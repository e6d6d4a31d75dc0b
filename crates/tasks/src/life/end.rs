//! A run ends its task: done, dead, discarded or cancelled.

use std::time::Duration;

use longshore_types::Timestamp;

use super::Refusal;
use super::claim::held;
use super::record::{Ending, How, Life, Next, Outbox, Phase, TaskRecord};
use super::when::When;
use crate::reply::Reply;

/// How long after the end the outbox is looked at: beyond the ordinary send and its tries.
const ORDINARY_SEND: Duration = Duration::from_secs(20);

/// How a run ends its task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// The reply, exactly as it goes over the wire.
    pub reply: Reply,
    /// What made it end.
    pub how: How,
    /// The error and its causes, if it failed.
    pub error: Vec<String>,
    /// What is to be sent.
    pub outbox: Outbox,
    /// How long the result answers.
    pub retention: Duration,
    /// How long messages of the task can still come.
    pub messages: Duration,
}

/// The task has ended, and its result is to be sent.
///
/// # Errors
///
/// The claim is no longer the holder's, or the task has ended otherwise.
pub fn ended(record: &TaskRecord, fence: u64, end: &End, now: Timestamp) -> Result<Next, Refusal> {
    Ok(end_of(record, held(record, fence)?, end, now))
}

/// What the record becomes whose task ends, whoever says so.
pub(super) fn end_of(record: &TaskRecord, mut life: Life, end: &End, now: Timestamp) -> Next {
    life.end_attempt(now, end.error.clone());
    life.phase = Phase::Ended;
    life.unknown = None;
    let result_until = now + end.retention;
    let reply = end.reply.clone();
    life.ending = Some(Ending { reply, how: end.how, at: now, result_until });
    let is_due = end.outbox != Outbox::default();
    life.outbox = is_due.then(|| end.outbox.clone());
    let keep = When::In(end.messages.max(end.retention));
    let wake = if is_due { When::In(ORDINARY_SEND) } else { When::At(result_until) };
    Next { wake: Some(wake), keep, ..record.becomes(life) }
}
