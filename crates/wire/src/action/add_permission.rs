//! `AddPermission`: lets other accounts do something with a queue.

use serde::Deserialize;

use super::{Input, read, require};
use crate::{Request, SqsError};

/// Adds a statement to a queue's access policy, which allows accounts some actions. Answers
/// [`Reply::Empty`](crate::Reply).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct AddPermission {
    /// The queue's URL, or its bare name.
    #[serde(deserialize_with = "read::text")]
    pub queue_url: String,
    /// What the permission is called, to remove it by; no other of the queue can be called so.
    #[serde(deserialize_with = "read::text")]
    pub label: String,
    /// The accounts, at least one, each of 12 digits.
    #[serde(rename = "AWSAccountIds", deserialize_with = "read::texts")]
    pub aws_account_ids: Vec<String>,
    /// What they may do, at least one: an action's name without a prefix, or `*`.
    #[serde(deserialize_with = "read::texts")]
    pub actions: Vec<String>,
}

impl Input for AddPermission {
    fn into_request(self) -> Result<Request, SqsError> {
        require(&self.queue_url, "QueueUrl")?;
        require(&self.label, "Label")?;
        require_any(&self.aws_account_ids, "AWSAccountIds")?;
        require_any(&self.actions, "ActionName")?;
        Ok(self.into())
    }
}

/// Refuses a required list that is absent or empty. SQS names it as the Query protocol does.
fn require_any(list: &[String], member: &str) -> Result<(), SqsError> {
    if list.is_empty() { Err(SqsError::MissingParameter(member.to_owned())) } else { Ok(()) }
}
