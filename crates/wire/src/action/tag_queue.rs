//! `TagQueue`: adds tags to a queue.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Input, read, require};
use crate::{Request, SqsError};

/// Adds tags to a queue, and overwrites those that have the same key. Answers
/// [`Reply::Empty`](crate::Reply). [`check::tags`](crate::check::tags) has their limits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct TagQueue {
    /// The queue's URL, or its bare name.
    #[serde(deserialize_with = "read::text")]
    pub queue_url: String,
    /// Values by key, at least one; keys are case-sensitive and values can be empty.
    #[serde(deserialize_with = "read::text_map")]
    pub tags: BTreeMap<String, String>,
}

impl Input for TagQueue {
    fn into_request(self) -> Result<Request, SqsError> {
        require(&self.queue_url, "QueueUrl")?;
        if self.tags.is_empty() {
            return Err(SqsError::MissingParameter("Tags".into()));
        }
        Ok(self.into())
    }
}
