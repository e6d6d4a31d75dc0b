//! Available messages, in the order in which receives take them.

use longshore_types::Timestamp;

use super::ByTime;
use crate::MessageKey;

/// Available messages by the time of their send: oldest first.
///
/// A message that comes back from a receiver regains its old place, since its send is what it is
/// ordered by. In a FIFO queue the groups say what is next, and this only counts. Amazon SQS promises no order; oldest first is the least surprising one that fits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Available(ByTime);

impl Available {
    pub(crate) fn insert(&mut self, sent_at: Timestamp, key: MessageKey) {
        self.0.insert(sent_at, key);
    }

    pub(crate) fn remove(&mut self, sent_at: Timestamp, key: MessageKey) {
        self.0.remove(sent_at, key);
    }

    /// The messages, oldest first.
    pub(crate) fn oldest_first(&self) -> impl Iterator<Item = MessageKey> + '_ {
        self.0.iter()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}
