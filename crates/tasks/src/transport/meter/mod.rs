//! What the framework's requests cost: counted as SQS bills them, by queue, action, purpose and task.
//!
//! ```text
//! caller ─ what each entry is for ─► account ┐
//! transport ─ what it asks, each try ────────┴─► RequestMeter ─► Requests ─► RequestReport, metrics, tests
//! ```
//!
//! # Invariants
//!
//! - What is billed is attributed whole: a request of a batch is shared by its entries in
//!   [`Spent::PARTS`] parts, which any batch of SQS divides without a rest.
//! - Labels are names of queues and of tasks that the code knows, and closed sets.

mod account;
mod price;
mod purpose;
mod report;
mod requests;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

pub(crate) use account::{Charged, Item, TaskNames, charge, charge_receive, charge_reply_receive};
pub(crate) use price::billed_requests;
pub use price::{BILLED_BYTES, QueueKind, cost};
pub use purpose::Purpose;
pub use report::RequestReport;
pub use requests::{Line, Requests, Spent};

use super::ReceivedMessage;

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

    /// The name of the SQS action.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::GetQueueUrl => "GetQueueUrl",
            Self::GetQueueAttributes => "GetQueueAttributes",
            Self::SendMessageBatch => "SendMessageBatch",
            Self::ReceiveMessage => "ReceiveMessage",
            Self::DeleteMessageBatch => "DeleteMessageBatch",
            Self::ChangeMessageVisibilityBatch => "ChangeMessageVisibilityBatch",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Counts billable requests. Every call of a transport passes it.
///
/// ```
/// use longshore_tasks::transport::{Action, RequestMeter};
///
/// // A transport of one's own counts each try of a call, with the bytes that it sends.
/// let meter = RequestMeter::default();
/// meter.count(Action::SendMessageBatch, "tasks", 70_000);
/// assert_eq!(meter.total(Action::SendMessageBatch), 2);
/// ```
#[derive(Debug, Default)]
pub struct RequestMeter {
    region: String,
    requests: Mutex<Requests>,
}

impl RequestMeter {
    /// A meter of requests that are made in a region, such as `us-east-1`, by which they are priced.
    pub fn in_region(region: &str) -> Self {
        Self { region: region.to_owned(), requests: Mutex::default() }
    }

    /// Counts a request of `payload_bytes`; an empty one counts once. A receive is counted by
    /// [`RequestMeter::receive`].
    pub fn count(&self, action: Action, queue: &str, payload_bytes: usize) {
        self.book(action, queue, payload_bytes, &account::items(action));
    }

    /// A receive that begins. It is counted when what is answered here is dropped: the answer is there
    /// then, or nobody waits for it.
    pub fn receive<'a>(&'a self, queue: &'a str) -> MeteredReceive<'a> {
        MeteredReceive { meter: self, queue, payload_bytes: 0, items: Vec::new() }
    }

    /// The requests so far.
    pub fn snapshot(&self) -> Requests {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The requests so far, and what they cost.
    pub fn report(&self) -> RequestReport {
        RequestReport::new(&self.snapshot(), &self.region)
    }

    /// The requests of one action so far, over all queues.
    pub fn total(&self, action: Action) -> u64 {
        self.snapshot().whole(|line| line.action == action)
    }

    fn book(&self, action: Action, queue: &str, payload_bytes: usize, items: &[Item]) {
        let (queue, billed) = (Arc::from(queue), billed_requests(payload_bytes));
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        requests.book(action, &queue, billed, items);
    }
}

/// A receive under way. Dropped, it is counted.
#[derive(Debug)]
pub struct MeteredReceive<'a> {
    meter: &'a RequestMeter,
    queue: &'a str,
    payload_bytes: usize,
    items: Vec<Item>,
}

impl MeteredReceive<'_> {
    /// Notes what the answer brought.
    pub fn brought(&mut self, messages: &[ReceivedMessage]) {
        self.payload_bytes = messages.iter().map(ReceivedMessage::bytes).sum();
        self.items = account::received(messages);
    }
}

impl Drop for MeteredReceive<'_> {
    fn drop(&mut self) {
        let action = Action::ReceiveMessage;
        if self.items.is_empty() {
            self.items.push(Item::unnamed(Purpose::EmptyReceive));
        }
        self.meter.book(action, self.queue, self.payload_bytes, &self.items);
    }
}

#[cfg(test)]
mod tests;
