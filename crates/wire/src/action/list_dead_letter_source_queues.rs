//! `ListDeadLetterSourceQueues`: the URLs of the queues that dead-letter to a queue.

use serde::{Deserialize, Serialize};

use super::{Input, read, require};
use crate::{Request, SqsError};

/// Asks which queues name a queue as their dead-letter queue.
/// [`check::max_results`](crate::check::max_results) reads the page's size.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct ListDeadLetterSourceQueues {
    /// The dead-letter queue's URL.
    #[serde(deserialize_with = "read::text")]
    pub queue_url: String,
    /// The last page's [`ListDeadLetterSourceQueuesReply::next_token`].
    #[serde(deserialize_with = "read::maybe_text")]
    pub next_token: Option<String>,
    /// Queues of a page, 1 to 1000. Without it: up to 1000 queues, and no token.
    #[serde(deserialize_with = "read::unnamed_integer")]
    pub max_results: Option<i64>,
}

impl Input for ListDeadLetterSourceQueues {
    fn into_request(self) -> Result<Request, SqsError> {
        require(&self.queue_url, "QueueUrl")?;
        Ok(self.into())
    }
}

/// One page of queues.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListDeadLetterSourceQueuesReply {
    /// The queues' URLs. The model calls the member required, and spells it with a small `q`: an
    /// empty list is sent, and not left out.
    #[serde(rename = "queueUrls")]
    pub queue_urls: Vec<String>,
    /// What asks for the next page; `None` on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}
