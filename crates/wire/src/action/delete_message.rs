//! `DeleteMessage`: says that a received message is done with.

use serde::Deserialize;

use super::{Input, read, require};
use crate::{Request, SqsError};

/// Deletes a message; one that is already gone is no error. Answers
/// [`Reply::Empty`](crate::Reply).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct DeleteMessage {
    /// The queue's URL, or its bare name.
    #[serde(deserialize_with = "read::text")]
    pub queue_url: String,
    /// The handle of a receive of the message; a message's id is none.
    #[serde(deserialize_with = "read::text")]
    pub receipt_handle: String,
}

impl Input for DeleteMessage {
    fn into_request(self) -> Result<Request, SqsError> {
        require(&self.queue_url, "QueueUrl")?;
        require(&self.receipt_handle, "ReceiptHandle")?;
        Ok(self.into())
    }
}
