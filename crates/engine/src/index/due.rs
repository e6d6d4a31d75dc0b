//! Messages that wait for a time: delayed ones for the end of their delay, those in flight for the end
//! of their visibility timeout.

use longshore_types::Timestamp;

use super::ByTime;
use crate::MessageKey;

/// Messages by the time that they wait for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Due(ByTime);

impl Due {
    pub(crate) fn insert(&mut self, until: Timestamp, key: MessageKey) {
        self.0.insert(until, key);
    }

    pub(crate) fn remove(&mut self, until: Timestamp, key: MessageKey) {
        self.0.remove(until, key);
    }

    pub(crate) fn contains(&self, until: Timestamp, key: MessageKey) -> bool {
        self.0.contains(until, key)
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
