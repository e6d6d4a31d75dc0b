//! The FIFO queue: groups in order, sequence numbers that go up, one message for a deduplication id. I23 to I26.

use std::collections::BTreeMap;

use super::life::Life;
use super::{Finding, Invariant};
use crate::history::{Answer, Delivery, Entry, History, Micros, Queue, Request, group_of};

type Lives<'a> = BTreeMap<u64, Life<'a>>;

/// A message of the FIFO queue was sent under one deduplication id, however often: it has one message id.
pub(super) fn judge_identity(life: &Life<'_>, findings: &mut Vec<Finding>) {
    let is_ordered = life.sends.iter().any(|(entry, ..)| entry.queue == Queue::Ordered);
    let ids = life.message_ids();
    if is_ordered && ids.len() > 1 {
        let seen = format!("message {} has the message ids {ids:?}", life.number);
        findings.push(Finding::new(Invariant::Deduplication, seen));
    }
}

/// Whether the FIFO queue kept its order.
pub(super) fn judge(history: &History, lives: &Lives<'_>, findings: &mut Vec<Finding>) {
    findings.extend(not_going_up(lives));
    let groups = groups(lives);
    for entry in history.0.values().filter(|entry| entry.queue == Queue::Ordered) {
        if let Request::Receive { answer: Answer::Done(messages), .. } = &entry.request {
            findings.extend(overtaken(entry, messages, &groups, lives));
        }
    }
}

/// A message, with when it was first asked to be deleted, and when the last of it and those before it was.
struct Member {
    sequence: u128,
    number: u64,
    deleted: Micros,
    all_deleted: Micros,
}

/// The messages of each group, in their order.
fn groups(lives: &Lives<'_>) -> BTreeMap<u64, Vec<Member>> {
    let mut groups: BTreeMap<u64, Vec<Member>> = BTreeMap::new();
    for life in lives.values() {
        if let Some(sequence) = life.sequence() {
            let deleted = life.first_delete().unwrap_or(Micros::MAX);
            let member = Member { sequence, number: life.number, deleted, all_deleted: 0 };
            groups.entry(group_of(life.number)).or_default().push(member);
        }
    }
    for group in groups.values_mut() {
        group.sort_by_key(|member| member.sequence);
        let mut all = 0;
        for member in group {
            all = member.deleted.max(all);
            member.all_deleted = all;
        }
    }
    groups
}

/// What this receive brought although a message before it was still there, and not before it in the same answer.
fn overtaken(
    receive: &Entry,
    messages: &[Delivery],
    groups: &BTreeMap<u64, Vec<Member>>,
    lives: &Lives<'_>,
) -> Option<Finding> {
    let numbers: Vec<_> = messages.iter().filter_map(|message| message.number).collect();
    numbers.iter().enumerate().find_map(|(place, number)| {
        let sequence = lives.get(number)?.sequence()?;
        let group = groups.get(&group_of(*number))?;
        let before = &group[..group.partition_point(|member| member.sequence < sequence)];
        if before.last()?.all_deleted < receive.ended() {
            return None;
        }
        let was_there = |member: &&Member| member.deleted >= receive.ended();
        let first = before
            .iter()
            .filter(was_there)
            .find(|member| !numbers[..place].contains(&member.number))?;
        let seen = format!(
            "message {number} was delivered at {} µs before message {}",
            receive.ended(),
            first.number
        );
        Some(Finding::new(Invariant::GroupOrder, seen))
    })
}

/// A send that began after another one was acknowledged, and has no higher sequence number.
fn not_going_up(lives: &Lives<'_>) -> Option<Finding> {
    let mut ends = Vec::new();
    let mut starts = Vec::new();
    for life in lives.values() {
        let Some(sequence) = life.sequence() else { continue };
        let done = life.sends.iter().filter(|(_, answer, _)| matches!(answer, Answer::Done(_)));
        ends.extend(done.filter_map(|(entry, ..)| entry.end).min().map(|end| (end, sequence)));
        starts.extend(
            life.sends.iter().map(|(entry, ..)| entry.start).min().map(|start| (start, sequence)),
        );
    }
    ends.sort_unstable();
    starts.sort_unstable();
    let mut acknowledged = ends.into_iter().peekable();
    let mut highest = 0;
    starts.into_iter().find_map(|(start, sequence)| {
        while let Some((_, before)) = acknowledged.next_if(|(end, _)| *end < start) {
            highest = before.max(highest);
        }
        (sequence <= highest).then(|| {
            let seen = format!(
                "a message has {sequence}, and one that was acknowledged before has {highest}"
            );
            Finding::new(Invariant::SequenceNumbers, seen)
        })
    })
}
