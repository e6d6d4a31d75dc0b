//! `ListQueues`: the URLs of an account's queues in a region.

use serde::{Deserialize, Serialize};

use super::{Input, read};
use crate::{Request, SqsError};

/// Asks for queues. [`check::max_results`](crate::check::max_results) reads the page's size.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct ListQueues {
    /// Only queues whose names begin so; case-sensitive.
    #[serde(deserialize_with = "read::maybe_text")]
    pub queue_name_prefix: Option<String>,
    /// The last page's [`ListQueuesReply::next_token`].
    #[serde(deserialize_with = "read::maybe_text")]
    pub next_token: Option<String>,
    /// Queues of a page, 1 to 1000. Without it: up to 1000 queues, and no token.
    #[serde(deserialize_with = "read::unnamed_integer")]
    pub max_results: Option<i64>,
}

impl Input for ListQueues {
    fn into_request(self) -> Result<Request, SqsError> {
        Ok(self.into())
    }
}

/// One page of queues.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListQueuesReply {
    /// The queues' URLs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub queue_urls: Vec<String>,
    /// What asks for the next page; `None` on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}
