//! Events ⇄ the bytes of a log record.
//!
//! A record is what happened at one time, all or none: a list of events, each of the catalog or
//! of a queue. A move to a dead-letter queue is one record that names both queues.
//!
//! The bytes are CBOR. The numbers of fields and variants, here and in the engine's events, are
//! the format: new ones can be added, none can get another meaning.

use longshore_engine::{CatalogEvent, Event, QueueId};
use longshore_types::Timestamp;
use minicbor::{Decode, Encode};

use crate::core::{ClockMark, Lapse};

/// Bytes that most records have room in: a vector that begins with none is moved five times on the way there.
const ENTRY_BYTES: usize = 128;

/// What happened at one time, all or none.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub(crate) struct Entry {
    /// When. Replaying a record advances what it touches to this time first.
    #[n(0)]
    pub(crate) at: Timestamp,
    /// What, in order.
    #[n(1)]
    pub(crate) changes: Vec<Change>,
    /// How the wall clock was, if it did not show this time.
    #[n(2)]
    pub(crate) clock: Option<ClockMark>,
    /// A stop of the broker that is believed from here on.
    #[n(3)]
    pub(crate) lapse: Option<Lapse>,
}

/// One event, and whose it is.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub(crate) enum Change {
    /// Of the catalog.
    #[n(0)]
    Catalog(#[n(0)] CatalogEvent),
    /// Of a queue.
    #[n(1)]
    Queue(#[n(0)] QueueId, #[n(1)] Event),
}

impl Entry {
    /// What happened at an internal time, when the clock was as `mark` says.
    pub(crate) fn new(at: Timestamp, mark: ClockMark, changes: Vec<Change>) -> Self {
        let clock = (mark != ClockMark::default()).then_some(mark);
        Self { at, changes, clock, lapse: None }
    }

    /// How the wall clock was.
    pub(crate) fn mark(&self) -> ClockMark {
        self.clock.unwrap_or_default()
    }

    /// The record's bytes.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(ENTRY_BYTES);
        minicbor::encode(self, &mut bytes).expect("writing to memory cannot fail");
        bytes
    }

    /// The record that `bytes` hold.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, minicbor::decode::Error> {
        minicbor::decode(bytes)
    }
}

#[cfg(test)]
mod tests {
    use longshore_engine::Event;

    use super::*;

    const AT: Timestamp = Timestamp::from_millis(1_790_000_000_000);

    fn purge() -> Vec<Change> {
        vec![Change::Queue(QueueId::new(1), Event::Purged)]
    }

    #[test]
    fn c1_a_record_of_a_clock_that_is_right_is_as_it_always_was_and_earlier_ones_are_read() {
        let entry = Entry::new(AT, ClockMark::default(), purge());
        let earlier = minicbor::to_vec((AT, purge())).unwrap();
        assert_eq!(entry.encode(), earlier);
        assert_eq!(Entry::decode(&earlier).unwrap(), entry);
        assert_eq!(entry.mark(), ClockMark::default());
    }

    #[test]
    fn c2_what_a_record_says_of_the_clock_is_read_again() {
        let mark = ClockMark {
            offset: -3_600_000,
            doubt: 432_000_000,
            doubted_from: Some(AT),
            confirmed_at: Some(Timestamp::ZERO),
        };
        let lapse = Some(Lapse { from: AT, millis: 432_000_000 });
        let entry = Entry { lapse, ..Entry::new(AT, mark, Vec::new()) };
        let read = Entry::decode(&entry.encode()).unwrap();
        assert_eq!((read.mark(), read), (mark, entry));
    }
}
