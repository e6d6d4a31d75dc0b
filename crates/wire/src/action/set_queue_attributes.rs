//! `SetQueueAttributes`: changes what a queue is set to.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Input, read, require};
use crate::{Request, SqsError};

/// Changes attributes of a queue, all or none. Answers [`Reply::Empty`](crate::Reply).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct SetQueueAttributes {
    /// The queue's URL, or its bare name.
    #[serde(deserialize_with = "read::text")]
    pub queue_url: String,
    /// New values by name, at least one. An empty policy removes it.
    #[serde(deserialize_with = "read::text_map")]
    pub attributes: BTreeMap<String, String>,
}

impl Input for SetQueueAttributes {
    fn into_request(self) -> Result<Request, SqsError> {
        require(&self.queue_url, "QueueUrl")?;
        if self.attributes.is_empty() {
            return Err(SqsError::MissingParameter("Attribute.Name".into()));
        }
        Ok(self.into())
    }
}
