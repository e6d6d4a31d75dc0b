//! Leases, delays and receive counts: I14, I17 and I20.

use super::life::{Given, Life};
use super::{Finding, Invariant, Rules};
use crate::history::{Micros, Queue};

/// The broker counts time in milliseconds.
const SLACK: Micros = 2_000;

/// Whether one message was delivered when it might be, and counted.
pub(super) fn judge(life: &Life<'_>, rules: Rules, findings: &mut Vec<Finding>) {
    let mut given: Vec<_> = life.given.iter().collect();
    given.sort_by_key(|given| given.receive.start);
    for (at, later) in given.iter().enumerate() {
        for earlier in given[..at].iter().filter(|earlier| are_of_one_message(earlier, later)) {
            findings.extend(too_early(life, earlier, later, rules));
            findings.extend(not_counted(earlier, later));
        }
        findings.extend(before_its_delay(life, later, rules));
    }
    findings.extend(given.iter().find_map(|given| forgotten(life, given, rules)));
}

/// A message that was moved is another one, with leases and counts of its own.
fn are_of_one_message(one: &Given<'_>, other: &Given<'_>) -> bool {
    one.receive.queue == other.receive.queue && one.message.message_id == other.message.message_id
}

fn is_first(earlier: &Given<'_>, later: &Given<'_>) -> bool {
    earlier.receive.ended() < later.receive.start
}

fn too_early(
    life: &Life<'_>,
    earlier: &Given<'_>,
    later: &Given<'_>,
    rules: Rules,
) -> Option<Finding> {
    let of_one_boot = earlier.receive.boot == later.receive.boot;
    let mut until = life.leased_until(earlier);
    if !is_first(earlier, later) {
        until = until.min(life.leased_until(later));
    }
    let early = later.receive.ended().saturating_add(SLACK) < until;
    (early && (of_one_boot || rules.time_is_right)).then(|| {
        let (number, ended) = (life.number, later.receive.ended());
        let seen =
            format!("message {number} was delivered at {ended} µs, and leased until {until} µs");
        Finding::new(Invariant::Leases, seen)
    })
}

fn not_counted(earlier: &Given<'_>, later: &Given<'_>) -> Option<Finding> {
    let (before, after) = (earlier.message.receive_count, later.message.receive_count);
    (is_first(earlier, later) && after <= before).then(|| {
        let id = &later.message.message_id;
        let seen = format!("{id} was delivered with count {before}, and then with {after}");
        Finding::new(Invariant::ReceiveCounts, seen)
    })
}

/// The delivery that the message knows nothing of now. In the FIFO queue a receive is durable before its answer.
fn forgotten(life: &Life<'_>, given: &Given<'_>, rules: Rules) -> Option<Finding> {
    let queue = given.receive.queue;
    let (_, held) = life
        .held
        .iter()
        .find(|(at, held)| *at == queue && held.message_id == given.message.message_id)?;
    let (told, now) = (given.message.receive_count, held.receive_count);
    let survives = rules.receives_survive || queue == Queue::Ordered;
    (survives && now < told).then(|| {
        let seen = format!("{} was delivered with count {told}, and has {now}", held.message_id);
        Finding::new(Invariant::ReceiveCounts, seen)
    })
}

fn before_its_delay(life: &Life<'_>, given: &Given<'_>, rules: Rules) -> Option<Finding> {
    let (send, _, delay) = life.sends.first()?;
    let until = send.start + delay;
    let early = given.receive.ended().saturating_add(SLACK) < until;
    (early && (send.boot == given.receive.boot || rules.time_is_right)).then(|| {
        let seen = format!("message {} was delivered, and delayed until {until} µs", life.number);
        Finding::new(Invariant::Delays, seen)
    })
}
