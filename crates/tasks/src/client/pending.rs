//! A task that was sent, and the wait for its reply.

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use thiserror::Error;
use tokio::time::{Instant, sleep, timeout_at};

use super::{Client, SendError, Status};
use crate::backoff::Backoff;
use crate::codec::{Codec, CodecError};
use crate::id::TaskId;
use crate::store::StoreError;
use crate::task::Task;
use crate::worker::same_queue;

/// As good as for ever, for a wait.
const FOR_EVER: Duration = Duration::from_secs(365 * 86_400);
/// How long the first look may take where the patience is shorter: what is there is answered.
const FIRST_LOOK: Duration = Duration::from_secs(1);
/// When a store that did not answer is asked again.
const ASK_AGAIN: Backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(1));

/// A task that was sent: what [`Client::send`] answers.
///
/// ```
/// use std::time::Duration;
///
/// use longshore_tasks::{Pending, ReplyError, Task};
///
/// /// The reply if it is there, or else what can be said without waiting longer.
/// async fn shown<T: Task<Reply = String>>(pending: &Pending<T>) -> Result<String, ReplyError> {
///     if let Some(reply) = pending.now().await? {
///         return Ok(reply);
///     }
///     match pending.reply(Duration::from_secs(2)).await {
///         Err(ReplyError::TimedOut { id, .. }) => Ok(format!("ask for {id} later")),
///         answered => answered,
///     }
/// }
/// ```
pub struct Pending<T: Task> {
    id: TaskId,
    queue: String,
    client: Client,
    task: PhantomData<fn() -> T>,
}

/// Why a wait for a reply ended without one.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReplyError {
    /// The task was not sent, or may not have been.
    #[error(transparent)]
    Send(#[from] SendError),
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
    /// The store did not say how the task stands: [`Pending::reply`] has asked again until the patience was
    /// over, and this is its last answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl<T: Task> Pending<T> {
    pub(super) fn new(id: TaskId, queue: String, client: Client) -> Self {
        Self { id, queue, client, task: PhantomData }
    }

    /// The task's id, by which its status is asked for.
    pub fn id(&self) -> &TaskId {
        &self.id
    }

    /// The reply, if it is there already. `Ok(None)` is a task that has not ended; nothing waits for it.
    ///
    /// # Errors
    ///
    /// As [`Pending::reply`], but never [`ReplyError::TimedOut`].
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost: the reply stays in the store.
    pub async fn now(&self) -> Result<Option<T::Reply>, ReplyError> {
        let status = self.client.status(&self.id).await?;
        self.reply_in(status.ok_or_else(|| ReplyError::NotKnown { id: self.id.clone() })?)
    }

    fn reply_in(&self, status: Status) -> Result<Option<T::Reply>, ReplyError> {
        match status {
            Status::Pending => Ok(None),
            Status::Completed { body } => Ok(Some(T::Codec::decode_reply(&body)?)),
            Status::Failed { body } => Err(ReplyError::Failed { id: self.id.clone(), body }),
        }
    }

    /// Waits for the reply, up to `patience`. What is there is answered, however short that is: the first
    /// look at the store may take a second.
    ///
    /// A reply that this process hears of is answered at once; one that only the store has, within
    /// a second. Any number of waits of a process ask the store in one call. A store that does not answer is
    /// asked again, after pauses of up to a second; what it answered last is the error once the patience is
    /// over.
    ///
    /// A handler that waits for a task of its own queue is warned of in the log, because it holds a place
    /// that the task may need. What it gives to `tokio::spawn` is not known to be its, and not warned of.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost: the reply stays in the store.
    pub async fn reply(&self, patience: Duration) -> Result<T::Reply, ReplyError> {
        same_queue::warn_of_wait(&self.queue, &self.id);
        let deadline = deadline(patience);
        let mut wait = Wait { task: self, is_pending: false, failure: None };
        let looks_until = deadline.max(Instant::now() + FIRST_LOOK);
        if let Ok(Some(ended)) = timeout_at(looks_until, wait.look()).await {
            return ended;
        }
        if let Ok(ended) = timeout_at(deadline, wait.end()).await {
            return ended;
        }
        let timed_out = || ReplyError::TimedOut { id: self.id.clone(), waited: patience };
        Err(wait.failure.map_or_else(timed_out, ReplyError::Store))
    }
}

/// A wait for a reply.
struct Wait<'a, T: Task> {
    task: &'a Pending<T>,
    /// Whether the last look found a task that has not ended.
    is_pending: bool,
    /// Why the store did not answer the last call.
    failure: Option<StoreError>,
}

impl<T: Task> Wait<'_, T> {
    /// Waits for the end, for as long as it takes.
    async fn end(&mut self) -> Result<T::Reply, ReplyError> {
        let mut pauses = ASK_AGAIN.start();
        loop {
            if let Some(ended) = self.look().await {
                return ended;
            }
            match self.failure {
                None => pauses.reset(),
                Some(_) => sleep(pauses.next_jittered(self.task.client.random())).await,
            }
        }
    }

    /// The end, if it is there; looked for once the task may have ended, if it had not before.
    async fn look(&mut self) -> Option<Result<T::Reply, ReplyError>> {
        match self.ask().await {
            Ok(Some(ended)) => return Some(Ok(ended)),
            Ok(None) => (self.is_pending, self.failure) = (true, None),
            Err(ReplyError::Store(error @ StoreError::Unavailable { .. })) => {
                self.failure = Some(error);
            }
            Err(error) => return Some(Err(error)),
        }
        None
    }

    async fn ask(&mut self) -> Result<Option<T::Reply>, ReplyError> {
        if std::mem::take(&mut self.is_pending) {
            let ended = self.task.client.ended(&self.task.id).await?;
            if let Some(status) = ended {
                return self.task.reply_in(status);
            }
        }
        self.task.now().await
    }
}

/// When a wait that begins now is over. A patience beyond what a clock can count is for ever, for
/// which a year is enough: no record of a task that has not ended is kept for as long.
fn deadline(patience: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(patience).unwrap_or_else(|| now + FOR_EVER)
}

impl<T: Task> fmt::Debug for Pending<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pending")
            .field("task", &T::NAME)
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
