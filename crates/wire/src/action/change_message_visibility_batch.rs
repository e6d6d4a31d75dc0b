//! `ChangeMessageVisibilityBatch`: changes the visibility of up to ten messages, each of which
//! can fail by itself.

use serde::{Deserialize, Serialize};

use super::{BatchEntry, BatchResultEntry, BatchResultErrorEntry, SentInteger, read};
use crate::Request;

/// Changes the visibility of a batch of messages: 1 to 10 entries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChangeMessageVisibilityBatch {
    /// The queue's URL, or its bare name.
    pub queue_url: String,
    /// The messages. [`check::batch_shape`](crate::check::batch_shape) checks count and ids.
    pub entries: Vec<ChangeMessageVisibilityBatchEntry>,
}

impl BatchEntry for ChangeMessageVisibilityBatchEntry {
    fn batch(queue_url: String, entries: Vec<Self>) -> Request {
        ChangeMessageVisibilityBatch { queue_url, entries }.into()
    }
}

/// One message whose visibility changes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct ChangeMessageVisibilityBatchEntry {
    /// What names the entry in the reply; there once the batch's shape has been checked.
    #[serde(deserialize_with = "read::maybe_text")]
    pub id: Option<String>,
    /// The handle of a receive of the message; empty if absent, which no handle is.
    #[serde(deserialize_with = "read::text")]
    pub receipt_handle: String,
    /// Seconds from now, 0 to 43200: see
    /// [`check::entry_visibility`](crate::check::entry_visibility).
    #[serde(deserialize_with = "read::integer")]
    pub visibility_timeout: Option<SentInteger>,
}

/// What became of each entry.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ChangeMessageVisibilityBatchReply {
    /// The entries that were changed, in the request's order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub successful: Vec<BatchResultEntry>,
    /// The entries that were not.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub failed: Vec<BatchResultErrorEntry>,
}
