//! All messages, in the order in which their retention ends.

use std::time::Duration;

use longshore_types::Timestamp;

use super::ByTime;
use crate::MessageKey;

/// All messages by the time of their send.
///
/// Retention is the queue's and the same for all its messages, so the order of sends is the order
/// of expiry, and a change of the retention reorders nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Expiry(ByTime);

impl Expiry {
    pub(crate) fn insert(&mut self, sent_at: Timestamp, key: MessageKey) {
        self.0.insert(sent_at, key);
    }

    pub(crate) fn remove(&mut self, sent_at: Timestamp, key: MessageKey) {
        self.0.remove(sent_at, key);
    }

    /// The first message that is past its retention at `now`. It stays until it is removed.
    pub(crate) fn due(&self, retention: Duration, now: Timestamp) -> Option<MessageKey> {
        let (sent_at, key) = self.0.first()?;
        (sent_at + retention <= now).then_some(key)
    }

    pub(crate) fn next_due(&self, retention: Duration) -> Option<Timestamp> {
        self.0.first().map(|(sent_at, _)| sent_at + retention)
    }

    /// The messages, the youngest first.
    pub(crate) fn youngest_first(&self) -> impl Iterator<Item = MessageKey> + '_ {
        self.0.iter().rev()
    }

    /// When the oldest message was sent.
    pub(crate) fn oldest(&self) -> Option<Timestamp> {
        self.0.first().map(|(sent_at, _)| sent_at)
    }
}
