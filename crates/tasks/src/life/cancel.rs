//! What is said of a task while it lives: that somebody wants its end, and how far it is.

use std::time::Duration;

use longshore_types::Timestamp;

use super::claim::held;
use super::end::{End, end_of};
use super::record::{CancelAsked, How, Life, Next, Outbox, Phase, Progress, Survives, TaskRecord};
use super::when::When;
use super::{MESSAGES_KEPT, Refusal};
use crate::reply::Reply;

/// What whoever asked for a task is told that was cancelled.
pub(crate) const CANCELLED: &str = "it was cancelled";

/// The task's end is wanted. One that nobody runs ends `at_once`, if that is said, and its result answers for that time:
/// nothing is left to send, and whoever receives its message finds it ended. That is for tasks whose reply no queue wants: a
/// message that SQS takes meanwhile would take the reply with it. One that runs is ended by its worker, and one that waits by
/// whoever receives it next. So is one whose message is looked for: it may be gone, and then only whoever looks can reply.
///
/// # Errors
///
/// There is no such task, or it has ended.
pub fn cancel_asked(
    record: &TaskRecord,
    at_once: Option<Duration>,
    now: Timestamp,
) -> Result<Next, Refusal> {
    match record.life.phase {
        Phase::Pending | Phase::Running(_) | Phase::Waiting => {}
        Phase::Ended => return Err(Refusal::Ended),
        Phase::Hidden | Phase::Expired => return Err(Refusal::NotKnown),
    }
    let mut life = Life::clone(&record.life);
    life.cancel.get_or_insert(CancelAsked { at: now });
    let nobody_runs_it = matches!(life.phase, Phase::Pending | Phase::Waiting);
    if let Some(retention) = at_once.filter(|_| nobody_runs_it && record.wake.is_none()) {
        return Ok(end_of(record, life, &cancelled(retention), now));
    }
    Ok(Next { until: record.until.map(When::At), ..record.becomes(life) })
}

fn cancelled(retention: Duration) -> End {
    End {
        reply: Reply::failed(CANCELLED),
        how: How::Cancelled,
        error: Vec::new(),
        outbox: Outbox::default(),
        retention,
        messages: MESSAGES_KEPT,
    }
}

/// How far the run is. The claim lasts as long as it did.
///
/// # Errors
///
/// The claim is no longer the holder's.
pub fn progressed(record: &TaskRecord, fence: u64, progress: Progress) -> Result<Next, Refusal> {
    let mut life = held(record, fence)?;
    life.progress = Some(progress);
    let (until, survives) = (record.until.map(When::At), Survives::Kill);
    Ok(Next { until, survives, ..record.becomes(life) })
}
