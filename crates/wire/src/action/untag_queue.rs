//! `UntagQueue`: removes tags from a queue.

use serde::Deserialize;

use super::{Input, read, require};
use crate::{Request, SqsError};

/// Removes tags from a queue; a key that it does not have is no error. Answers
/// [`Reply::Empty`](crate::Reply).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct UntagQueue {
    /// The queue's URL, or its bare name.
    #[serde(deserialize_with = "read::text")]
    pub queue_url: String,
    /// The keys of the tags, at least one; case-sensitive.
    #[serde(deserialize_with = "read::texts")]
    pub tag_keys: Vec<String>,
}

impl Input for UntagQueue {
    fn into_request(self) -> Result<Request, SqsError> {
        require(&self.queue_url, "QueueUrl")?;
        if self.tag_keys.is_empty() {
            return Err(SqsError::MissingParameter("TagKeys".into()));
        }
        Ok(self.into())
    }
}
