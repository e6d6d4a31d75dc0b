//! Nothing lost, nothing back, nothing twice, nothing from nowhere: I1 to I5, and I7.

use super::life::{About, Life};
use super::{Finding, Invariant, Rules};
use crate::history::{Answer, History, Micros, Queue, Request, Snapshot};

/// Whether one message is where it must be at `now`.
pub(super) fn judge(life: &Life<'_>, now: Micros, rules: Rules, findings: &mut Vec<Finding>) {
    let number = life.number;
    let mut find = |invariant, seen: String| findings.push(Finding::new(invariant, seen));
    let accepted = life.sends.iter().any(|(_, answer, _)| matches!(answer, Answer::Done(_)));
    let refused = life.sends.iter().all(|(_, answer, _)| **answer == Answer::Refused);
    let is_seen = !life.held.is_empty() || !life.given.is_empty();
    let may_be_gone = life.first_delete().is_some_and(|asked| asked <= now);
    if accepted && life.held.is_empty() && !may_be_gone {
        find(Invariant::NothingLost, format!("message {number} is in no queue"));
    }
    if life.held.len() > 1 {
        let queues: Vec<_> = life.held.iter().map(|(queue, _)| queue.name()).collect();
        find(Invariant::NothingTwice, format!("message {number} is in {}", queues.join(" and ")));
    }
    if life.sends.is_empty() {
        find(Invariant::NothingFromNowhere, format!("message {number} was never sent"));
    } else if refused && is_seen {
        find(Invariant::NothingRefused, format!("message {number} is there"));
    }
    if let Some(back) = came_back(life, rules) {
        find(Invariant::NothingBack, back);
    }
}

/// A message that is there, or was delivered, after its delete was acknowledged.
fn came_back(life: &Life<'_>, rules: Rules) -> Option<String> {
    let number = life.number;
    let deleted = life.deletes.iter().filter(|delete| is_sure(delete, life, rules));
    let gone = deleted.filter_map(|delete| delete.entry.end).min()?;
    if let Some((queue, _)) = life.held.first() {
        return Some(format!("message {number}, deleted at {gone} µs, is in {}", queue.name()));
    }
    let given = life.given.iter().find(|given| given.receive.start > gone)?;
    let at = given.receive.start;
    Some(format!("message {number}, deleted at {gone} µs, was received from {at} µs on"))
}

/// Whether this delete has surely deleted. A message that may have left for another queue meanwhile is not found there
/// by its receipt handle, and a delete of what is not here is a success. While it is leased it does not leave.
fn is_sure(delete: &About<'_>, life: &Life<'_>, rules: Rules) -> bool {
    let given = life.given.iter().find(|given| given.id == delete.taken.delivery);
    let is_leased = given.is_some_and(|given| {
        let of_one_boot = given.receive.boot == delete.entry.boot;
        let until = life.leased_until(given);
        delete.entry.ended() < until && (of_one_boot || rules.time_is_right)
    });
    *delete.answer == Answer::Done(()) && (!delete.entry.queue.is_left() || is_leased)
}

/// Bodies that are nobody's.
pub(super) fn judge_strangers(history: &History, snapshot: &Snapshot, findings: &mut Vec<Finding>) {
    let mut find = |queue: Queue, message_id: &str| {
        let seen = format!("{} held {message_id} with a body that nobody sent", queue.name());
        findings.push(Finding::new(Invariant::NothingFromNowhere, seen));
    };
    for held in snapshot.held.iter().filter(|held| held.message.number.is_none()) {
        find(held.queue, &held.message.message_id);
    }
    for entry in history.0.values() {
        if let Request::Receive { answer: Answer::Done(messages), .. } = &entry.request {
            let strangers = messages.iter().filter(|message| message.number.is_none());
            strangers.for_each(|message| find(entry.queue, &message.message_id));
        }
    }
}
