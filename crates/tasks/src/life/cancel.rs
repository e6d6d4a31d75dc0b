//! What is said of a task while it lives: that somebody wants its end, and how far it is.

use longshore_types::Timestamp;

use super::Refusal;
use super::claim::held;
use super::record::{CancelAsked, Life, Next, Phase, Progress, Survives, TaskRecord};
use super::when::When;

/// The task's end is wanted. The worker that runs it, or else the next one that claims it, ends it.
///
/// # Errors
///
/// There is no such task, or it has ended.
pub fn cancel_asked(record: &TaskRecord, now: Timestamp) -> Result<Next, Refusal> {
    match record.life.phase {
        Phase::Pending | Phase::Running(_) | Phase::Waiting => {}
        Phase::Ended => return Err(Refusal::Ended),
        Phase::Hidden | Phase::Expired => return Err(Refusal::NotKnown),
    }
    let mut life = Life::clone(&record.life);
    life.cancel.get_or_insert(CancelAsked { at: now });
    Ok(Next { until: record.until.map(When::At), ..record.becomes(life) })
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
