//! What the framework's requests cost: a count by action and queue, as SQS bills them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

/// Bytes of payload that one request pays for; each further part counts as a request more.
/// Source: SQS pricing, "every 64 KB chunk of a payload is billed as one request".
const BILLED_BYTES: usize = 65_536;

/// The requests that a call with a payload of so many bytes is billed as.
pub(crate) const fn billed_requests(payload_bytes: usize) -> u64 {
    let chunks = payload_bytes.div_ceil(BILLED_BYTES);
    if chunks == 0 { 1 } else { chunks as u64 }
}

/// A call of SQS that the framework makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "each is the SQS action of its name")]
pub enum Action {
    GetQueueUrl,
    GetQueueAttributes,
    SendMessageBatch,
    ReceiveMessage,
    DeleteMessageBatch,
    ChangeMessageVisibilityBatch,
}

impl Action {
    /// Whether what is asked names a delivery by its receipt handle.
    pub const fn names_receipts(self) -> bool {
        matches!(self, Self::DeleteMessageBatch | Self::ChangeMessageVisibilityBatch)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// Counts billable requests by action and queue. Every call of a transport passes it.
#[derive(Debug, Default)]
pub struct RequestMeter {
    counts: Mutex<BTreeMap<(Action, String), u64>>,
}

impl RequestMeter {
    /// Counts a request of `payload_bytes`; an empty one counts once.
    pub fn count(&self, action: Action, queue: &str, payload_bytes: usize) {
        let billed = billed_requests(payload_bytes);
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry((action, queue.to_owned())).or_default() += billed;
    }

    /// A receive that begins: it is counted when its answer is there, or nobody waits for it.
    #[cfg(feature = "aws")]
    pub(super) fn receive<'a>(&'a self, queue: &'a str) -> BilledReceive<'a> {
        BilledReceive { meter: self, queue, payload_bytes: 0 }
    }

    /// The requests so far, by action and queue.
    pub fn snapshot(&self) -> BTreeMap<(Action, String), u64> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The requests of one action so far, over all queues.
    pub fn total(&self, action: Action) -> u64 {
        let of_action = |((counted, _), count): (&(Action, String), &u64)| {
            (*counted == action).then_some(*count)
        };
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.iter().filter_map(of_action).sum()
    }
}

/// A receive under way. Dropped, it is counted.
#[cfg(feature = "aws")]
#[derive(Debug)]
pub(super) struct BilledReceive<'a> {
    meter: &'a RequestMeter,
    queue: &'a str,
    /// What the answer brought.
    pub(super) payload_bytes: usize,
}

#[cfg(feature = "aws")]
impl Drop for BilledReceive<'_> {
    fn drop(&mut self) {
        self.meter.count(Action::ReceiveMessage, self.queue, self.payload_bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_64_kib_of_payload_is_a_request() {
        let meter = RequestMeter::default();
        for bytes in [0, 65_536, 65_537] {
            meter.count(Action::SendMessageBatch, "q", bytes);
        }
        assert_eq!(meter.total(Action::SendMessageBatch), 1 + 1 + 2);
        assert_eq!(meter.total(Action::ReceiveMessage), 0);
    }

    #[cfg(feature = "aws")]
    #[test]
    fn a_receive_that_is_dropped_is_counted_too() {
        let meter = RequestMeter::default();
        drop(meter.receive("q"));
        meter.receive("q").payload_bytes = 65_537;
        assert_eq!(meter.total(Action::ReceiveMessage), 1 + 2);
    }
}
