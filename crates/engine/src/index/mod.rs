//! Four orders over the same messages, so that nothing is found by looking at all of them.
//!
//! Each is a set of (time, key) pairs; what differs is which time it is. Where that is the time of
//! the send, messages of a fair queue's groups are in an order of their own beside the others.

mod available;
mod by_group;
mod by_send;
mod due;
mod expiry;

use std::collections::BTreeSet;

use longshore_types::Timestamp;

use crate::MessageKey;

pub(crate) use available::Available;
pub(crate) use due::Due;
pub(crate) use expiry::Expiry;

/// Messages by a time, and by key within the same millisecond. Every operation is O(log n).
///
/// A message that is put in twice, or taken out where it is not, has been lost track of: that is
/// checked in every build.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct ByTime(BTreeSet<(Timestamp, MessageKey)>);

impl ByTime {
    fn insert(&mut self, time: Timestamp, key: MessageKey) {
        assert!(self.0.insert((time, key)), "the message {key} was there already");
    }

    fn remove(&mut self, time: Timestamp, key: MessageKey) {
        assert!(self.0.remove(&(time, key)), "the message {key} was not there");
    }

    fn contains(&self, time: Timestamp, key: MessageKey) -> bool {
        self.0.contains(&(time, key))
    }

    fn first(&self) -> Option<(Timestamp, MessageKey)> {
        self.0.first().copied()
    }

    fn iter(&self) -> impl DoubleEndedIterator<Item = (Timestamp, MessageKey)> + '_ {
        self.0.iter().copied()
    }

    fn len(&self) -> usize {
        self.0.len()
    }
}
