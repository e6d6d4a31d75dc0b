//! Messages of groups by a time, so that whole groups can be passed over.
//!
//! Each group is in order for itself, and the heads of all groups are in order among one another.
//! Going through the messages oldest first is a merge: what is taken from a group is replaced by
//! the next of the same group. A group that is left out costs one look at its head, however many
//! messages it has.

use std::collections::BTreeSet;
use std::iter::{self, Peekable};

use longshore_types::Timestamp;

use crate::MessageKey;
use crate::chunks::{Chunks, Member};
use crate::group::GroupNumber;

type Head = (Timestamp, MessageKey, GroupNumber);

/// Messages by group, and by time and key within each. Every operation is O(log n).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ByGroup {
    members: Chunks<Member>,
    /// The oldest member of each group.
    heads: BTreeSet<Head>,
}

impl ByGroup {
    pub(super) fn insert(&mut self, group: GroupNumber, time: Timestamp, key: MessageKey) {
        let before = self.head(group);
        let is_new = self.members.insert(&(group, time, key), false);
        assert!(is_new, "the message {key} was there already");
        self.settle_head(group, before);
    }

    pub(super) fn remove(&mut self, group: GroupNumber, time: Timestamp, key: MessageKey) {
        let before = self.head(group);
        let was_there = self.members.remove((group, time, key)).is_some();
        assert!(was_there, "the message {key} was not there");
        self.settle_head(group, before);
    }

    pub(super) fn contains(&self, group: GroupNumber, time: Timestamp, key: MessageKey) -> bool {
        self.members.mark_of((group, time, key)).is_some()
    }

    fn settle_head(&mut self, group: GroupNumber, before: Option<Head>) {
        let head = self.head(group);
        if head != before {
            before.inspect(|before| _ = self.heads.remove(before));
            head.inspect(|head| _ = self.heads.insert(*head));
        }
    }

    fn head(&self, group: GroupNumber) -> Option<Head> {
        let from = (group, Timestamp::ZERO, MessageKey::new(0));
        self.members.from(from).next().and_then(|member| as_head(member, group))
    }

    /// The oldest message of all.
    pub(super) fn first(&self) -> Option<(Timestamp, MessageKey)> {
        self.heads.first().map(|(time, key, _)| (*time, *key))
    }

    /// The messages of all groups but these, oldest first.
    pub(super) fn except<'a>(
        &'a self,
        groups: &'a [GroupNumber],
    ) -> impl Iterator<Item = (Timestamp, MessageKey)> + 'a {
        let heads = self.heads.iter().copied().filter(|(.., group)| !groups.contains(group));
        Walk { order: self, heads: heads.peekable(), next: BTreeSet::new() }
    }

    /// The messages of these groups, oldest first.
    pub(super) fn only<'a>(
        &'a self,
        groups: &[GroupNumber],
    ) -> impl Iterator<Item = (Timestamp, MessageKey)> + 'a {
        let next = groups.iter().filter_map(|group| self.head(*group)).collect();
        Walk { order: self, heads: iter::empty().peekable(), next }
    }

    pub(super) fn len(&self) -> usize {
        self.members.len()
    }
}

fn as_head(
    (group, time, key): (GroupNumber, Timestamp, MessageKey),
    wanted: GroupNumber,
) -> Option<Head> {
    (group == wanted).then_some((time, key, group))
}

/// Goes through the messages of some groups, oldest first.
struct Walk<'a, Heads: Iterator<Item = Head>> {
    order: &'a ByGroup,
    /// Heads of groups of which nothing was taken yet, oldest first.
    heads: Peekable<Heads>,
    /// Of the other groups, what comes next.
    next: BTreeSet<Head>,
}

impl<Heads: Iterator<Item = Head>> Iterator for Walk<'_, Heads> {
    type Item = (Timestamp, MessageKey);

    fn next(&mut self) -> Option<Self::Item> {
        let (time, key, group) = match (self.next.first(), self.heads.peek()) {
            (Some(next), Some(head)) if head < next => self.heads.next(),
            (Some(_), _) => self.next.pop_first(),
            (None, _) => self.heads.next(),
        }?;
        let follower = self.order.members.after(Some((group, time, key))).next();
        self.next.extend(follower.and_then(|member| as_head(member, group)));
        Some((time, key))
    }
}
