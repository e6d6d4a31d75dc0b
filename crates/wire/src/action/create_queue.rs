//! `CreateQueue`: makes a queue, or finds the one that is already so.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Input, read};
use crate::{Request, SqsError};

/// What SQS says of a queue name that is not there.
pub(super) const NO_QUEUE_NAME: &str =
    "Value for parameter QueueName is invalid. Reason: Must specify a queue name.";

/// Makes a queue. If one of that name exists and no sent attribute differs, its URL is answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CreateQueue {
    /// The name: 1 to 80 letters, digits, hyphens and underscores; `.fifo` makes it FIFO.
    pub queue_name: String,
    /// Queue attributes by name, values as text. What is not set gets SQS's default.
    pub attributes: BTreeMap<String, String>,
    /// Tags by key.
    pub tags: BTreeMap<String, String>,
}

/// `CreateQueue` as it was sent: an absent name and an empty one are refused differently.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct SentCreateQueue {
    #[serde(deserialize_with = "read::maybe_text")]
    queue_name: Option<String>,
    #[serde(deserialize_with = "read::text_map")]
    attributes: BTreeMap<String, String>,
    /// The one member of the API whose name begins in lower case.
    #[serde(rename = "tags", deserialize_with = "read::text_map")]
    tags: BTreeMap<String, String>,
}

impl Input for SentCreateQueue {
    fn into_request(self) -> Result<Request, SqsError> {
        let queue_name = require_queue_name(self.queue_name, "Queue name cannot be empty")?;
        Ok(CreateQueue { queue_name, attributes: self.attributes, tags: self.tags }.into())
    }
}

/// Refuses a queue name that is absent, with a text of its own for one that is empty.
pub(super) fn require_queue_name(sent: Option<String>, if_empty: &str) -> Result<String, SqsError> {
    let name = sent.ok_or_else(|| SqsError::InvalidParameterValue(NO_QUEUE_NAME.to_owned()))?;
    if name.is_empty() {
        return Err(SqsError::InvalidParameterValue(if_empty.to_owned()));
    }
    Ok(name)
}

/// Where the queue is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreateQueueReply {
    /// The URL that names the queue in later requests.
    pub queue_url: String,
}
