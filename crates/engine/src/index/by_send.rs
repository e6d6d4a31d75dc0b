//! Messages by the time of their send, those of a fair queue's groups in an order of their own.
//!
//! In a queue without groups, and in a FIFO queue, which has groups of another sort, all messages
//! are alone, and the order is a plain set.

use std::iter;

use longshore_types::Timestamp;

use super::ByTime;
use super::by_group::ByGroup;
use crate::MessageKey;
use crate::group::GroupNumber;

/// Messages by the time of their send. Every operation is O(log n).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct BySend {
    alone: ByTime,
    of_groups: ByGroup,
}

impl BySend {
    #[inline]
    pub(super) fn insert(&mut self, at: Timestamp, key: MessageKey, group: Option<GroupNumber>) {
        match group {
            Some(group) => self.of_groups.insert(group, at, key),
            None => self.alone.insert(at, key),
        }
    }

    #[inline]
    pub(super) fn remove(&mut self, at: Timestamp, key: MessageKey, group: Option<GroupNumber>) {
        match group {
            Some(group) => self.of_groups.remove(group, at, key),
            None => self.alone.remove(at, key),
        }
    }

    pub(super) fn contains(
        &self,
        at: Timestamp,
        key: MessageKey,
        group: Option<GroupNumber>,
    ) -> bool {
        match group {
            Some(group) => self.of_groups.contains(group, at, key),
            None => self.alone.contains(at, key),
        }
    }

    /// The oldest message.
    #[inline]
    pub(super) fn first(&self) -> Option<(Timestamp, MessageKey)> {
        match (self.alone.first(), self.of_groups.first()) {
            (Some(alone), Some(of_group)) => Some(alone.min(of_group)),
            (alone, of_group) => alone.or(of_group),
        }
    }

    /// The messages of all groups but these and those without a group, oldest first.
    pub(super) fn except<'a>(
        &'a self,
        groups: &'a [GroupNumber],
    ) -> impl Iterator<Item = (Timestamp, MessageKey)> + 'a {
        merged(self.alone.iter(), self.of_groups.except(groups))
    }

    /// The messages of these groups, oldest first.
    pub(super) fn only<'a>(
        &'a self,
        groups: &[GroupNumber],
    ) -> impl Iterator<Item = (Timestamp, MessageKey)> + 'a {
        self.of_groups.only(groups)
    }

    /// The messages without a group, youngest first.
    pub(super) fn alone_youngest_first(&self) -> impl Iterator<Item = MessageKey> + '_ {
        self.alone.iter().rev().map(|(_, key)| key)
    }

    pub(super) fn len(&self) -> usize {
        self.alone.len() + self.of_groups.len()
    }
}

/// What two orders have, in one order.
fn merged<T: Ord>(
    left: impl Iterator<Item = T>,
    right: impl Iterator<Item = T>,
) -> impl Iterator<Item = T> {
    let (mut left, mut right) = (left.peekable(), right.peekable());
    iter::from_fn(move || match (left.peek(), right.peek()) {
        (Some(first), Some(other)) if other < first => right.next(),
        (Some(_), _) => left.next(),
        (None, _) => right.next(),
    })
}
