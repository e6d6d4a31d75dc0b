//! `CancelMessageMoveTask`: stops a move task; what it has moved stays moved.

use serde::{Deserialize, Serialize};

use super::{Input, read, require};
use crate::{Request, SqsError};

/// Stops a move task that runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct CancelMessageMoveTask {
    /// The handle that started the task, or that the list of tasks shows.
    #[serde(deserialize_with = "read::text")]
    pub task_handle: String,
}

impl Input for CancelMessageMoveTask {
    fn into_request(self) -> Result<Request, SqsError> {
        require(&self.task_handle, "TaskHandle")?;
        Ok(self.into())
    }
}

/// How far the task had come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct CancelMessageMoveTaskReply {
    /// How many messages it has moved.
    pub approximate_number_of_messages_moved: u64,
}
