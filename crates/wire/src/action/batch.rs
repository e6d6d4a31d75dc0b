//! What the three batch actions share: how they are sent, their names in error texts, and their
//! result entries.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Input, read, require};
use crate::{Request, SqsError};

/// Which batch action, for the texts that name its entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchKind {
    /// `SendMessageBatch`.
    Send,
    /// `DeleteMessageBatch`.
    Delete,
    /// `ChangeMessageVisibilityBatch`.
    ChangeVisibility,
}

impl BatchKind {
    /// The type of the batch's entries in the API's model.
    pub const fn entry_type(self) -> &'static str {
        match self {
            Self::Send => "SendMessageBatchRequestEntry",
            Self::Delete => "DeleteMessageBatchRequestEntry",
            Self::ChangeVisibility => "ChangeMessageVisibilityBatchRequestEntry",
        }
    }
}

impl fmt::Display for BatchKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.entry_type())
    }
}

/// A batch as it was sent: without a list of entries it is refused otherwise than with an empty one.
#[derive(Deserialize)]
#[serde(default, rename_all = "PascalCase", bound = "E: Deserialize<'de>")]
pub(crate) struct SentBatch<E> {
    #[serde(deserialize_with = "read::text")]
    queue_url: String,
    #[serde(deserialize_with = "read::maybe_structures")]
    entries: Option<Vec<E>>,
}

impl<E> Default for SentBatch<E> {
    fn default() -> Self {
        Self { queue_url: String::new(), entries: None }
    }
}

/// An entry of a batch.
pub(crate) trait BatchEntry: for<'de> Deserialize<'de> {
    /// The batch that entries make.
    fn batch(queue_url: String, entries: Vec<Self>) -> Request;
}

impl<E: BatchEntry> Input for SentBatch<E> {
    fn into_request(self) -> Result<Request, SqsError> {
        require(&self.queue_url, "QueueUrl")?;
        let missing = || SqsError::MissingParameter("Entries".to_owned());
        Ok(E::batch(self.queue_url, self.entries.ok_or_else(missing)?))
    }

    fn flattened(mut self) -> Self {
        self.entries.get_or_insert_default();
        self
    }
}

/// An entry of a batch that was done, when there is nothing to say but so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct BatchResultEntry {
    /// The entry's id in the request.
    pub id: String,
}

/// An entry of a batch that failed; made by [`SqsError::into_entry`](crate::SqsError::into_entry).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct BatchResultErrorEntry {
    /// The entry's id in the request.
    pub id: String,
    /// Whether the sender is to blame, and a retry as it is will fail again.
    pub sender_fault: bool,
    /// The error's Query code, in either protocol.
    pub code: String,
    /// The error's text.
    pub message: String,
}
