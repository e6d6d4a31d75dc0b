//! `ListMessageMoveTasks`: the move tasks of a queue, the newest first.

use serde::{Deserialize, Serialize};

use super::{Input, read, require};
use crate::{Request, SqsError};

/// Asks for the move tasks of a queue.
/// [`check::move_tasks_shown`](crate::check::move_tasks_shown) reads how many.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct ListMessageMoveTasks {
    /// The ARN of the queue that the tasks move messages from.
    #[serde(deserialize_with = "read::text")]
    pub source_arn: String,
    /// Tasks wanted, 1 to 10; without it 1.
    #[serde(deserialize_with = "read::unnamed_integer")]
    pub max_results: Option<i64>,
}

impl Input for ListMessageMoveTasks {
    fn into_request(self) -> Result<Request, SqsError> {
        require(&self.source_arn, "SourceArn")?;
        Ok(self.into())
    }
}

/// Move tasks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListMessageMoveTasksReply {
    /// The tasks, the newest first. An empty list is sent, as SQS does here.
    pub results: Vec<ListMessageMoveTasksResultEntry>,
}

/// One move task.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListMessageMoveTasksResultEntry {
    /// What cancels the task; only as long as it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_handle: Option<String>,
    /// `RUNNING`, `COMPLETED`, `CANCELLED` or `FAILED`.
    pub status: &'static str,
    /// The queue that messages leave.
    pub source_arn: String,
    /// The queue that they go to, if the task was told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination_arn: Option<String>,
    /// Messages a second, if the task was told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_number_of_messages_per_second: Option<u32>,
    /// How many messages were moved.
    pub approximate_number_of_messages_moved: u64,
    /// How many there were when the task was started.
    pub approximate_number_of_messages_to_move: u64,
    /// Why the task failed, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure_reason: Option<&'static str>,
    /// When the task was started, in milliseconds since the Unix epoch.
    pub started_timestamp: u64,
}
