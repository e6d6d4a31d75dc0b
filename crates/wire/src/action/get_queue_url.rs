//! `GetQueueUrl`: the URL of a queue whose name is known.

use serde::{Deserialize, Serialize};

use super::create_queue::{NO_QUEUE_NAME, require_queue_name};
use super::{Input, read};
use crate::{Request, SqsError};

/// Asks for a queue's URL.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GetQueueUrl {
    /// The queue's name; names are case-sensitive.
    pub queue_name: String,
    /// The 12-digit account that owns the queue; the caller's own if `None`.
    pub queue_owner_aws_account_id: Option<String>,
}

/// `GetQueueUrl` as it was sent: its name can be missing.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct SentGetQueueUrl {
    #[serde(deserialize_with = "read::maybe_text")]
    queue_name: Option<String>,
    #[serde(rename = "QueueOwnerAWSAccountId", deserialize_with = "read::maybe_text")]
    queue_owner_aws_account_id: Option<String>,
}

impl Input for SentGetQueueUrl {
    fn into_request(self) -> Result<Request, SqsError> {
        let queue_name = require_queue_name(self.queue_name, NO_QUEUE_NAME)?;
        let queue_owner_aws_account_id = self.queue_owner_aws_account_id;
        Ok(GetQueueUrl { queue_name, queue_owner_aws_account_id }.into())
    }
}

/// Where the queue is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetQueueUrlReply {
    /// The URL that names the queue in later requests.
    pub queue_url: String,
}
