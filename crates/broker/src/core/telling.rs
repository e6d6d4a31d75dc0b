//! All that the core's records made, told as of one moment, a bounded piece at a time, while it goes
//! on: what a checkpoint is made of, and how it becomes a state again.
//!
//! ```text
//! begin ─► time, catalog, the heads of all queues: kept here;  each queue knows what to tell next
//! next, next, … ─► pieces ─► restore, restore, … ─► the same state
//! ```
//!
//! What is small is copied when it begins; entries of the catalog are shared until they change, and
//! messages are set aside by their queues before they change (`longshore_engine::QueuePart`).
//!
//! # Invariants
//!
//! - Whatever a replay of all records knows is told here.
//! - The numbers of parts and fields are a file format: new ones can be added, none gets another
//!   meaning.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use longshore_engine::{CatalogPart, Queue, QueueEntry, QueueHead, QueueId, QueuePart};
use longshore_types::Timestamp;
use minicbor::{Decode, Encode};

use super::ClockMark;

/// Entries of the catalog in a piece, and parts of a queue: a piece takes a fraction of a
/// millisecond.
const PARTS_MAX: usize = 256;

/// A part of the core's state.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub(super) enum Part {
    /// What concerns all of it.
    #[n(0)]
    Broker(#[n(0)] OfBroker),
    /// Of the catalog.
    #[n(1)]
    Catalog(#[n(0)] CatalogPart),
    /// A queue, without what is in it.
    #[n(2)]
    Queue {
        #[n(0)]
        id: QueueId,
        #[n(1)]
        purged_at: Option<Timestamp>,
        #[n(2)]
        head: QueueHead,
    },
    /// What is in a queue.
    #[n(3)]
    OfQueue(#[n(0)] QueueId, #[n(1)] QueuePart),
}

/// Time and the counter of keys.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub(super) struct OfBroker {
    /// The internal time, and what a record of then would say of the clock.
    #[n(0)]
    pub(super) at: Timestamp,
    #[n(1)]
    pub(super) mark: ClockMark,
    #[n(2)]
    pub(super) next_key: u64,
    /// What the wall clock showed: from which internal time on which offset holds.
    #[n(3)]
    pub(super) offsets: Vec<(Timestamp, i64)>,
    #[n(4)]
    pub(super) last_record: Timestamp,
    /// The stops that count: when they began, and how many milliseconds they lasted.
    #[n(5)]
    pub(super) lapses: Vec<(Timestamp, u64)>,
}

/// What is still to be told.
#[derive(Debug)]
pub(super) struct Telling {
    /// Before the entries of the catalog: a queue's entry must be there before the queue.
    first: Vec<Part>,
    entries: VecDeque<Arc<QueueEntry>>,
    heads: VecDeque<Part>,
    queues: VecDeque<QueueId>,
    /// Queues that were deleted before they were told.
    deleted: BTreeMap<QueueId, Queue>,
}

impl Telling {
    pub(super) fn new(
        first: Vec<Part>,
        entries: Vec<Arc<QueueEntry>>,
        heads: VecDeque<Part>,
        queues: VecDeque<QueueId>,
    ) -> Self {
        Self { first, entries: entries.into(), heads, queues, deleted: BTreeMap::new() }
    }

    /// Takes over a queue that is deleted, if there is still something to tell of it.
    pub(super) fn take_over(&mut self, queue: Queue) {
        if self.queues.contains(&queue.id()) {
            self.deleted.insert(queue.id(), queue);
        }
    }

    /// The queues that are not told to their end.
    pub(super) fn queues(&self) -> impl Iterator<Item = QueueId> + '_ {
        self.queues.iter().copied()
    }

    /// The next piece; `None` when all is told. `next_of` tells so many parts of a queue that exists.
    pub(super) fn next(
        &mut self,
        next_of: impl FnMut(QueueId, usize) -> Vec<QueuePart>,
    ) -> Option<Vec<u8>> {
        if !self.first.is_empty() {
            return Some(encode(self.first.drain(..)));
        }
        let catalog = |entry: Arc<QueueEntry>| Part::Catalog(CatalogPart::Entry((*entry).clone()));
        if !self.entries.is_empty() {
            let count = self.entries.len().min(PARTS_MAX);
            return Some(encode(self.entries.drain(..count).map(catalog)));
        }
        if !self.heads.is_empty() {
            let count = self.heads.len().min(PARTS_MAX);
            return Some(encode(self.heads.drain(..count)));
        }
        self.next_of_queues(next_of)
    }

    /// Small queues share a piece.
    fn next_of_queues(
        &mut self,
        mut next_of: impl FnMut(QueueId, usize) -> Vec<QueuePart>,
    ) -> Option<Vec<u8>> {
        let (mut parts, mut queues) = (Vec::new(), 0);
        while let Some(id) = self.queues.front().copied() {
            let room = PARTS_MAX - parts.len();
            if room == 0 || queues == PARTS_MAX {
                break;
            }
            let next = match self.deleted.get_mut(&id) {
                Some(queue) => queue.next_parts(room),
                None => next_of(id, room),
            };
            if next.is_empty() {
                self.queues.pop_front();
                self.deleted.remove(&id);
                queues += 1;
            }
            parts.extend(next.into_iter().map(|part| Part::OfQueue(id, part)));
        }
        (!parts.is_empty() || !self.queues.is_empty()).then(|| encode(parts))
    }
}

fn encode(parts: impl IntoIterator<Item = Part>) -> Vec<u8> {
    let mut piece = Vec::new();
    for part in parts {
        minicbor::encode(part, &mut piece).expect("writing to memory cannot fail");
    }
    piece
}

/// The parts of a piece.
pub(super) fn decode(piece: &[u8]) -> Result<Vec<Part>, minicbor::decode::Error> {
    let mut decoder = minicbor::Decoder::new(piece);
    let mut parts = Vec::new();
    while decoder.position() < piece.len() {
        parts.push(decoder.decode()?);
    }
    Ok(parts)
}

/// The length of a stop, as a part has it.
pub(super) fn millis(length: Duration) -> u64 {
    u64::try_from(length.as_millis()).unwrap_or(u64::MAX)
}
