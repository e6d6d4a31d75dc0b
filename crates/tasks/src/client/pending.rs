//! A task that was sent, and the wait for its reply.

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use thiserror::Error;
use tokio::time::{Instant, sleep, timeout_at};

use super::Client;
use crate::codec::{Codec, CodecError};
use crate::id::TaskId;
use crate::store::{Status, StoreError};
use crate::task::Task;

/// How soon a status is asked for again, at first and at last. A reply may come to any app, so
/// the shared store is the one place to look.
const LOOK_AGAIN: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(1));

/// A task that was sent.
pub struct Pending<T: Task> {
    id: TaskId,
    client: Client,
    task: PhantomData<fn() -> T>,
}

/// Why a wait for a reply ended without one.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReplyError {
    /// The task was given up.
    #[error("the task {id} failed: {body}")]
    Failed {
        /// The task.
        id: TaskId,
        /// The reply's body: `{"message":"<text>"}`.
        body: String,
    },
    /// No reply came in time. The task may still run, and its reply be found later.
    #[error("no reply to the task {id} came within {waited:?}")]
    TimedOut {
        /// The task.
        id: TaskId,
        /// How long was waited.
        waited: Duration,
    },
    /// The task is not known: it was never sent, or was kept for as long as it should be.
    #[error("the task {id} is not known")]
    NotKnown {
        /// The task.
        id: TaskId,
    },
    /// A reply came that the codec cannot read.
    #[error(transparent)]
    Unreadable(#[from] CodecError),
    /// The store did not say how the task stands.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl<T: Task> Pending<T> {
    pub(super) fn new(id: TaskId, client: Client) -> Self {
        Self { id, client, task: PhantomData }
    }

    /// The task's id, by which its status is asked for.
    pub fn id(&self) -> &TaskId {
        &self.id
    }

    /// Waits for the reply, up to `patience`.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost: the reply stays in the store.
    pub async fn reply(&self, patience: Duration) -> Result<T::Reply, ReplyError> {
        let deadline = Instant::now() + patience;
        let timed_out = |_| ReplyError::TimedOut { id: self.id.clone(), waited: patience };
        timeout_at(deadline, self.settled()).await.map_err(timed_out)?
    }

    async fn settled(&self) -> Result<T::Reply, ReplyError> {
        let (mut pause, pause_max) = LOOK_AGAIN;
        loop {
            match self.client.status(&self.id).await? {
                None => return Err(ReplyError::NotKnown { id: self.id.clone() }),
                Some(Status::Completed { body }) => return Ok(T::Codec::decode_reply(&body)?),
                Some(Status::Failed { body }) => {
                    return Err(ReplyError::Failed { id: self.id.clone(), body });
                }
                Some(Status::Pending) => sleep(pause).await,
            }
            pause = (pause * 2).min(pause_max);
        }
    }
}

impl<T: Task> fmt::Debug for Pending<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pending")
            .field("task", &T::NAME)
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
