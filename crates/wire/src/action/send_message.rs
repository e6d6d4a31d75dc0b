//! `SendMessage`: puts one message on a queue.

use std::collections::BTreeMap;

use longshore_types::MessageId;
use serde::{Deserialize, Serialize};

use super::{Input, RawAttribute, SentInteger, read, require, write};
use crate::{Request, SqsError};

/// Sends a message. Body and message attributes together have 1 byte to 1 MiB, or less if the
/// queue's `MaximumMessageSize` says so.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct SendMessage {
    /// The queue's URL, or its bare name.
    #[serde(deserialize_with = "read::text")]
    pub queue_url: String,
    /// The body, kept to the byte. [`check::body`](crate::check::body) has its characters.
    #[serde(deserialize_with = "read::text")]
    pub message_body: String,
    /// Seconds until the message is available, 0 to 900; the queue's own delay if `None`.
    #[serde(deserialize_with = "read::integer")]
    pub delay_seconds: Option<SentInteger>,
    /// Up to ten attributes by name.
    #[serde(deserialize_with = "read::structure_map")]
    pub message_attributes: BTreeMap<String, RawAttribute>,
    /// `AWSTraceHeader` or nothing. Not counted in the message's size.
    #[serde(deserialize_with = "read::structure_map")]
    pub message_system_attributes: BTreeMap<String, RawAttribute>,
    /// What deduplicates the message, on FIFO queues; 1 to 128 letters.
    #[serde(deserialize_with = "read::maybe_text")]
    pub message_deduplication_id: Option<String>,
    /// The message group: required on FIFO queues, allowed on standard ones; 1 to 128 letters.
    #[serde(deserialize_with = "read::maybe_text")]
    pub message_group_id: Option<String>,
}

impl Input for SendMessage {
    fn into_request(self) -> Result<Request, SqsError> {
        require(&self.queue_url, "QueueUrl")?;
        require(&self.message_body, "MessageBody")?;
        Ok(self.into())
    }
}

/// What became of the message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct SendMessageReply {
    /// [`digest::body`](crate::digest::body) of the body, which clients compare.
    #[serde(rename = "MD5OfMessageBody")]
    pub md5_of_message_body: String,
    /// [`digest::attributes`](crate::digest::attributes), if any were sent.
    #[serde(rename = "MD5OfMessageAttributes", skip_serializing_if = "Option::is_none")]
    pub md5_of_message_attributes: Option<String>,
    /// [`digest::trace_header`](crate::digest::trace_header), if one was sent as an attribute.
    #[serde(rename = "MD5OfMessageSystemAttributes", skip_serializing_if = "Option::is_none")]
    pub md5_of_message_system_attributes: Option<String>,
    /// The message's id: the first message's, if this one is its duplicate.
    #[serde(serialize_with = "write::shown")]
    pub message_id: MessageId,
    /// The message's place in its FIFO queue, 20 digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sequence_number: Option<String>,
}
