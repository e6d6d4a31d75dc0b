//! Messages that wait for a time: delayed ones for the end of their delay, those in flight for the end
//! of their visibility timeout.

use longshore_types::Timestamp;

use crate::MessageKey;
use crate::chunks::{Chunks, Spot};

/// Messages by the time that they wait for, and by key within the same millisecond. Every operation is
/// O(log n).
///
/// A message that is put in twice, or taken out where it is not, has been lost track of: that is
/// checked in every build.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Due(Chunks<Spot>);

impl Due {
    pub(crate) fn insert(&mut self, until: Timestamp, key: MessageKey) {
        let is_new = self.0.insert(&(until, key), false);
        assert!(is_new, "the message {key} was there already");
    }

    pub(crate) fn remove(&mut self, until: Timestamp, key: MessageKey) {
        let was_there = self.0.remove((until, key)).is_some();
        assert!(was_there, "the message {key} was not there");
    }

    pub(crate) fn contains(&self, until: Timestamp, key: MessageKey) -> bool {
        self.0.mark_of((until, key)).is_some()
    }

    /// The first message whose time has come at `now`. It stays until it is removed.
    pub(crate) fn due(&self, now: Timestamp) -> Option<MessageKey> {
        self.0.first().filter(|(until, _)| *until <= now).map(|(_, key)| key)
    }

    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.0.first().map(|(until, _)| until)
    }

    /// The messages, the first whose time comes first.
    pub(crate) fn keys(&self) -> impl Iterator<Item = MessageKey> + '_ {
        self.0.iter().map(|(_, key)| key)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}
