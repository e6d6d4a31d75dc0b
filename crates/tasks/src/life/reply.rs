//! Replies that come over the reply queue, from our workers or from foreign ones.
//!
//! Apps and workers may have stores of their own: then this is how the app's record ends. Where they
//! share one, the worker's own end is there before its reply, and the reply changes nothing.

use std::sync::Arc;
use std::time::Duration;

use longshore_types::{Timestamp, limits};

use super::record::{Asked, Ending, How, Life, Next, Phase, Survives, TaskRecord};
use super::when::When;
use crate::reply::{Reply, ReplyStatus};

/// How long a reply waits for the task that its `MessageId` stands for.
const HIDDEN_KEPT: Duration = Duration::from_secs(3600);
/// When it is looked for again, should whoever noted the alias have died before it took the reply in.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

/// What a reply makes of the record that it answers to; `None` if it changes nothing.
///
/// The first result stays, but for COMPLETED after FAILED. While one of our workers runs the task,
/// FAILED changes nothing: it is a late copy of a generation before, or the run will say better.
pub fn taken_in(
    record: &TaskRecord,
    reply: &Reply,
    retention: Duration,
    now: Timestamp,
) -> Option<Next> {
    let life = &record.life;
    if !ends(life, reply.status) {
        return None;
    }
    let mut life = Life::clone(life);
    life.end_attempt(now, Vec::new());
    life.phase = Phase::Ended;
    life.outbox = None;
    let result_until = now + retention;
    life.ending = Some(Ending { reply: reply.clone(), how: How::Replied, at: now, result_until });
    let keep = When::In(retention.max(limits::RETENTION_MAX));
    let wake = Some(When::At(result_until));
    Some(Next { wake, keep, ..record.becomes(life) })
}

fn ends(life: &Life, status: ReplyStatus) -> bool {
    let before = life.ending.as_ref().map(|ending| ending.reply.status);
    match (&life.phase, before, status) {
        (Phase::Expired | Phase::Hidden, _, _) | (_, Some(ReplyStatus::Completed), _) => false,
        (_, _, ReplyStatus::Completed)
        | (Phase::Pending | Phase::Waiting, None, ReplyStatus::Failed) => true,
        (_, _, ReplyStatus::Failed) => false,
    }
}

/// What a further reply to the same `MessageId` makes of one that is hidden: COMPLETED replaces FAILED there too.
/// `None` if it changes nothing.
pub fn hidden_again(there: &TaskRecord, reply: &Reply, now: Timestamp) -> Option<Next> {
    let before = there.life.ending.as_ref().map(|ending| ending.reply.status);
    let replaces = before == Some(ReplyStatus::Failed) && reply.status == ReplyStatus::Completed;
    let is_hidden = matches!(there.life.phase, Phase::Hidden);
    (is_hidden && replaces).then(|| hidden(&there.asked.queue, reply.clone(), now))
}

/// A hidden reply is looked for again later.
pub(super) fn hidden_on(record: &TaskRecord) -> Next {
    Next { wake: Some(When::In(LOOK_AGAIN)), ..record.becomes(Arc::clone(&record.life)) }
}

/// A reply to a `MessageId` that stands for no task yet: a foreign worker was faster than the app's
/// own bookkeeping. Nobody is shown it until the task's alias comes.
pub fn hidden(queue: &str, reply: Reply, now: Timestamp) -> Next {
    let result_until = now + HIDDEN_KEPT;
    let ending = Some(Ending { reply, how: How::Replied, at: now, result_until });
    Next {
        asked: Some(Arc::new(Asked {
            queue: queue.to_owned(),
            created_at: now,
            ..Asked::default()
        })),
        life: Arc::new(Life { phase: Phase::Hidden, ending, ..Life::new() }),
        until: None,
        wake: Some(When::In(LOOK_AGAIN)),
        keep: When::In(HIDDEN_KEPT),
        survives: Survives::PowerCut,
    }
}
