//! `PurgeQueue`: deletes every message of a queue, and keeps the queue.

use serde::Deserialize;

use super::{Input, read, require};
use crate::{Request, SqsError};

/// Deletes all messages of a queue: available, delayed and in flight. Answers [`Reply::Empty`](crate::Reply).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct PurgeQueue {
    /// The queue's URL, or its bare name.
    #[serde(deserialize_with = "read::text")]
    pub queue_url: String,
}

impl Input for PurgeQueue {
    fn into_request(self) -> Result<Request, SqsError> {
        require(&self.queue_url, "QueueUrl")?;
        Ok(self.into())
    }
}
