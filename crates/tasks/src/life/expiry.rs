//! How long a result answers, and what is left of its task after that.

use std::sync::Arc;
use std::time::Duration;

use longshore_types::{MessageAttributes, Timestamp};

use super::record::{Asked, Ending, How, Life, Next, Phase, TaskRecord};
use super::when::When;
use crate::reply::Reply;

/// What somebody who asks for a task is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shown {
    /// No result yet.
    Pending,
    /// The result.
    Ended(Reply),
}

/// What a record comes to whose time to wake has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Woken {
    /// Its outbox is to be tried.
    Outbox,
    /// Its result was kept for long enough: a tombstone.
    Expired(Box<Next>),
    /// A hidden reply: its `MessageId` may stand for a task by now. It is looked for again later.
    Hidden(Box<Next>),
    /// Nobody has come for the task, and SQS may have dead-lettered its message.
    Stranded,
    /// Nothing is to be done, and nobody need look again but at the end of its claim.
    Nothing(Box<Next>),
}

/// What somebody is shown who keeps results for `retention`; `None` if there is no such task, or its
/// result was kept for long enough.
pub fn result(life: &Life, retention: Duration, now: Timestamp) -> Option<Shown> {
    match &life.phase {
        Phase::Hidden | Phase::Expired => return None,
        Phase::Pending | Phase::Running(_) | Phase::Waiting | Phase::Ended => {}
    }
    let Some(ending) = &life.ending else { return Some(Shown::Pending) };
    if now < ending.result_until.min(ending.at + retention) {
        return Some(Shown::Ended(ending.reply.clone()));
    }
    // A redriven task runs again, however long ago it ended before.
    (life.phase != Phase::Ended).then_some(Shown::Pending)
}

/// Tries to send a reply that are made however short its result answers: the first comes later than
/// some results are over. All three end within the minute that a queue keeps messages at least.
const REPLY_TRIES_MIN: u32 = 3;

/// What is to be done about a record whose time to wake has come.
pub fn woken(record: &TaskRecord, now: Timestamp) -> Woken {
    let life = &record.life;
    let over = life.ending.as_ref().is_some_and(|ending| ending.result_until <= now);
    // A dead letter is all that is left of its task: it is sent however late.
    let owes = life
        .outbox
        .as_ref()
        .is_some_and(|due| !over || due.dead_letter.is_some() || due.tries < REPLY_TRIES_MIN);
    match life.phase {
        Phase::Ended if owes => Woken::Outbox,
        Phase::Ended if over => Woken::Expired(Box::new(expired(record))),
        Phase::Hidden => Woken::Hidden(Box::new(super::reply::hidden_on(record))),
        Phase::Pending | Phase::Waiting => Woken::Stranded,
        Phase::Running(_) => match record.until.filter(|until| now < *until) {
            Some(until) => Woken::Nothing(Box::new(watched_from(record, When::At(until)))),
            None => Woken::Stranded,
        },
        Phase::Ended | Phase::Expired => Woken::Nothing(Box::new(left_alone(record))),
    }
}

fn watched_from(record: &TaskRecord, wake: When) -> Next {
    Next { wake: Some(wake), ..left_alone(record) }
}

fn left_alone(record: &TaskRecord) -> Next {
    let until = record.until.map(When::At);
    Next { wake: None, until, ..record.becomes(Arc::clone(&record.life)) }
}

/// A tombstone: result, history and argument are gone, the id is known. So is that the task died: its
/// dead letter may be redriven as long as a queue keeps it.
fn expired(record: &TaskRecord) -> Next {
    let died = record.life.ending.clone().filter(|ending| ending.how == How::Dead);
    let ending = died.map(|ending| Ending { reply: without_body(&ending.reply), ..ending });
    let generation = record.life.generation;
    let life = Life { phase: Phase::Expired, generation, ending, ..Life::new() };
    let (body, attributes) = (None, MessageAttributes::new());
    let asked = Asked { body, attributes, ..Asked::clone(&record.asked) };
    Next { asked: Some(asked.into()), wake: None, ..record.becomes(life) }
}

fn without_body(reply: &Reply) -> Reply {
    Reply { status: reply.status, body: String::new() }
}
