//! Why a task was not sent, or may not have been.

use thiserror::Error;

use crate::codec::CodecError;
use crate::id::TaskId;
use crate::store::StoreError;

/// Why a task was not sent, or may not have been.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SendError {
    /// Nothing was done: the task is not on the queue and is not known. Send it again.
    #[error("the task was not sent: {reason}")]
    NotSent {
        /// What went wrong.
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
    pub(super) fn invalid(error: &CodecError) -> Self {
        Self::Invalid { reason: error.to_string() }
    }
}
