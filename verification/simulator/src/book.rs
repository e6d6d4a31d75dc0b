//! The book of a schedule: it is told what clients ask and are told, and what becomes of the machine, and says at once
//! what cannot be.
//!
//! # Invariants
//!
//! - A request without an answer counts as carried out and as not.
//! - Only what the broker promises is asked of it: what a power cut may take in the mode that the log is kept in, it may.

use std::collections::{BTreeMap, BTreeSet};

use crate::checks;
use crate::clock::Millis;
use crate::history::{Delivered, End, Held, Message, Receive, Sent, number_of};
use crate::invariant::{Finding, Invariant};
use crate::plan::{Mode, Plan};
use crate::seen::Seen;

/// How long after it was written a record may be that a power cut takes, in which no answer has waited for it: a second
/// until it is synced, and the longest step of the disk.
const UNSYNCED_MAX: Millis = 1_000;

/// Longer stops are not believed at once, and never by leases.
const BELIEVED_MAX: Millis = 3_600_000;

/// The book.
#[derive(Debug)]
pub(crate) struct Book {
    pub(crate) plan: Plan,
    pub(crate) sent: Vec<Sent>,
    /// Which sends a message id is known for.
    pub(crate) by_id: BTreeMap<String, Vec<usize>>,
    /// Handles that were given out.
    handles: BTreeSet<String>,
    /// Receives of which nobody knows what they took, by queue.
    pub(crate) unknown_receives: [u64; 5],
    /// Whether a task has moved messages from that queue.
    pub(crate) moved_from: [bool; 5],
    pub(crate) boot: u64,
    /// All jumps ahead that a start may have believed.
    pub(crate) gained: Millis,
    /// Those since the last start.
    ahead: Millis,
    /// When the wall clock jumped, if it is not sure that the broker noticed that before it stopped. The next start may
    /// find a clock that was off to be right again, and then counts all stops that were hidden by that.
    unnoticed: Option<Millis>,
    pub(crate) power_cuts: u64,
    pub(crate) seen: Seen,
    finding: Option<Finding>,
    hash: u64,
    /// Kept if they are wanted.
    lines: Option<Vec<String>>,
}

impl Book {
    pub(crate) fn new(plan: Plan, with_words: bool) -> Self {
        Self {
            plan,
            sent: Vec::new(),
            by_id: BTreeMap::new(),
            handles: BTreeSet::new(),
            unknown_receives: [0; 5],
            moved_from: [false; 5],
            boot: 0,
            gained: 0,
            ahead: 0,
            unnoticed: None,
            power_cuts: 0,
            seen: Seen::default(),
            finding: None,
            hash: 0xcbf2_9ce4_8422_2325,
            lines: with_words.then(Vec::new),
        }
    }

    /// Notes what happens, for whoever reads it, and for the hash.
    pub(crate) fn note(&mut self, at: Millis, what: impl AsRef<str>) {
        let line = format!("{at:>8} {}", what.as_ref());
        for byte in line.bytes() {
            self.hash = (self.hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        if let Some(lines) = &mut self.lines {
            lines.push(line);
        }
    }

    /// An invariant does not hold. The first one counts.
    pub(crate) fn find(&mut self, invariant: Invariant, seen: impl Into<String>) {
        let finding = Finding { invariant, seen: seen.into() };
        if self.finding.is_none() {
            self.note(0, format!("BROKEN {finding}"));
            self.finding = Some(finding);
        }
    }

    pub(crate) fn is_broken(&self) -> bool {
        self.finding.is_some()
    }

    /// What came of the schedule.
    pub(crate) fn close(&mut self) -> (u64, Seen, Option<Finding>, Vec<String>) {
        let lines = self.lines.take().unwrap_or_default();
        (self.hash, self.seen, self.finding.take(), lines)
    }

    // Sends.

    /// A send begins; its number.
    pub(crate) fn begin_send(&mut self, at: Millis, mut sent: Sent) -> usize {
        let number = self.sent.len();
        sent.body = format!("{number}:{}", sent.body);
        sent.start = at;
        sent.gained = self.gained;
        self.note(
            at,
            format!("send {number} to {} {:?} {:?}", sent.queue, sent.group, sent.deduplication),
        );
        self.sent.push(sent);
        number
    }

    /// It was acknowledged.
    pub(crate) fn sent(&mut self, at: Millis, number: usize, id: &str, sequence: Option<u128>) {
        self.note(at, format!("sent {number} as {id} {sequence:?}"));
        self.seen.sends += 1;
        // Its record says what the wall clock showed.
        self.unnoticed = self.unnoticed.filter(|jumped| *jumped >= self.sent[number].start);
        self.sent[number].end = End::Done(at);
        self.know(number, id, sequence);
        let found = checks::sent(self, number, at);
        self.take(found);
    }

    pub(crate) fn not_sent(&mut self, at: Millis, number: usize, end: End, why: &str) {
        self.note(at, format!("send {number}: {end:?} {why}"));
        self.sent[number].end = end;
    }

    fn know(&mut self, number: usize, id: &str, sequence: Option<u128>) {
        let sent = &mut self.sent[number];
        if !sent.ids.iter().any(|known| known == id) {
            sent.ids.push(id.to_owned());
            self.by_id.entry(id.to_owned()).or_default().push(number);
        }
        sent.sequence = sequence.or(sent.sequence);
    }

    // Receives.

    /// A receive was answered; what of it its client holds now.
    pub(crate) fn received(
        &mut self,
        at: Millis,
        receive: Receive,
        messages: &[Message],
    ) -> Vec<Held> {
        let numbers: Vec<_> = messages.iter().map(|message| number_of(&message.body)).collect();
        let named = |number: &Option<usize>| number.map_or("?".to_owned(), |each| each.to_string());
        let named: Vec<_> = numbers.iter().map(named).collect();
        let Receive { queue, start, visibility, .. } = receive;
        let named = named.join(" ");
        self.note(at, format!("received [{named}] of {queue} for {visibility}, asked at {start}"));
        let mut held = Vec::new();
        for (place, message) in messages.iter().enumerate() {
            let before: Vec<usize> = numbers[..place].iter().copied().flatten().collect();
            held.extend(self.delivered(at, receive, message, &before));
        }
        held
    }

    fn delivered(
        &mut self,
        at: Millis,
        receive: Receive,
        message: &Message,
        before: &[usize],
    ) -> Option<Held> {
        self.seen.deliveries += 1;
        let sent = number_of(&message.body).filter(|number| *number < self.sent.len());
        let Some(sent) = sent.filter(|number| self.sent[*number].body == message.body) else {
            self.find(Invariant::FromNowhere, format!("{} was never sent as it is", message.id));
            return None;
        };
        if !self.handles.insert(message.handle.clone()) {
            let seen = format!("message {sent} was delivered with a handle of another delivery");
            self.find(Invariant::Handles, seen);
        }
        // A change that was under way meanwhile may be of this delivery.
        let is_changed = self.sent[sent].changes > 0 || self.sent[sent].changed >= receive.start;
        let visibility = if is_changed { 0 } else { receive.visibility };
        let delivered = Delivered {
            id: message.id.clone(),
            queue: receive.queue,
            boot: receive.boot,
            start: receive.start,
            end: at,
            gained: self.gained,
            until: receive.start + visibility,
            count: message.count,
            may_be_lost: false,
        };
        let found = checks::delivered(self, sent, message, &delivered, before);
        self.take(found);
        self.know(sent, &message.id, message.sequence);
        let deliveries = &mut self.sent[sent].deliveries;
        deliveries.push(delivered);
        let delivery = deliveries.len() - 1;
        Some(Held { queue: receive.queue, sent, delivery, handle: message.handle.clone() })
    }

    /// Nobody knows what a receive took.
    pub(crate) fn receive_unknown(&mut self, at: Millis, queue: usize) {
        self.note(at, format!("a receive of {queue} came to nothing known"));
        self.unknown_receives[queue] += 1;
    }

    // Deletes, changes, purges.

    pub(crate) fn begin_delete(&mut self, at: Millis, held: &Held) {
        self.note(at, format!("delete {}", held.sent));
        self.sent[held.sent].gone.ask(at);
    }

    pub(crate) fn deleted(&mut self, at: Millis, held: &Held) {
        self.note(at, format!("deleted {}", held.sent));
        self.seen.deletes += 1;
        if self.is_where_it_was(at, held) {
            self.sent[held.sent].gone.tell(at);
        }
    }

    /// Whether the message cannot have left the queue that it was received from: a handle of before a move is worth
    /// nothing, and a delete with it succeeds.
    fn is_where_it_was(&self, at: Millis, held: &Held) -> bool {
        let sent = &self.sent[held.sent];
        let is_last = held.delivery + 1 == sent.deliveries.len();
        let leased =
            |last: &Delivered| !last.may_be_lost && last.until > at + (self.gained - last.gained);
        let is_leased = is_last && sent.deliveries.last().is_some_and(leased);
        let is_moved = self.moved_from.iter().any(|moved| *moved);
        is_leased || !(is_moved || checks::may_be_dead(self, sent))
    }

    /// The delete was refused.
    pub(crate) fn not_deleted(&mut self, at: Millis, held: &Held, why: &str) {
        self.note(at, format!("not deleted {}: {why}", held.sent));
        self.sent[held.sent].gone.refuse();
    }

    pub(crate) fn begin_change(&mut self, at: Millis, held: &Held, visibility: Millis) {
        self.note(at, format!("change {} to {visibility}", held.sent));
        let sent = &mut self.sent[held.sent];
        sent.changes += 1;
        for delivery in &mut sent.deliveries {
            delivery.until = delivery.until.min(at + visibility);
        }
    }

    /// The visibility was changed, by a request that began at `start`.
    pub(crate) fn changed(&mut self, at: Millis, start: Millis, held: &Held, visibility: Millis) {
        self.note(at, format!("changed {} to {visibility}", held.sent));
        let sent = &mut self.sent[held.sent];
        let is_last = held.delivery + 1 == sent.deliveries.len();
        let (boot, gained) = (self.boot, self.gained);
        let last = sent.deliveries.last_mut().filter(|last| is_last && last.until > at);
        if let Some(last) = last.filter(|last| last.boot == boot && last.gained == gained) {
            last.until = last.until.max(start + visibility);
        }
    }

    /// A change is over, whatever came of it.
    pub(crate) fn end_change(&mut self, at: Millis, held: &Held) {
        let sent = &mut self.sent[held.sent];
        sent.changes = sent.changes.saturating_sub(1);
        sent.changed = at;
    }

    /// Somebody asks for the end of everything in a queue.
    /// A purge is asked for. Answers how many messages there were.
    pub(crate) fn begin_purge(&mut self, at: Millis, queue: usize) -> usize {
        self.note(at, format!("purge {queue}"));
        self.each_in(queue, |sent| sent.purge(at));
        self.sent.len()
    }

    /// A purge that was asked for when there were so many messages was refused: nothing came of it.
    pub(crate) fn purge_refused(&mut self, at: Millis, queue: usize, begun: usize) {
        self.note(at, format!("a purge of {queue} was refused"));
        let sources = self.sources_of(queue);
        let before = self.sent.iter_mut().take(begun);
        before.filter(|sent| sources.contains(&sent.queue)).for_each(Sent::refuse_purge);
    }

    /// A purge, begun at `start`, was acknowledged: what was acknowledged before it is gone. What was sent meanwhile may
    /// be.
    pub(crate) fn purged(&mut self, at: Millis, start: Millis, queue: usize) {
        self.note(at, format!("purged {queue}"));
        self.seen.purges += 1;
        // Of a queue with a dead-letter queue nobody knows which messages are there yet.
        let stays = self.plan.queues[queue].dead_letters.is_none();
        self.each_in(queue, |sent| {
            sent.purge(start);
            let is_before = matches!(sent.end, End::Done(end) if end < start);
            if is_before && stays && sent.queue == queue {
                sent.gone.tell(at);
            }
        });
    }

    /// Nobody knows what came of a purge.
    pub(crate) fn purge_unknown(&mut self, at: Millis, queue: usize) {
        self.note(at, format!("a purge of {queue} came to nothing known"));
        self.each_in(queue, |sent| sent.purge(at));
    }

    /// The messages that may be in a queue now.
    fn each_in(&mut self, queue: usize, mut each: impl FnMut(&mut Sent)) {
        let sources = self.sources_of(queue);
        self.sent.iter_mut().filter(|sent| sources.contains(&sent.queue)).for_each(&mut each);
    }

    /// The queues whose messages may be in a queue.
    fn sources_of(&self, queue: usize) -> Vec<usize> {
        (0..5).filter(|from| self.may_reach(*from, queue)).collect()
    }

    /// Whether a message of one queue may be in another.
    pub(crate) fn may_reach(&self, from: usize, to: usize) -> bool {
        let dead = self.plan.queues[from].dead_letters.map(|(dead, _)| dead);
        from == to || dead == Some(to)
    }

    // The machine.

    /// The wall clock is set ahead by so much, or may have been.
    pub(crate) fn jumped(&mut self, at: Millis, by: i64) {
        self.note(at, format!("the wall clock jumps by {by} ms"));
        self.seen.jumps += 1;
        let ahead = u64::try_from(by).unwrap_or(0);
        self.unnoticed = Some(at);
        if ahead <= BELIEVED_MAX {
            self.ahead += ahead;
        }
    }

    /// The machine starts.
    pub(crate) fn started(&mut self, at: Millis) {
        self.boot += 1;
        self.sent.iter_mut().for_each(|sent| sent.changes = 0);
        self.gained += std::mem::take(&mut self.ahead) + self.unnoticed.take().map_or(0, |_| at);
        self.note(at, format!("start {}", self.boot));
    }

    /// The power was cut: what nobody waited for may be gone.
    pub(crate) fn power_cut(&mut self, at: Millis) {
        self.note(at, "the power is cut");
        self.power_cuts += 1;
        let step = self.plan.disk_max * 100 + 100;
        let from = |window: Millis| at.saturating_sub(window + step);
        let receives = from(UNSYNCED_MAX);
        let ordered_survive = self.plan.mode == Mode::Durable;
        let is_ordered = self.plan.queues.clone().map(|queue| queue.is_fifo());
        for delivery in self.sent.iter_mut().flat_map(|sent| &mut sent.deliveries) {
            let survives = ordered_survive && is_ordered[delivery.queue];
            delivery.may_be_lost |= !survives && delivery.end >= receives;
        }
        if let Mode::Relaxed(interval) = self.plan.mode {
            self.lose_since(from(crate::clock::millis(interval).max(UNSYNCED_MAX)));
        }
    }

    /// In relaxed mode: what was answered since then may be lost.
    fn lose_since(&mut self, from: Millis) {
        for sent in &mut self.sent {
            sent.may_be_lost |= matches!(sent.end, End::Done(end) if end >= from);
            if sent.gone.told.is_some_and(|told| told >= from) {
                sent.gone.told = None;
            }
            for delivery in &mut sent.deliveries {
                delivery.may_be_lost |= delivery.end >= from || delivery.until >= from;
            }
        }
    }

    fn take(&mut self, found: Option<Finding>) {
        if let Some(Finding { invariant, seen }) = found {
            self.find(invariant, seen);
        }
    }
}
