//! What the three batch actions share: their names in error texts, and their result entries.

use std::fmt;

use serde::Serialize;

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
