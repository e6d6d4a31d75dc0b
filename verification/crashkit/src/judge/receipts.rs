//! What a receipt handle of the FIFO queue may do: I16. One whose message was delivered anew, after a kill too, is worth
//! nothing, and says so. (A standard queue believes whoever had the message once.)

use super::life::{About, Life};
use super::{Finding, Invariant};
use crate::history::{Answer, Queue};

/// A delete that was acknowledged although the message had been delivered to somebody else, and nobody else deleted it.
pub(super) fn judge(life: &Life<'_>, findings: &mut Vec<Finding>) {
    let acknowledged = life.deletes.iter().filter(|delete| *delete.answer == Answer::Done(()));
    let ordered = acknowledged.filter(|delete| delete.entry.queue == Queue::Ordered);
    let wrong = ordered.filter(|delete| is_superseded(delete, life) && !may_be_gone(delete, life));
    findings.extend(wrong.map(|delete| {
        let (number, at) = (life.number, delete.entry.start);
        let seen = format!("a superseded receipt handle deleted message {number} at {at} µs");
        Finding::new(Invariant::Receipts, seen)
    }));
}

/// Whether a later delivery of the message had been answered before this delete was asked for.
fn is_superseded(delete: &About<'_>, life: &Life<'_>) -> bool {
    let given = life.given.iter().find(|given| given.id == delete.taken.delivery);
    given.is_some_and(|given| {
        let mut later =
            life.given.iter().filter(|other| given.receive.ended() < other.receive.start);
        later.any(|other| other.receive.ended() < delete.entry.start)
    })
}

/// Whether another delete may have come before: to delete what is gone is a success.
fn may_be_gone(delete: &About<'_>, life: &Life<'_>) -> bool {
    let others = life.deletes.iter().filter(|other| !std::ptr::eq(other.entry, delete.entry));
    let may_have = others.filter(|other| *other.answer != Answer::Refused);
    may_have.into_iter().any(|other| other.entry.start < delete.entry.ended())
}
