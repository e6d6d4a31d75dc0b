//! All messages by the time of their send, and which of them are available.
//!
//! One order serves receives, which take the oldest available message first, and retention, which ends for
//! the oldest first. A message that comes back from a receiver has its old place, since its send is what it
//! is ordered by. In a FIFO queue the groups say what is next, and availability is only counted here. Amazon
//! SQS promises no order; oldest first is the least surprising one that fits.
//!
//! Retention is the queue's and the same for all its messages, so a change of the retention reorders
//! nothing. Nor does a stop of the broker, which makes older all that was sent before it.
//!
//! Messages of a fair queue's groups are in orders of their own. In a queue without groups, and in a FIFO
//! queue, which has groups of another sort, all messages are alone.

use std::iter;
use std::time::Duration;

use longshore_types::Timestamp;

use super::by_group::ByGroup;
use crate::MessageKey;
use crate::chunks::{Chunks, Spot};
use crate::group::GroupNumber;
use crate::lapse::Lapses;

/// All messages by the time of their send. Every operation is O(log n).
///
/// A message that is put in twice, or taken out where it is not, has been lost track of: that is
/// checked in every build.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sends {
    /// Those without a group; marked: available.
    alone: Chunks<Spot>,
    of_groups: ByGroup,
    available_of_groups: ByGroup,
}

impl Sends {
    pub(crate) fn insert(
        &mut self,
        at: Timestamp,
        key: MessageKey,
        group: Option<GroupNumber>,
        available: bool,
    ) {
        let Some(group) = group else {
            let is_new = self.alone.insert(&(at, key), available);
            assert!(is_new, "the message {key} was there already");
            return;
        };
        self.of_groups.insert(group, at, key);
        if available {
            self.available_of_groups.insert(group, at, key);
        }
    }

    pub(crate) fn remove(
        &mut self,
        at: Timestamp,
        key: MessageKey,
        group: Option<GroupNumber>,
        available: bool,
    ) {
        let Some(group) = group else {
            let was_there = self.alone.remove((at, key));
            assert!(was_there == Some(((at, key), available)), "the message {key} was not there");
            return;
        };
        self.of_groups.remove(group, at, key);
        if available {
            self.available_of_groups.remove(group, at, key);
        }
    }

    /// Says that a message is available now, or no longer.
    pub(crate) fn set_available(
        &mut self,
        at: Timestamp,
        key: MessageKey,
        group: Option<GroupNumber>,
        available: bool,
    ) {
        match group {
            None => {
                let before = self.alone.set_mark((at, key), available);
                assert!(before == Some(!available), "the message {key} was not there");
            }
            Some(group) if available => self.available_of_groups.insert(group, at, key),
            Some(group) => self.available_of_groups.remove(group, at, key),
        }
    }

    /// Whether a message is available; `None` if it is not here.
    pub(crate) fn is_available(
        &self,
        at: Timestamp,
        key: MessageKey,
        group: Option<GroupNumber>,
    ) -> Option<bool> {
        let Some(group) = group else { return self.alone.mark_of((at, key)) };
        let is_here = self.of_groups.contains(group, at, key);
        is_here.then(|| self.available_of_groups.contains(group, at, key))
    }

    pub(crate) fn available_len(&self) -> usize {
        self.alone.marked_len() + self.available_of_groups.len()
    }

    /// The available messages, oldest first, but those of the `noisy` groups behind all others.
    pub(crate) fn quiet_first<'a>(
        &'a self,
        noisy: &'a [GroupNumber],
    ) -> impl Iterator<Item = MessageKey> + 'a {
        let quiet = merged(self.alone.marked(), self.available_of_groups.except(noisy));
        quiet.chain(self.available_of_groups.only(noisy)).map(|(_, key)| key)
    }

    /// The first message that is past its retention at `now`. It stays until it is removed.
    pub(crate) fn due(
        &self,
        retention: Duration,
        lapses: &Lapses,
        now: Timestamp,
    ) -> Option<MessageKey> {
        let (sent_at, key) = self.first()?;
        (end(sent_at, retention, lapses) <= now).then_some(key)
    }

    pub(crate) fn next_due(&self, retention: Duration, lapses: &Lapses) -> Option<Timestamp> {
        self.oldest().map(|sent_at| end(sent_at, retention, lapses))
    }

    /// The messages of a FIFO queue, the youngest first.
    pub(crate) fn youngest_first(&self) -> impl Iterator<Item = MessageKey> + '_ {
        self.alone.iter().rev().map(|(_, key)| key)
    }

    /// When the oldest message was sent.
    pub(crate) fn oldest(&self) -> Option<Timestamp> {
        self.first().map(|(sent_at, _)| sent_at)
    }

    /// When the oldest message was sent that is in none of these groups.
    pub(crate) fn oldest_except(&self, groups: &[GroupNumber]) -> Option<Timestamp> {
        let of_groups = self.of_groups.except(groups).next();
        self.alone.first().into_iter().chain(of_groups).min().map(|(sent_at, _)| sent_at)
    }

    fn first(&self) -> Option<(Timestamp, MessageKey)> {
        match (self.alone.first(), self.of_groups.first()) {
            (Some(alone), Some(of_group)) => Some(alone.min(of_group)),
            (alone, of_group) => alone.or(of_group),
        }
    }
}

/// When the retention of a message ends.
fn end(sent_at: Timestamp, retention: Duration, lapses: &Lapses) -> Timestamp {
    sent_at + retention.saturating_sub(lapses.since(sent_at))
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
