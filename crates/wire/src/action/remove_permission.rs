//! `RemovePermission`: takes a permission of a queue away.

use serde::Deserialize;

use super::{Input, read, require};
use crate::{Request, SqsError};

/// Removes the statement of that label from a queue's access policy, and with the last statement
/// the policy. Answers [`Reply::Empty`](crate::Reply).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct RemovePermission {
    /// The queue's URL, or its bare name.
    #[serde(deserialize_with = "read::text")]
    pub queue_url: String,
    /// What the permission was called when it was added.
    #[serde(deserialize_with = "read::text")]
    pub label: String,
}

impl Input for RemovePermission {
    fn into_request(self) -> Result<Request, SqsError> {
        require(&self.queue_url, "QueueUrl")?;
        require(&self.label, "Label")?;
        Ok(self.into())
    }
}
