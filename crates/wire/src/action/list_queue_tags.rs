//! `ListQueueTags`: the tags of a queue.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Input, read, require};
use crate::{Request, SqsError};

/// Asks for all tags of a queue.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct ListQueueTags {
    /// The queue's URL, or its bare name.
    #[serde(deserialize_with = "read::text")]
    pub queue_url: String,
}

impl Input for ListQueueTags {
    fn into_request(self) -> Result<Request, SqsError> {
        require(&self.queue_url, "QueueUrl")?;
        Ok(self.into())
    }
}

/// The tags of a queue.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListQueueTagsReply {
    /// The tags' values by key.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
}
