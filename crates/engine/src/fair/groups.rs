//! Which group each message has, and how many messages each group has where.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::group::GroupNumber;
use crate::snapshot::Part;
use crate::walked::Walked;
use crate::{Counts, MessageKey};

#[derive(Clone, Debug, PartialEq, Eq)]
struct Group {
    id: Arc<str>,
    counts: Counts,
}

/// The groups that have messages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Groups {
    by_number: Walked<GroupNumber, Group>,
    by_id: BTreeMap<Arc<str>, GroupNumber>,
    members: Walked<MessageKey, GroupNumber>,
    last_number: u64,
}

impl Groups {
    /// The message becomes one of its group's.
    pub(super) fn join(&mut self, key: MessageKey, id: &str) {
        let number = self.by_id.get(id).copied().unwrap_or_else(|| self.begin(id));
        self.members.insert(key, number);
    }

    fn begin(&mut self, id: &str) -> GroupNumber {
        self.last_number += 1;
        let number = GroupNumber::new(self.last_number);
        let id: Arc<str> = id.into();
        self.by_id.insert(Arc::clone(&id), number);
        self.by_number.insert(number, Group { id, counts: Counts::default() });
        number
    }

    /// The message, which is at no place any more, leaves its group.
    pub(super) fn leave(&mut self, key: MessageKey) {
        let Some(number) = self.members.remove(&key) else { return };
        if self.counts(number) != Some(Counts::default()) {
            return;
        }
        if let Some(group) = self.by_number.remove(&number) {
            self.by_id.remove(&group.id);
        }
    }

    /// Begins to tell which groups there are now, and their members.
    pub(super) fn begin_walk(&mut self) {
        self.by_number.begin_walk();
        self.members.begin_walk();
    }

    pub(super) fn end_walk(&mut self) {
        self.by_number.end_walk();
        self.members.end_walk();
    }

    /// What is told next of them: first the groups, then the members.
    pub(super) fn walk(&mut self, count: usize) -> Vec<Part> {
        let of_group = |(number, group): (GroupNumber, Group)| Part::FairGroup {
            number,
            id: group.id.as_ref().into(),
        };
        let groups: Vec<_> = self.by_number.walk(count).into_iter().map(of_group).collect();
        if !groups.is_empty() {
            return groups;
        }
        let of_member = |(key, group)| Part::FairMember { key, group };
        self.members.walk(count).into_iter().map(of_member).collect()
    }

    /// The number of the last group.
    pub(super) const fn last(&self) -> u64 {
        self.last_number
    }

    /// Groups of which there are none yet, and which go on from this number.
    pub(super) fn after(last_number: u64) -> Self {
        Self { last_number, ..Self::default() }
    }

    /// Takes in a group that was told of, before its members.
    pub(super) fn restore(&mut self, number: GroupNumber, id: &str) {
        let id: Arc<str> = id.into();
        self.by_id.insert(Arc::clone(&id), number);
        self.by_number.insert(number, Group { id, counts: Counts::default() });
    }

    /// Takes in a member that was told of, which is at no place yet.
    pub(super) fn restore_member(&mut self, key: MessageKey, group: GroupNumber) {
        self.members.insert(key, group);
    }

    pub(super) fn number_of(&self, key: MessageKey) -> Option<GroupNumber> {
        self.members.get(&key).copied()
    }

    pub(super) fn id_of(&self, key: MessageKey) -> Option<&str> {
        Some(&self.by_number.get(&self.number_of(key)?)?.id)
    }

    pub(super) fn counts(&self, number: GroupNumber) -> Option<Counts> {
        self.by_number.get(&number).map(|group| group.counts)
    }

    pub(super) fn counts_mut(&mut self, number: GroupNumber) -> Option<&mut Counts> {
        self.by_number.get_mut(&number).map(|group| &mut group.counts)
    }
}
