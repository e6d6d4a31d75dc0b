//! Messages in flight, in the order in which their leases end.

use longshore_types::Timestamp;

use super::ByTime;
use crate::MessageKey;

/// Messages in flight by the end of their visibility timeout.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct InFlight(ByTime);

impl InFlight {
    pub(crate) fn insert(&mut self, until: Timestamp, key: MessageKey) {
        self.0.insert(until, key);
    }

    pub(crate) fn remove(&mut self, until: Timestamp, key: MessageKey) {
        self.0.remove(until, key);
    }

    /// The first message whose time has come at `now`. It stays until it is removed.
    pub(crate) fn due(&self, now: Timestamp) -> Option<MessageKey> {
        self.0.first().filter(|(until, _)| *until <= now).map(|(_, key)| key)
    }

    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.0.first().map(|(until, _)| until)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}
