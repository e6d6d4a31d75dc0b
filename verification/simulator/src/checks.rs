//! What cannot be, judged when it is told: each rule by its own function, over the book as it was before.

use crate::book::Book;
use crate::clock::Millis;
use crate::history::{Delivered, End, Message, Sent};
use crate::invariant::{Finding, Invariant};

/// For how long a deduplication id stands for one message.
const DEDUPLICATION: Millis = 300_000;

fn finding(invariant: Invariant, seen: String) -> Finding {
    Finding { invariant, seen }
}

/// A send was acknowledged, and is in the book as such.
pub(crate) fn sent(book: &Book, number: usize, at: Millis) -> Option<Finding> {
    deduplicated(book, number, at).or_else(|| goes_up(book, number))
}

/// Those that were acknowledged, and that no power cut may have taken.
fn certain<'a>(
    book: &'a Book,
    of: &'a Sent,
) -> impl Iterator<Item = (usize, &'a Sent, Millis)> + 'a {
    let same = move |other: &&Sent| other.queue == of.queue;
    book.sent.iter().enumerate().filter(move |(_, other)| same(other)).filter_map(|(at, other)| {
        let End::Done(end) = other.end else { return None };
        (!other.may_be_lost).then_some((at, other, end))
    })
}

/// I26.
fn deduplicated(book: &Book, number: usize, at: Millis) -> Option<Finding> {
    let sent = &book.sent[number];
    let id = sent.ids.first()?;
    sent.deduplication.as_ref()?;
    let mut others = certain(book, sent)
        .filter(|(other, each, _)| *other != number && each.deduplication == sent.deduplication);
    let (other, ..) = others.find(|(_, other, _)| {
        let apart = at.saturating_sub(other.start) + (book.gained - other.gained);
        apart < DEDUPLICATION && !other.may_be_purged() && !other.ids.contains(id)
    })?;
    let seen = format!("sends {other} and {number} have one deduplication id, and two messages");
    Some(finding(Invariant::Deduplication, seen))
}

/// I24. A duplicate is told of the number of the message that is there.
fn goes_up(book: &Book, number: usize) -> Option<Finding> {
    let sent = &book.sent[number];
    let sequence = sent.sequence?;
    let earlier = book.sent[..number].iter().filter(|other| other.queue == sent.queue);
    if earlier.into_iter().any(|other| other.deduplication == sent.deduplication) {
        return None;
    }
    let mut earlier = certain(book, sent).filter(|(_, _, end)| *end < sent.start);
    let (other, ..) = earlier.find(|(_, other, _)| other.sequence >= Some(sequence))?;
    let seen =
        format!("send {number} has the number {sequence}, and {other} before it no lower one");
    Some(finding(Invariant::SequenceNumbers, seen))
}

/// A message was delivered; `before` came in the same answer before it.
pub(crate) fn delivered(
    book: &Book,
    number: usize,
    message: &Message,
    delivered: &Delivered,
    before: &[usize],
) -> Option<Finding> {
    let sent = &book.sent[number];
    was_there(sent, number, delivered)
        .or_else(|| is_one(book, sent, number, message))
        .or_else(|| in_its_place(book, sent, number, delivered))
        .or_else(|| after_its_delay(sent, number, delivered))
        .or_else(|| not_leased(sent, number, delivered))
        .or_else(|| counted(book, sent, number, delivered))
        .or_else(|| in_order(book, number, message, delivered, before))
}

/// I2, I5 and I35.
fn was_there(sent: &Sent, number: usize, delivered: &Delivered) -> Option<Finding> {
    if sent.end == End::Refused {
        return Some(finding(Invariant::RefusedAppeared, format!("send {number} was refused")));
    }
    let told = sent.gone.told.filter(|told| *told < delivered.start)?;
    let invariant = if sent.may_be_purged() { Invariant::Purges } else { Invariant::CameBack };
    Some(finding(invariant, format!("message {number} was gone at {told}, and is delivered")))
}

/// I4: one message for one attempt. A task that moves messages gives them other ids.
fn is_one(book: &Book, sent: &Sent, number: usize, message: &Message) -> Option<Finding> {
    let is_moved = book.moved_from.iter().any(|moved| *moved);
    if is_moved || sent.ids.is_empty() || sent.ids.contains(&message.id) {
        return None;
    }
    let seen = format!("message {number} was {:?}, and is {}", sent.ids, message.id);
    Some(finding(Invariant::Doubled, seen))
}

/// I7 and I22: only the dead-letter queue has it once it was there.
fn in_its_place(book: &Book, sent: &Sent, number: usize, delivered: &Delivered) -> Option<Finding> {
    let at = delivered.queue;
    if !book.may_reach(sent.queue, at) {
        let seen = format!("message {number} of queue {} is in {at}", sent.queue);
        return Some(finding(Invariant::Place, seen));
    }
    let (dead, most) = book.plan.queues[sent.queue].dead_letters?;
    let was_dead = sent.deliveries.iter().any(|each| each.queue == dead && !each.may_be_lost);
    if at == sent.queue && was_dead && !book.moved_from[dead] {
        return Some(finding(
            Invariant::Place,
            format!("message {number} is back from queue {dead}"),
        ));
    }
    let times = sent.deliveries.iter().filter(|each| each.queue == sent.queue).count() as u64;
    if at == dead && times + book.unknown_receives[sent.queue] < most {
        let seen = format!("message {number} is in queue {dead} after {times} receives");
        return Some(finding(Invariant::DeadLetters, seen));
    }
    None
}

/// I20.
fn after_its_delay(sent: &Sent, number: usize, delivered: &Delivered) -> Option<Finding> {
    let until = sent.start + sent.delay;
    let reached = delivered.end + (delivered.gained - sent.gained);
    (sent.delay > 0 && reached < until).then(|| Finding {
        invariant: Invariant::Delays,
        seen: format!("message {number} is delayed until {until}"),
    })
}

fn is_same(one: &Delivered, other: &Delivered) -> bool {
    one.queue == other.queue && one.id == other.id
}

/// I14 and I15: either this delivery came after the end of each other one, or that one after the end of this.
fn not_leased(sent: &Sent, number: usize, delivered: &Delivered) -> Option<Finding> {
    let same = |each: &&Delivered| is_same(each, delivered) && !each.may_be_lost;
    let leased = sent.deliveries.iter().filter(same).find(|each| {
        let gained = delivered.gained - each.gained;
        let this_is_later = delivered.end + gained >= each.until;
        let this_is_earlier = delivered.start <= each.end && each.end >= delivered.until;
        !this_is_later && !this_is_earlier
    })?;
    let seen = format!("message {number} is leased until {} at the least", leased.until);
    Some(finding(Invariant::Leases, seen))
}

/// I17 and I22.
fn counted(book: &Book, sent: &Sent, number: usize, delivered: &Delivered) -> Option<Finding> {
    let most = book.plan.queues[sent.queue].dead_letters.map(|(_, most)| most);
    if delivered.queue == sent.queue && most.is_some_and(|most| delivered.count > most) {
        let seen = format!("message {number} is delivered for the {}th time", delivered.count);
        return Some(finding(Invariant::DeadLetters, seen));
    }
    let earlier = |each: &&Delivered| each.end < delivered.start && is_same(each, delivered);
    let before = sent.deliveries.iter().filter(earlier).filter(|each| !each.may_be_lost);
    let before = before.map(|each| each.count).max().unwrap_or(0);
    if delivered.count <= before {
        let seen = format!("message {number} had the count {before}, and has {}", delivered.count);
        return Some(finding(Invariant::Counts, seen));
    }
    let receives = sent.deliveries.len() as u64 + 1 + book.unknown_receives.iter().sum::<u64>();
    let (count, overlaps) = (delivered.count, book.plan.clients + 1);
    (count > receives + overlaps * 10).then(|| Finding {
        invariant: Invariant::Counts,
        seen: format!("message {number} has the count {count} after {receives} receives"),
    })
}

/// I23 and I25: what is before it in its group is gone, or comes before it in the same answer.
fn in_order(
    book: &Book,
    number: usize,
    message: &Message,
    delivered: &Delivered,
    before: &[usize],
) -> Option<Finding> {
    let sent = &book.sent[number];
    let (at, sequence) = (delivered.queue, message.sequence?);
    sent.group.as_ref()?;
    if at != sent.queue || book.moved_from.iter().any(|moved| *moved) {
        return None;
    }
    let is_before = |other: &Sent| {
        other.queue == at
            && other.group == sent.group
            && other.sequence.is_some_and(|each| each < sequence)
    };
    let is_there = |other: &Sent| {
        let was_asked = other.gone.asked.is_some_and(|asked| asked <= delivered.end);
        !other.may_be_lost && !was_asked && !may_be_dead(book, other)
    };
    let overtaken = book.sent.iter().enumerate().find(|(place, other)| {
        *place != number
            && is_before(other)
            && is_there(other)
            && !before.contains(place)
            && !stands_for_another(book, *place)
    })?;
    let seen = format!("message {number} is delivered before message {}", overtaken.0);
    Some(finding(Invariant::GroupOrder, seen))
}

/// Whether it may have gone to the dead-letter queue without anybody having seen it.
pub(crate) fn may_be_dead(book: &Book, sent: &Sent) -> bool {
    let Some((_, most)) = book.plan.queues[sent.queue].dead_letters else { return false };
    let times = sent.deliveries.len() as u64 + book.unknown_receives[sent.queue];
    times >= most
}

/// A duplicate is told of another message; which of them is there, nobody knows until it is delivered.
fn stands_for_another(book: &Book, number: usize) -> bool {
    let sent = &book.sent[number];
    let same =
        |other: &Sent| other.queue == sent.queue && other.deduplication == sent.deduplication;
    let mut others = book.sent.iter().enumerate().filter(|(place, _)| *place != number);
    sent.deliveries.is_empty() && others.any(|(_, other)| same(other))
}

/// I1: what became of each message, once everything has been received and deleted.
pub(crate) fn at_the_end(book: &Book) -> Option<Finding> {
    book.sent.iter().enumerate().find_map(|(number, sent)| {
        let is_kept = matches!(sent.end, End::Done(_)) && !sent.may_be_lost;
        let ended = |other: &usize| {
            let other = &book.sent[*other];
            other.gone.asked.is_some() || other.may_be_lost
        };
        let is_gone = sent.ids.iter().flat_map(|id| &book.by_id[id]).any(ended);
        (is_kept && !is_gone).then(|| Finding {
            invariant: Invariant::Lost,
            seen: format!("message {number} was acknowledged, and is nowhere"),
        })
    })
}
