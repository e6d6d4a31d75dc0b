//! `StartMessageMoveTask`: has the messages of a dead-letter queue moved.

use serde::{Deserialize, Serialize};

use super::{Input, read, require};
use crate::{Request, SqsError};

/// Starts a task that moves all messages of a dead-letter queue, asynchronously.
/// [`check::move_rate`](crate::check::move_rate) reads the rate.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct StartMessageMoveTask {
    /// The ARN of the queue that the messages leave.
    #[serde(deserialize_with = "read::text")]
    pub source_arn: String,
    /// The ARN of the queue that they go to. Without it each goes back to the queue that it was
    /// dead-lettered from.
    #[serde(deserialize_with = "read::maybe_text")]
    pub destination_arn: Option<String>,
    /// Messages a second, 1 to 500. Without it the broker chooses.
    #[serde(deserialize_with = "read::unnamed_integer")]
    pub max_number_of_messages_per_second: Option<i64>,
}

impl Input for StartMessageMoveTask {
    fn into_request(self) -> Result<Request, SqsError> {
        require(&self.source_arn, "SourceArn")?;
        Ok(self.into())
    }
}

/// The task that was started.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct StartMessageMoveTaskReply {
    /// What cancels the task.
    pub task_handle: String,
}
