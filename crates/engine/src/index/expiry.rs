//! All messages, in the order in which their retention ends.

use std::time::Duration;

use longshore_types::Timestamp;

use super::by_send::BySend;
use crate::MessageKey;
use crate::group::GroupNumber;
use crate::lapse::Lapses;

/// All messages by the time of their send.
///
/// Retention is the queue's and the same for all its messages, so the order of sends is the order
/// of expiry, and a change of the retention reorders nothing. Nor does a stop of the broker, which
/// makes older all that was sent before it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Expiry(BySend);

impl Expiry {
    pub(crate) fn insert(&mut self, at: Timestamp, key: MessageKey, group: Option<GroupNumber>) {
        self.0.insert(at, key, group);
    }

    pub(crate) fn remove(&mut self, at: Timestamp, key: MessageKey, group: Option<GroupNumber>) {
        self.0.remove(at, key, group);
    }

    pub(crate) fn contains(
        &self,
        at: Timestamp,
        key: MessageKey,
        group: Option<GroupNumber>,
    ) -> bool {
        self.0.contains(at, key, group)
    }

    /// The first message that is past its retention at `now`. It stays until it is removed.
    pub(crate) fn due(
        &self,
        retention: Duration,
        lapses: &Lapses,
        now: Timestamp,
    ) -> Option<MessageKey> {
        let (sent_at, key) = self.0.first()?;
        (end(sent_at, retention, lapses) <= now).then_some(key)
    }

    pub(crate) fn next_due(&self, retention: Duration, lapses: &Lapses) -> Option<Timestamp> {
        self.oldest().map(|sent_at| end(sent_at, retention, lapses))
    }

    /// The messages of a FIFO queue, the youngest first.
    pub(crate) fn youngest_first(&self) -> impl Iterator<Item = MessageKey> + '_ {
        self.0.alone_youngest_first()
    }

    /// When the oldest message was sent.
    pub(crate) fn oldest(&self) -> Option<Timestamp> {
        self.0.first().map(|(sent_at, _)| sent_at)
    }

    /// When the oldest message was sent that is in none of these groups.
    pub(crate) fn oldest_except(&self, groups: &[GroupNumber]) -> Option<Timestamp> {
        self.0.except(groups).next().map(|(sent_at, _)| sent_at)
    }
}

/// When the retention of a message ends.
fn end(sent_at: Timestamp, retention: Duration, lapses: &Lapses) -> Timestamp {
    sent_at + retention.saturating_sub(lapses.since(sent_at))
}
