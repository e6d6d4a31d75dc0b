//! What is kept and not known to be sent: found again by any worker, whatever became of the message.

use std::time::Duration;

use longshore_types::{Timestamp, limits};

use super::record::{Life, Next, Outbox, Survives, TaskRecord};
use super::when::When;

/// How long a record that owes a dead letter stays, from each try on: no worker may come for days.
const OWED_KEPT: Duration = limits::RETENTION_MAX;

/// The outbox is tried now, by whoever writes this: nobody else does before `pause` is over. `None`
/// if there is nothing to send.
///
/// A dead letter may be all that is left of its task, so its record stays until it is sent. Without
/// the body it cannot be sent from here, and such a record goes in its time.
pub fn moved_on(record: &TaskRecord, pause: Duration, now: Timestamp) -> Option<Next> {
    let mut life = Life::clone(&record.life);
    let outbox = life.outbox.as_mut()?;
    outbox.tries += 1;
    let owes = outbox.dead_letter.is_some() && record.asked.body.is_some();
    let owed_until = if owes { now + pause.max(OWED_KEPT) } else { record.keep };
    let keep = When::At(record.keep.max(owed_until));
    // Lost with the host, it is tried or sent once more, which those who get it have to bear anyway.
    let (wake, survives) = (Some(When::In(pause)), Survives::Kill);
    Some(Next { wake, keep, survives, ..record.becomes(life) })
}

/// What was sent for the end of a generation is no longer due: the reply, the dead letter, or both.
/// `None` if it was not due, or the task has run again since and what is due is of another end.
pub fn sent(record: &TaskRecord, generation: u32, reply: bool, dead_letter: bool) -> Option<Next> {
    if record.life.generation != generation {
        return None;
    }
    let mut life = Life::clone(&record.life);
    let before = life.outbox.take()?;
    let left = Outbox {
        reply_to: before.reply_to.clone().filter(|_| !reply),
        dead_letter: before.dead_letter.clone().filter(|_| !dead_letter),
        tries: before.tries,
    };
    if left == before {
        return None;
    }
    let is_due = left.reply_to.is_some() || left.dead_letter.is_some();
    life.outbox = is_due.then_some(left);
    let rest = life.ending.as_ref().map(|ending| When::At(ending.result_until));
    let wake = if is_due { record.wake.map(When::At) } else { rest };
    Some(Next { wake, survives: Survives::Kill, ..record.becomes(life) })
}
