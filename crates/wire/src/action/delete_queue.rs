//! `DeleteQueue`: removes a queue and every message in it.

use serde::Deserialize;

use super::{Input, read, require};
use crate::{Request, SqsError};

/// Removes a queue and all its messages, whatever their state. Answers [`Reply::Empty`](crate::Reply).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct DeleteQueue {
    /// The queue's URL, or its bare name.
    #[serde(deserialize_with = "read::text")]
    pub queue_url: String,
}

impl Input for DeleteQueue {
    fn into_request(self) -> Result<Request, SqsError> {
        require(&self.queue_url, "QueueUrl")?;
        Ok(self.into())
    }
}
