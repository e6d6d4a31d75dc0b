//! `ChangeMessageVisibility`: how much longer a received message stays in flight.

use serde::Deserialize;

use super::{Input, SentInteger, read, require};
use crate::{Request, SqsError};

/// Changes when a message is available again, counted from now; 0 hands it back at once. Answers
/// [`Reply::Empty`](crate::Reply).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeMessageVisibility {
    /// The queue's URL, or its bare name.
    pub queue_url: String,
    /// The handle of a receive of the message.
    pub receipt_handle: String,
    /// Seconds from now, 0 to 43200: see [`check::visibility`](crate::check::visibility).
    pub visibility_timeout: SentInteger,
}

/// `ChangeMessageVisibility` as it was sent: its timeout can be missing.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct SentChangeMessageVisibility {
    #[serde(deserialize_with = "read::text")]
    queue_url: String,
    #[serde(deserialize_with = "read::text")]
    receipt_handle: String,
    #[serde(deserialize_with = "read::integer")]
    visibility_timeout: Option<SentInteger>,
}

impl Input for SentChangeMessageVisibility {
    fn into_request(self) -> Result<Request, SqsError> {
        require(&self.queue_url, "QueueUrl")?;
        require(&self.receipt_handle, "ReceiptHandle")?;
        let visibility_timeout = self
            .visibility_timeout
            .ok_or_else(|| SqsError::MissingParameter("VisibilityTimeout".into()))?;
        let Self { queue_url, receipt_handle, .. } = self;
        Ok(ChangeMessageVisibility { queue_url, receipt_handle, visibility_timeout }.into())
    }
}
