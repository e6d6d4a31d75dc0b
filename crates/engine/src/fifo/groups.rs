//! Message groups: who is next, within a group and among groups.
//!
//! Within a group messages are in the order of their sequence numbers, whatever becomes of them
//! meanwhile. What can be delivered is the run from the group's head up to the first message that
//! is in flight or delayed; so a group is *ready* exactly if its head is available, and that is
//! all there is to locking. Among groups, each has a turn: a group that is served takes the last
//! one, a new group too.
//!
//! # Invariants
//!
//! - A group exists as long as it has members; one that begins anew takes a new turn.
//! - `ready` has the groups whose head is available, and only those. The queue keeps it so by
//!   [`Groups::set_ready`] after each change to a member.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::sequence::SequenceNumber;
use crate::MessageKey;
use crate::group::GroupNumber;
use crate::snapshot::Part;
use crate::walked::Walked;

#[derive(Clone, Debug, PartialEq, Eq)]
struct Group {
    id: Arc<str>,
    turn: u64,
    ready: bool,
}

/// The groups of a queue and their members.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Groups {
    by_number: Walked<GroupNumber, Group>,
    by_id: BTreeMap<Arc<str>, GroupNumber>,
    members: Walked<MessageKey, (GroupNumber, SequenceNumber)>,
    in_order: BTreeMap<(GroupNumber, SequenceNumber), MessageKey>,
    /// Groups whose head is available, by turn.
    ready: BTreeMap<u64, GroupNumber>,
    /// Groups with messages in flight, and how many those are.
    in_flight: BTreeMap<GroupNumber, usize>,
    last_number: u64,
    last_turn: u64,
}

impl Groups {
    /// The message becomes the last of its group.
    pub(crate) fn join(&mut self, key: MessageKey, id: &str, sequence: SequenceNumber) {
        let group = self.by_id.get(id).copied().unwrap_or_else(|| self.begin(id));
        self.members.insert(key, (group, sequence));
        self.in_order.insert((group, sequence), key);
    }

    fn begin(&mut self, id: &str) -> GroupNumber {
        self.last_number += 1;
        self.last_turn += 1;
        let number = GroupNumber::new(self.last_number);
        let id: Arc<str> = id.into();
        self.by_id.insert(Arc::clone(&id), number);
        self.by_number.insert(number, Group { id, turn: self.last_turn, ready: false });
        number
    }

    /// The message leaves its group. Answers the group, if others remain.
    pub(crate) fn leave(&mut self, key: MessageKey) -> Option<GroupNumber> {
        let (group, sequence) = self.members.remove(&key)?;
        self.in_order.remove(&(group, sequence));
        if self.head(group).is_some() {
            return Some(group);
        }
        self.end(group);
        None
    }

    fn end(&mut self, number: GroupNumber) {
        self.set_ready(number, false);
        if let Some(group) = self.by_number.remove(&number) {
            self.by_id.remove(&group.id);
        }
    }

    /// A message was delivered: its group takes the last turn.
    pub(crate) fn serve(&mut self, key: MessageKey) {
        let Some(number) = self.group_of(key) else { return };
        self.last_turn += 1;
        let Some(group) = self.by_number.get_mut(&number) else { return };
        let before = std::mem::replace(&mut group.turn, self.last_turn);
        if group.ready {
            self.ready.remove(&before);
            self.ready.insert(self.last_turn, number);
        }
    }

    /// Says whether the group's head is available.
    pub(crate) fn set_ready(&mut self, number: GroupNumber, ready: bool) {
        let Some(group) = self.by_number.get_mut(&number) else { return };
        group.ready = ready;
        if ready {
            self.ready.insert(group.turn, number);
        } else {
            self.ready.remove(&group.turn);
        }
    }

    /// A message is in flight now.
    pub(crate) fn count_lease(&mut self, key: MessageKey) {
        if let Some(group) = self.group_of(key) {
            *self.in_flight.entry(group).or_default() += 1;
        }
    }

    /// A message is in flight no longer.
    pub(crate) fn uncount_lease(&mut self, key: MessageKey) {
        let Some(group) = self.group_of(key) else { return };
        let Some(count) = self.in_flight.get_mut(&group) else { return };
        *count -= 1;
        if *count == 0 {
            self.in_flight.remove(&group);
        }
    }

    /// Begins to tell which groups there are now, and their members.
    pub(crate) fn begin_walk(&mut self) {
        self.by_number.begin_walk();
        self.members.begin_walk();
    }

    pub(crate) fn end_walk(&mut self) {
        self.by_number.end_walk();
        self.members.end_walk();
    }

    /// What is told next of them: first the groups, then the members.
    pub(crate) fn walk(&mut self, count: usize) -> Vec<Part> {
        let of_group = |(number, group): (GroupNumber, Group)| {
            let Group { id, turn, .. } = group;
            Part::Group { number, id: id.as_ref().into(), turn }
        };
        let groups: Vec<_> = self.by_number.walk(count).into_iter().map(of_group).collect();
        if !groups.is_empty() {
            return groups;
        }
        let of_member = |(key, (group, sequence))| Part::Member { key, group, sequence };
        self.members.walk(count).into_iter().map(of_member).collect()
    }

    /// The numbers of the last group and of the last turn.
    pub(crate) const fn last(&self) -> (u64, u64) {
        (self.last_number, self.last_turn)
    }

    /// Groups of which there are none yet, and which go on from these numbers.
    pub(crate) fn after((last_number, last_turn): (u64, u64)) -> Self {
        Self { last_number, last_turn, ..Self::default() }
    }

    /// Takes in a group that was told of, before its members.
    pub(crate) fn restore(&mut self, number: GroupNumber, id: &str, turn: u64) {
        let id: Arc<str> = id.into();
        self.by_id.insert(Arc::clone(&id), number);
        self.by_number.insert(number, Group { id, turn, ready: false });
    }

    /// Takes in a member that was told of.
    pub(crate) fn restore_member(
        &mut self,
        key: MessageKey,
        group: GroupNumber,
        sequence: SequenceNumber,
    ) {
        self.members.insert(key, (group, sequence));
        self.in_order.insert((group, sequence), key);
    }

    /// How many groups have messages in flight.
    pub(crate) fn in_flight_len(&self) -> usize {
        self.in_flight.len()
    }

    /// The group of a message.
    pub(crate) fn group_of(&self, key: MessageKey) -> Option<GroupNumber> {
        self.members.get(&key).map(|(group, _)| *group)
    }

    /// The id of a message's group.
    pub(crate) fn id_of(&self, key: MessageKey) -> Option<&str> {
        Some(&self.by_number.get(&self.group_of(key)?)?.id)
    }

    /// The place of a message in its queue.
    pub(crate) fn sequence_of(&self, key: MessageKey) -> Option<SequenceNumber> {
        self.members.get(&key).map(|(_, sequence)| *sequence)
    }

    /// The first message of a group.
    pub(crate) fn head(&self, number: GroupNumber) -> Option<MessageKey> {
        self.members_of(number).next()
    }

    /// The messages of a group in order.
    pub(crate) fn members_of(&self, number: GroupNumber) -> impl Iterator<Item = MessageKey> + '_ {
        let from = (number, SequenceNumber::default());
        let of_group =
            self.in_order.range(from..).take_while(move |((group, _), _)| *group == number);
        of_group.map(|(_, key)| *key)
    }

    /// The groups whose head is available, in turn.
    pub(crate) fn ready(&self) -> impl Iterator<Item = GroupNumber> + '_ {
        self.ready.values().copied()
    }
}
