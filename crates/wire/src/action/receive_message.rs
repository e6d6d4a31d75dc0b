//! `ReceiveMessage`: leases up to ten messages of a queue, and waits for one if asked to.

use std::collections::BTreeMap;

use longshore_types::{MessageAttributes, MessageId};
use serde::{Deserialize, Serialize};

use super::{Input, SentInteger, SystemAttributeName, read, require, write};
use crate::{Request, SqsError};

/// Asks for messages. [`check::receive`](crate::check::receive) has the ranges.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct ReceiveMessage {
    /// The queue's URL, or its bare name.
    #[serde(deserialize_with = "read::text")]
    pub queue_url: String,
    /// The old name of `message_system_attribute_names`: the two are united. Names of queue
    /// attributes are allowed here, and ignored.
    #[serde(deserialize_with = "read::texts")]
    pub attribute_names: Vec<String>,
    /// System attributes to answer, or `All`.
    #[serde(deserialize_with = "read::texts")]
    pub message_system_attribute_names: Vec<String>,
    /// Message attributes to answer: see [`check::AttributeFilter`](crate::check::AttributeFilter).
    #[serde(deserialize_with = "read::texts")]
    pub message_attribute_names: Vec<String>,
    /// The most messages to answer, 1 to 10; 1 if `None`.
    #[serde(deserialize_with = "read::integer")]
    pub max_number_of_messages: Option<SentInteger>,
    /// Seconds that the messages are in flight, 0 to 43200; the queue's own if `None`.
    #[serde(deserialize_with = "read::integer")]
    pub visibility_timeout: Option<SentInteger>,
    /// Seconds to wait for a message, 0 to 20; the queue's own if `None`.
    #[serde(deserialize_with = "read::integer")]
    pub wait_time_seconds: Option<SentInteger>,
    /// What makes a retry of this receive answer the same messages, on FIFO queues.
    #[serde(deserialize_with = "read::maybe_text")]
    pub receive_request_attempt_id: Option<String>,
}

impl ReceiveMessage {
    /// The bytes of its texts, which a receive that waits holds.
    pub fn text_bytes(&self) -> usize {
        let names = self.attribute_names.iter().chain(&self.message_system_attribute_names);
        let names = names.chain(&self.message_attribute_names).map(|name| name.len() + 24);
        let attempt = self.receive_request_attempt_id.as_ref().map_or(0, String::len);
        self.queue_url.len() + names.sum::<usize>() + attempt
    }
}

impl Input for ReceiveMessage {
    fn into_request(self) -> Result<Request, SqsError> {
        require(&self.queue_url, "QueueUrl")?;
        Ok(self.into())
    }
}

/// The messages that were leased; none if there were none in time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ReceiveMessageReply {
    /// The messages.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<ReceivedMessage>,
}

/// A message as one receive answers it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ReceivedMessage {
    /// The message's id, the same at every receive.
    #[serde(serialize_with = "write::shown")]
    pub message_id: MessageId,
    /// What this receive's holder deletes the message with.
    pub receipt_handle: String,
    /// [`digest::body`](crate::digest::body) of the body, which clients compare.
    #[serde(rename = "MD5OfBody")]
    pub md5_of_body: String,
    /// The body, as it was sent.
    pub body: String,
    /// The system attributes that were asked for and apply.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", serialize_with = "write::named")]
    pub attributes: BTreeMap<SystemAttributeName, String>,
    /// [`digest::attributes`](crate::digest::attributes) of those answered here, if any.
    #[serde(rename = "MD5OfMessageAttributes", skip_serializing_if = "Option::is_none")]
    pub md5_of_message_attributes: Option<String>,
    /// The message attributes that were asked for.
    #[serde(
        skip_serializing_if = "BTreeMap::is_empty",
        serialize_with = "write::message_attributes"
    )]
    pub message_attributes: MessageAttributes,
}
