//! Available messages, in the order in which receives take them.

use longshore_types::Timestamp;

use super::by_send::BySend;
use crate::MessageKey;
use crate::group::GroupNumber;

/// Available messages by the time of their send: oldest first.
///
/// A message that comes back from a receiver regains its old place, since its send is what it is
/// ordered by. In a FIFO queue the groups say what is next, and this only counts. Amazon SQS
/// promises no order; oldest first is the least surprising one that fits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Available(BySend);

impl Available {
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

    /// The messages, oldest first, but those of the `noisy` groups behind all others.
    pub(crate) fn quiet_first<'a>(
        &'a self,
        noisy: &'a [GroupNumber],
    ) -> impl Iterator<Item = MessageKey> + 'a {
        self.0.except(noisy).chain(self.0.only(noisy)).map(|(_, key)| key)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}
