//! Why a task was not sent, or may not have been.

use std::time::Duration;

use thiserror::Error;

use crate::codec::CodecError;
use crate::id::TaskId;
use crate::life::Refusal;
use crate::store::StoreError;

/// Why a task was not sent, or may not have been.
///
/// ```
/// use longshore_tasks::{Client, SendError, Task};
///
/// /// What a person is told.
/// async fn told<T: Task>(client: &Client, task: T) -> String {
///     match client.send(task).await {
///         Ok(pending) => format!("sent as {}", pending.id()),
///         Err(SendError::Unknown { id, .. }) => format!("perhaps sent: ask for {id}"),
///         Err(SendError::Invalid { reason }) => format!("never: {reason}"),
///         Err(SendError::Throttled { retry_after, .. }) => format!("not sent, try in {retry_after:?}"),
///         Err(not_sent) => format!("not sent, try again: {not_sent}"),
///     }
/// }
/// ```
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SendError {
    /// Nothing was done: the task is not on the queue and is not known. Send it again.
    #[error("the task was not sent: {reason}")]
    NotSent {
        /// What went wrong.
        reason: String,
    },
    /// Its queue throttles sends, for longer than the task may wait (see
    /// [`ClientOptions::throttle_patience`](super::ClientOptions::throttle_patience)). Nothing was done: send it
    /// again after that time.
    #[error("the task was not sent, ask again in {retry_after:?}: {reason}")]
    Throttled {
        /// How long nothing is sent to the queue.
        retry_after: Duration,
        /// What the queue said.
        reason: String,
    },
    /// No answer came after the request was written: the task may run. It is PENDING under `id`.
    #[error("whether the task {id} was sent is not known: {reason}")]
    Unknown {
        /// The task's id, to ask for its status.
        id: TaskId,
        /// What went wrong.
        reason: String,
    },
    /// The task cannot be sent as it is; sending it again would not help.
    #[error("the task cannot be sent: {reason}")]
    Invalid {
        /// What is wrong with it.
        reason: String,
    },
    /// PENDING could not be written, so nothing was sent.
    #[error("the task was not sent: {0}")]
    Store(#[source] StoreError),
}

impl SendError {
    pub(super) fn invalid(reason: impl Into<String>) -> Self {
        Self::Invalid { reason: reason.into() }
    }
}

impl From<CodecError> for SendError {
    fn from(error: CodecError) -> Self {
        Self::invalid(error.to_string())
    }
}

/// Why a task's end was not asked for.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CancelError {
    /// It has ended, or is not known.
    #[error("the task {id} cannot be cancelled: {refusal}")]
    Refused {
        /// The task.
        id: TaskId,
        /// Why.
        refusal: Refusal,
    },
    /// The store did not take it down.
    #[error(transparent)]
    Store(#[from] StoreError),
}
