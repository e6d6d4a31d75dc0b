//! A task whose message SQS has dead-lettered, while nobody held it: no delivery comes any more.
//!
//! A delivery that hardly another one can follow leaves a time to wake in the record. Whoever takes the
//! task over before takes that away, or puts it off. If nobody does, the message is presumed gone. On a
//! standard queue the task is sent anew; on a FIFO queue, or where its argument is not kept, it ends.
//!
//! # Invariants
//!
//! - Nothing here takes a claim away that lasts: one that is over could be taken over all the same.
//! - A task that is sent anew is the same task: whichever of its messages come, one run has it.

use std::sync::Arc;
use std::time::Duration;

use longshore_types::Timestamp;

use super::end::{End, end_of};
use super::record::{Life, Next, Phase, TaskRecord};
use super::when::When;
use super::{MESSAGES_KEPT, Refusal};

/// Somebody is to look for the task's message after that time. `None` if somebody will, or nobody need.
pub fn watched(record: &TaskRecord, after: Duration) -> Option<Next> {
    let lives = matches!(record.life.phase, Phase::Pending | Phase::Running(_) | Phase::Waiting);
    (lives && record.wake.is_none()).then(|| left_as_it_is(record, Some(When::In(after))))
}

/// Whoever writes this sends the task anew, and nobody else does before `pause` is over. `unchanged` is whether the version that
/// is there was seen for as long as its claim is taken for, by the asker's own monotonic clock.
///
/// # Errors
///
/// It has ended, or somebody runs it.
pub fn resending(
    record: &TaskRecord,
    pause: Duration,
    unchanged: bool,
    now: Timestamp,
) -> Result<Next, Refusal> {
    nobodys(record, unchanged)?;
    let keep = When::At(record.keep.max(now + MESSAGES_KEPT));
    Ok(Next { keep, ..left_as_it_is(record, Some(When::In(pause))) })
}

/// It was sent anew: its message is as good as any that was just sent.
pub fn resent(record: &TaskRecord) -> Next {
    left_as_it_is(record, None)
}

/// It is left to workers of its own queue for that long.
pub fn left_to_others(record: &TaskRecord, pause: Duration) -> Next {
    left_as_it_is(record, Some(When::In(pause)))
}

/// It ends, because its message is gone and none can be sent. `unchanged` is as of [`resending`].
///
/// # Errors
///
/// It has ended, or somebody runs it.
pub fn given_up(
    record: &TaskRecord,
    end: &End,
    unchanged: bool,
    now: Timestamp,
) -> Result<Next, Refusal> {
    nobodys(record, unchanged)?;
    Ok(end_of(record, Life::clone(&record.life), end, now))
}

/// A claim is over once it was seen `unchanged` for as long as it is taken for: no clock is asked.
fn nobodys(record: &TaskRecord, unchanged: bool) -> Result<(), Refusal> {
    match record.life.phase {
        Phase::Running(_) if !unchanged => Err(Refusal::Overtaken),
        Phase::Pending | Phase::Running(_) | Phase::Waiting => Ok(()),
        Phase::Ended | Phase::Expired => Err(Refusal::Ended),
        Phase::Hidden => Err(Refusal::NotKnown),
    }
}

fn left_as_it_is(record: &TaskRecord, wake: Option<When>) -> Next {
    Next { until: record.until.map(When::At), wake, ..record.becomes(Arc::clone(&record.life)) }
}
