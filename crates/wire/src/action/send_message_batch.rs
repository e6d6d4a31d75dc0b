//! `SendMessageBatch`: puts up to ten messages on a queue, each of which can fail by itself.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    BatchEntry, BatchResultErrorEntry, RawAttribute, SendMessage, SendMessageReply, SentInteger,
    read,
};
use crate::Request;

/// Sends a batch: 1 to 10 entries, 1 MiB together whatever the queue's own maximum.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SendMessageBatch {
    /// The queue's URL, or its bare name.
    pub queue_url: String,
    /// The messages. [`check::batch_shape`](crate::check::batch_shape) checks count and ids.
    pub entries: Vec<SendMessageBatchEntry>,
}

impl BatchEntry for SendMessageBatchEntry {
    fn batch(queue_url: String, entries: Vec<Self>) -> Request {
        SendMessageBatch { queue_url, entries }.into()
    }
}

/// One message of a batch; its members are those of [`SendMessage`], and an absent body is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct SendMessageBatchEntry {
    /// What names the entry in the reply; there once the batch's shape has been checked.
    #[serde(deserialize_with = "read::maybe_text")]
    pub id: Option<String>,
    /// The body; an empty one fails the entry, not the batch.
    #[serde(deserialize_with = "read::text")]
    pub message_body: String,
    /// Seconds until the message is available, 0 to 900; the queue's own delay if `None`.
    #[serde(deserialize_with = "read::integer")]
    pub delay_seconds: Option<SentInteger>,
    /// Up to ten attributes by name.
    #[serde(deserialize_with = "read::structure_map")]
    pub message_attributes: BTreeMap<String, RawAttribute>,
    /// `AWSTraceHeader` or nothing.
    #[serde(deserialize_with = "read::structure_map")]
    pub message_system_attributes: BTreeMap<String, RawAttribute>,
    /// What deduplicates the message, on FIFO queues.
    #[serde(deserialize_with = "read::maybe_text")]
    pub message_deduplication_id: Option<String>,
    /// The message group.
    #[serde(deserialize_with = "read::maybe_text")]
    pub message_group_id: Option<String>,
}

impl SendMessageBatchEntry {
    /// The entry as a send of its own, so that a batch has no second copy of the rules.
    pub fn into_send(self, queue_url: String) -> SendMessage {
        SendMessage {
            queue_url,
            message_body: self.message_body,
            delay_seconds: self.delay_seconds,
            message_attributes: self.message_attributes,
            message_system_attributes: self.message_system_attributes,
            message_deduplication_id: self.message_deduplication_id,
            message_group_id: self.message_group_id,
        }
    }
}

/// What became of each entry.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct SendMessageBatchReply {
    /// The entries that were sent, in the request's order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub successful: Vec<SendMessageBatchResultEntry>,
    /// The entries that were not.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub failed: Vec<BatchResultErrorEntry>,
}

/// An entry that was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct SendMessageBatchResultEntry {
    /// The entry's id in the request.
    pub id: String,
    /// What a single send would have answered; its members stand beside the id.
    #[serde(flatten)]
    pub sent: SendMessageReply,
}
