//! What is counted of one queue: by its ledger, under the one lock, from the broker's start on.
//!
//! A queue that is deleted takes its tally with it, and one that is created again begins anew.

use longshore_engine::Event;
use longshore_metrics::Histogram;

/// Upper bounds of the sizes of messages in bytes; the last is the largest message that there is.
const SIZE_BOUNDS: [u64; 7] = [1 << 8, 1 << 10, 1 << 12, 1 << 14, 1 << 16, 1 << 18, 1 << 20];

/// What happened at a queue since the broker started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Messages that receives delivered.
    pub(crate) received: u64,
    /// Receives that were answered without messages.
    pub(crate) empty_receives: u64,
    /// Deletes that were honoured; to delete again counts again.
    pub(crate) deleted: u64,
    /// Sends that were duplicates, so that no message was added.
    pub(crate) deduplicated: u64,
    /// Messages sent, by their size.
    pub(super) sizes: Sizes,
}

/// How large the messages were that were sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sizes {
    counts: [u64; SIZE_BOUNDS.len()],
    bytes: u64,
}

impl Tally {
    /// Counts the message that a send brought. What comes from another queue was not sent here.
    pub(crate) fn count_send(&mut self, event: &Event) {
        if let Event::Sent { bytes, .. } | Event::SentFifo { bytes, .. } = event {
            self.sizes.add(u64::from(*bytes));
        }
    }
}

impl Sizes {
    fn add(&mut self, bytes: u64) {
        let place = SIZE_BOUNDS.partition_point(|bound| *bound < bytes);
        self.counts[place.min(SIZE_BOUNDS.len() - 1)] += 1;
        self.bytes += bytes;
    }

    /// How many messages were sent.
    pub(super) fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// In bytes. No message is larger than the last bound.
    pub(super) fn histogram(&self) -> Histogram {
        let bounds = SIZE_BOUNDS.map(float).into_iter().chain([f64::INFINITY]);
        let buckets = bounds.zip(self.counts.into_iter().chain([0])).collect();
        Histogram::new(float(self.bytes), buckets)
    }
}

#[expect(clippy::cast_precision_loss, reason = "what is beyond 2^53 bytes may be rounded")]
const fn float(bytes: u64) -> f64 {
    bytes as f64
}
