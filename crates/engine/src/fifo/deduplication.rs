//! The deduplication window: which messages were sent in the last five minutes.
//!
//! A window begins with the first accepted send of an id and has a fixed length: a duplicate does
//! not lengthen it. What becomes of the message does not matter to it; only a purge clears it.

use std::collections::VecDeque;
use std::sync::Arc;

use longshore_types::{MessageId, Timestamp, limits};

use super::sequence::SequenceNumber;
use crate::snapshot::Part;
use crate::walked::Walked;

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

/// What an id stands for while its window is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sent {
    original: Original,
    end: Timestamp,
}

/// The ids that were sent less than five minutes ago.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    scope: DeduplicationScope,
    originals: Walked<Arc<str>, Sent>,
    /// The same in the order in which they are forgotten, which is that of their sends.
    ends: VecDeque<(Timestamp, Arc<str>)>,
}

impl Window {
    pub(crate) fn new(scope: DeduplicationScope) -> Self {
        Self { scope, originals: Walked::default(), ends: VecDeque::new() }
    }

    pub(crate) const fn scope(&self) -> DeduplicationScope {
        self.scope
    }

    /// The message that was sent first with that id.
    pub(crate) fn find(&self, group: &str, id: &str) -> Option<Original> {
        self.originals.get(&*self.key(group, id)).map(|sent| sent.original)
    }

    /// Begins a window at `now`, unless one of that id is open.
    pub(crate) fn remember(&mut self, group: &str, id: &str, original: Original, now: Timestamp) {
        let key = self.key(group, id);
        if !self.originals.contains_key(&key) {
            let end = now + limits::DEDUPLICATION_WINDOW;
            self.originals.insert(Arc::clone(&key), Sent { original, end });
            self.ends.push_back((end, key));
        }
    }

    /// Begins to tell which windows are open now.
    pub(crate) fn begin_walk(&mut self) {
        self.originals.begin_walk();
    }

    pub(crate) fn end_walk(&mut self) {
        self.originals.end_walk();
    }

    /// Those that are told next.
    pub(crate) fn walk(&mut self, count: usize) -> Vec<Part> {
        let part = |(key, sent): (Arc<str>, Sent)| Part::Original {
            key: key.as_ref().into(),
            id: sent.original.id,
            sequence: sent.original.sequence,
            end: sent.end,
        };
        self.originals.walk(count).into_iter().map(part).collect()
    }

    /// Takes in a window that was told of. After all of them comes [`Window::restored`].
    pub(crate) fn restore(&mut self, key: &str, original: Original, end: Timestamp) {
        let key: Arc<str> = key.into();
        self.originals.insert(Arc::clone(&key), Sent { original, end });
        self.ends.push_back((end, key));
    }

    /// Puts the windows in the order of their ends. Those of one time are in the order of their sends.
    pub(crate) fn restored(&mut self) {
        let sequence = |key: &Arc<str>| self.originals.get(key).map(|sent| sent.original.sequence);
        self.ends.make_contiguous().sort_by_key(|(end, key)| (*end, sequence(key)));
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
