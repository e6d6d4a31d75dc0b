//! All that the core's records made, told as of one moment, a bounded piece at a time, while it goes
//! on: what a checkpoint is made of, and how it becomes a state again.
//!
//! ```text
//! begin ─► time and the catalog's few words: kept here;  which queues there are
//! next, next, … ─► pieces: catalog; heads of queues; what is in them ─► restore, restore, … ─► the same state
//! ```
//!
//! Entries of the catalog are shared until they change. A queue begins to tell when it is its turn, or before it
//! changes ([`Telling::must_begin`]); from then on it sets its messages aside before they change
//! (`longshore_engine::QueuePart`). So beginning costs little however many queues there are.
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
use super::state::Owned;

/// Entries of the catalog in a piece, and of queues: a piece takes a fraction of a millisecond.
const ENTRIES_MAX: usize = 256;
/// A piece of the catalog takes no more once it has so many bytes: an entry can have a long policy.
const PIECE_BYTES: usize = 64 << 10;

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
    /// Queues whose heads are not told.
    headless: VecDeque<QueueId>,
    /// The heads of those among them that have changed since.
    begun: BTreeMap<QueueId, Part>,
    queues: VecDeque<QueueId>,
    /// Queues that were deleted before they were told.
    deleted: BTreeMap<QueueId, Queue>,
}

impl Telling {
    /// `queues` are in ascending order.
    pub(super) fn new(
        first: Vec<Part>,
        entries: Vec<Arc<QueueEntry>>,
        queues: VecDeque<QueueId>,
    ) -> Self {
        let (headless, begun, deleted) = (queues.clone(), BTreeMap::new(), BTreeMap::new());
        Self { first, entries: entries.into(), headless, begun, queues, deleted }
    }

    /// Whether a queue that is about to change has not begun to tell what it holds.
    pub(super) fn must_begin(&self, id: QueueId) -> bool {
        let ends = self.headless.front().zip(self.headless.back());
        let is_to_come = ends.is_some_and(|(first, last)| (*first..=*last).contains(&id));
        is_to_come && !self.begun.contains_key(&id)
    }

    /// Keeps the head of a queue that has begun before its turn.
    pub(super) fn keep_head(&mut self, id: QueueId, head: Part) {
        self.begun.insert(id, head);
    }

    /// Takes over a queue that is deleted, if there is still something to tell of it.
    pub(super) fn take_over(&mut self, queue: Queue) {
        if self.queues.binary_search(&queue.id()).is_ok() {
            self.deleted.insert(queue.id(), queue);
        }
    }

    /// The queues that are not told to their end.
    pub(super) fn queues(&self) -> impl Iterator<Item = QueueId> + '_ {
        self.queues.iter().copied()
    }

    /// The next piece; `None` when all is told. `queues` are those that exist.
    pub(super) fn next(&mut self, queues: &mut BTreeMap<QueueId, Owned>) -> Option<Vec<u8>> {
        if !self.first.is_empty() {
            return Some(encode(self.first.drain(..)));
        }
        let catalog =
            |entry: Arc<QueueEntry>| Some(Part::Catalog(CatalogPart::Entry((*entry).clone())));
        if !self.entries.is_empty() {
            return Some(first_of(&mut self.entries, catalog));
        }
        if !self.headless.is_empty() {
            let begun = &mut self.begun;
            let head = |id| begun.remove(&id).or_else(|| Some(queues.get_mut(&id)?.begin(id)));
            return Some(first_of(&mut self.headless, head));
        }
        self.next_of_queues(queues)
    }

    /// Small queues share a piece.
    fn next_of_queues(&mut self, queues: &mut BTreeMap<QueueId, Owned>) -> Option<Vec<u8>> {
        let (mut parts, mut room, mut told) = (Vec::new(), ENTRIES_MAX, 0);
        while let Some(id) = self.queues.front().copied() {
            if room == 0 || told == ENTRIES_MAX {
                break;
            }
            let existing = queues.get_mut(&id).map(|owned| &mut owned.queue);
            let queue = self.deleted.get_mut(&id).or(existing);
            let next = queue.map(|queue| queue.next_parts(room)).unwrap_or_default();
            if next.is_empty() {
                self.queues.pop_front();
                self.deleted.remove(&id);
                told += 1;
            }
            room -= next.iter().map(QueuePart::entries).sum::<usize>();
            parts.extend(next.into_iter().map(|part| Part::OfQueue(id, part)));
        }
        (!parts.is_empty() || !self.queues.is_empty()).then(|| encode(parts))
    }
}

/// Takes as many as a piece should have.
fn first_of<T>(waiting: &mut VecDeque<T>, mut part: impl FnMut(T) -> Option<Part>) -> Vec<u8> {
    let mut piece = Vec::new();
    for _ in 0..ENTRIES_MAX {
        let Some(next) = waiting.pop_front() else { break };
        part(next).inspect(|part| encode_into(&mut piece, part));
        if piece.len() >= PIECE_BYTES {
            break;
        }
    }
    piece
}

fn encode(parts: impl IntoIterator<Item = Part>) -> Vec<u8> {
    let mut piece = Vec::new();
    for part in parts {
        encode_into(&mut piece, &part);
    }
    piece
}

fn encode_into(piece: &mut Vec<u8>, part: &Part) {
    minicbor::encode(part, piece).expect("writing to memory cannot fail");
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

#[cfg(test)]
mod tests {
    use longshore_types::{AttributeName, QueueArn};

    use super::*;

    fn entry(number: u64) -> Arc<QueueEntry> {
        let arn = format!("arn:aws:sqs:us-east-1:000000000000:q{number}");
        let policy = (AttributeName::Policy, "p".repeat(8192));
        Arc::new(QueueEntry {
            id: QueueId::new(number),
            arn: QueueArn::parse(&arn).unwrap(),
            attributes: BTreeMap::from([policy]),
            tags: BTreeMap::new(),
            created_at: Timestamp::ZERO,
            modified_at: Timestamp::ZERO,
            dead_letter_target: None,
        })
    }

    #[test]
    fn a_piece_of_the_catalog_is_bounded_however_long_policies_are() {
        let mut telling = Telling::new(Vec::new(), (1..=100).map(entry).collect(), VecDeque::new());
        let (mut told, mut queues) = (0, BTreeMap::new());
        while let Some(piece) = telling.next(&mut queues) {
            assert!(piece.len() < PIECE_BYTES + 9000, "{}", piece.len());
            told += decode(&piece).unwrap().len();
        }
        assert_eq!(told, 100);
    }

    #[test]
    fn a_queue_must_begin_before_it_changes_as_long_as_its_head_is_not_told() {
        let ids = [2, 4].map(QueueId::new);
        let mut telling = Telling::new(Vec::new(), Vec::new(), ids.into());
        let must_begin =
            |telling: &Telling| [1, 2, 4, 5].map(|id| telling.must_begin(QueueId::new(id)));
        assert_eq!(must_begin(&telling), [false, true, true, false]);
        telling.keep_head(ids[0], Part::Catalog(CatalogPart::Entry((*entry(2)).clone())));
        assert_eq!(must_begin(&telling), [false, false, true, false]);
        telling.next(&mut BTreeMap::new());
        assert_eq!(must_begin(&telling), [false; 4]);
    }
}
