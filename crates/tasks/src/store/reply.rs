//! What the application keeps of its tasks: sent or not, and how each ended.
//!
//! ```text
//!            begin          complete              complete
//! (unknown) ──────▶ Pending ────────▶ Failed ──────────────▶ Completed
//!     │                └─────────────────────────────────────▶   ▲
//!     └── complete, before the application knows the task ───────┘
//! ```
//!
//! # Invariants
//!
//! - Nothing goes left: a late `begin` changes nothing, a second reply changes nothing, only
//!   COMPLETED replaces FAILED (of a task that was redriven).
//! - A reply is found whether it, the task or the alias came first.

use std::fmt::Debug;

use futures::FutureExt as _;
use longshore_types::Timestamp;

use super::{Horizon, Result};
use crate::id::TaskId;
use crate::reply::Reply;
use crate::transport::BoxFuture;

/// How a task stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// Sent, or about to be; no reply yet.
    Pending,
    /// Done.
    Completed {
        /// The reply's body.
        body: String,
    },
    /// Given up.
    Failed {
        /// The reply's body: `{"message":"<text>"}`.
        body: String,
    },
}

/// How a task stands, and since when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// How it stands.
    pub status: Status,
    /// When it was sent, or when its reply was kept.
    pub since: Timestamp,
}

/// Keeps how tasks stand. Shared by all apps of a reply queue.
pub trait ReplyStore: Debug + Send + Sync + 'static {
    /// Writes PENDING, before the task is sent. A task that is known stays as it is.
    fn begin<'a>(&'a self, task: &'a TaskId, now: Timestamp) -> BoxFuture<'a, Result<()>>;

    /// Notes that replies to `message_id` answer `task`, after the task was sent: a foreign
    /// worker knows the SQS `MessageId` only. A reply that came before is moved to the task.
    fn alias<'a>(
        &'a self,
        message_id: &'a TaskId,
        task: &'a TaskId,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<()>>;

    /// Keeps a reply to `id`, a task id or a message id. One for a task that is not known is
    /// kept, and found when the task or its alias comes.
    fn complete<'a>(
        &'a self,
        id: &'a TaskId,
        reply: Reply,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<()>>;

    /// How the task `id`, a task id or a message id, stands, and since when; `None` if there is
    /// no such task here. What is too old to be known is for the asker to say, by a [`Horizon`].
    fn known<'a>(&'a self, id: &'a TaskId) -> BoxFuture<'a, Result<Option<Known>>>;

    /// How the task `id` stands, however old it is.
    fn status<'a>(&'a self, id: &'a TaskId) -> BoxFuture<'a, Result<Option<Status>>> {
        async move { Ok(self.known(id).await?.map(|known| known.status)) }.boxed()
    }

    /// Withdraws PENDING of a task whose send certainly failed. A reply stays.
    fn forget<'a>(&'a self, task: &'a TaskId) -> BoxFuture<'a, Result<()>>;

    /// Removes up to `count_max` tasks that the horizon shows no more; says how many went. Call
    /// it again while it answers `count_max`.
    fn expire_replies(&self, horizon: Horizon, count_max: usize) -> BoxFuture<'_, Result<usize>>;
}
