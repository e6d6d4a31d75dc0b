//! Fair queues: what a standard queue knows about the message groups of its messages.
//!
//! A group is *noisy* while it holds more than its share of what is in flight; messages without a
//! group are each on their own, and never noisy. Receives take the messages of quiet groups first,
//! oldest first, and those of noisy groups when nothing else is available: so a group with a long
//! backlog does not hold up the others, and no receiver ever waits while there is a message.
//!
//! ```text
//! place of a message ─► groups: how many where ─► crowded: who has 30 in flight ─► noisy: > 10 %
//! receive ─► index/by_group.rs: the available messages, whole groups passed over
//! ```
//!
//! All of it follows from where messages are, so that a replayed log shares out as the queue did
//! before. A queue to which no message with a group ever came has none of it.
//!
//! # Invariants
//!
//! - Every message with a group is counted in it, at its place; a group without messages is gone.
//! - At most nine groups are noisy at once, since each has more than a tenth.
//! - No operation looks at more messages than it moves, and each costs O(log n).

mod groups;
mod rule;

use std::collections::BTreeSet;

use longshore_types::Timestamp;

use crate::group::GroupNumber;
use crate::message::Stage;
use crate::snapshot::Part;
use crate::{Counts, MessageKey, Queue};
use groups::Groups;

/// What a standard queue owns for the groups of its messages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fair {
    groups: Groups,
    /// Groups with so many messages in flight that they can be noisy, by how many.
    crowded: BTreeSet<(usize, GroupNumber)>,
}

impl Fair {
    /// Begins to tell which groups have which messages now.
    pub(crate) fn begin_walk(&mut self) {
        self.groups.begin_walk();
    }

    pub(crate) fn end_walk(&mut self) {
        self.groups.end_walk();
    }

    /// What is told of them next.
    pub(crate) fn walk(&mut self, count: usize) -> Vec<Part> {
        self.groups.walk(count)
    }

    /// The number of the last group.
    pub(crate) const fn last_group(&self) -> u64 {
        self.groups.last()
    }

    /// One without groups, which goes on from this number.
    pub(crate) fn after(last_group: u64) -> Self {
        Self { groups: Groups::after(last_group), crowded: BTreeSet::new() }
    }

    /// Takes in a group that was told of, before its members.
    pub(crate) fn restore(&mut self, number: GroupNumber, id: &str) {
        self.groups.restore(number, id);
    }

    /// Takes in a member that was told of, which is at no place yet.
    pub(crate) fn restore_member(&mut self, key: MessageKey, group: GroupNumber) {
        self.groups.restore_member(key, group);
    }

    /// A message comes, and is not yet at any place.
    pub(crate) fn join(&mut self, key: MessageKey, id: &str) {
        self.groups.join(key, id);
    }

    /// A message goes, and is no longer at any place.
    pub(crate) fn leave(&mut self, key: MessageKey) {
        self.groups.leave(key);
    }

    /// A message is at that place now.
    pub(crate) fn enter(&mut self, key: MessageKey, stage: Stage) {
        self.count(key, stage, |count| *count += 1);
    }

    /// A message is at that place no longer.
    pub(crate) fn exit(&mut self, key: MessageKey, stage: Stage) {
        self.count(key, stage, |count| *count -= 1);
    }

    fn count(&mut self, key: MessageKey, stage: Stage, change: impl Fn(&mut usize)) {
        let Some(number) = self.groups.number_of(key) else { return };
        let Some(counts) = self.groups.counts_mut(number) else { return };
        let before = counts.in_flight;
        change(at(counts, stage));
        let after = counts.in_flight;
        if before != after {
            self.crowded.remove(&(before, number));
            self.crowded.extend(rule::is_crowded(after).then_some((after, number)));
        }
    }

    /// The group of a message.
    pub(crate) fn group_of(&self, key: MessageKey) -> Option<GroupNumber> {
        self.groups.number_of(key)
    }

    /// The id of a message's group.
    pub(crate) fn id_of(&self, key: MessageKey) -> Option<&str> {
        self.groups.id_of(key)
    }

    /// The noisy groups, if so many messages of the queue are in flight.
    fn noisy(&self, in_flight: usize) -> Vec<GroupNumber> {
        let most_first = self.crowded.iter().rev();
        let noisy = most_first.take_while(|(count, _)| rule::is_noisy(*count, in_flight));
        noisy.map(|(_, number)| *number).collect()
    }
}

fn at(counts: &mut Counts, stage: Stage) -> &mut usize {
    match stage {
        Stage::Available => &mut counts.available,
        Stage::Delayed(_) => &mut counts.delayed,
        Stage::InFlight(_) => &mut counts.in_flight,
    }
}

/// How a standard queue's messages divide into those of noisy groups and all others, which are
/// those of quiet groups and those without a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fairness {
    /// Groups that are noisy, nine at most.
    pub noisy_group_count: usize,
    /// How many of the other messages are available, in flight and delayed.
    pub quiet: Counts,
    /// When the oldest of the other messages was sent.
    pub oldest_quiet: Option<Timestamp>,
}

impl Queue {
    /// What metrics show of a fair queue. In a FIFO queue, and in one without groups, nothing is
    /// noisy. Costs O(log n).
    pub fn fairness(&self) -> Fairness {
        let noisy = self.noisy_groups();
        let mut quiet = self.counts();
        for counts in noisy.iter().filter_map(|number| self.fair.as_ref()?.groups.counts(*number)) {
            quiet.available -= counts.available;
            quiet.in_flight -= counts.in_flight;
            quiet.delayed -= counts.delayed;
        }
        let oldest_quiet = self.sends.oldest_except(&noisy);
        Fairness { noisy_group_count: noisy.len(), quiet, oldest_quiet }
    }

    /// The groups whose messages are received after all others.
    pub(crate) fn noisy_groups(&self) -> Vec<GroupNumber> {
        self.fair.as_ref().map_or_else(Vec::new, |fair| fair.noisy(self.in_flight.len()))
    }
}
