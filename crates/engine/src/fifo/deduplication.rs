//! The deduplication window: which messages were sent in the last five minutes.
//!
//! A window begins with the first accepted send of an id and has a fixed length: a duplicate does
//! not lengthen it. What becomes of the message does not matter to it; only a purge clears it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use longshore_types::{MessageId, Timestamp, limits};

use super::sequence::SequenceNumber;

/// Among which messages a deduplication id is compared. SQS decides it when the queue is created:
/// setting the attribute later changes what is shown, and nothing else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeduplicationScope {
    /// Among all messages of the queue.
    #[default]
    Queue,
    /// Among those of one message group.
    MessageGroup,
}

/// The message that a later one is a duplicate of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Original {
    /// The id that SQS shows.
    pub id: MessageId,
    /// Its place in the queue.
    pub sequence: SequenceNumber,
}

/// The ids that were sent less than five minutes ago.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    scope: DeduplicationScope,
    originals: BTreeMap<Arc<str>, Original>,
    /// The same in the order in which they are forgotten, which is that of their sends.
    ends: VecDeque<(Timestamp, Arc<str>)>,
}

impl Window {
    pub(crate) fn new(scope: DeduplicationScope) -> Self {
        Self { scope, originals: BTreeMap::new(), ends: VecDeque::new() }
    }

    pub(crate) const fn scope(&self) -> DeduplicationScope {
        self.scope
    }

    /// The message that was sent first with that id.
    pub(crate) fn find(&self, group: &str, id: &str) -> Option<Original> {
        self.originals.get(&*self.key(group, id)).copied()
    }

    /// Begins a window at `now`, unless one of that id is open.
    pub(crate) fn remember(&mut self, group: &str, id: &str, original: Original, now: Timestamp) {
        let key = self.key(group, id);
        if !self.originals.contains_key(&key) {
            self.originals.insert(Arc::clone(&key), original);
            self.ends.push_back((now + limits::DEDUPLICATION_WINDOW, key));
        }
    }

    pub(crate) fn forget_due(&mut self, now: Timestamp) {
        while let Some((_, key)) = self.ends.pop_front_if(|(end, _)| *end <= now) {
            self.originals.remove(&key);
        }
    }

    /// When the last of the windows that are open ends.
    pub(crate) fn last_end(&self) -> Option<Timestamp> {
        self.ends.back().map(|(end, _)| *end)
    }

    /// Groups and ids have no spaces, so no two pairs make the same key.
    fn key(&self, group: &str, id: &str) -> Arc<str> {
        match self.scope {
            DeduplicationScope::Queue => id.into(),
            DeduplicationScope::MessageGroup => format!("{group} {id}").into(),
        }
    }
}
