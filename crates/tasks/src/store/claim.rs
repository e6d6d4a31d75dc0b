//! Who runs a task: one worker at a time, and nobody once its reply is kept.
//!
//! ```text
//!           claim                complete
//! (free) ─────────▶ Run(fence) ───────────▶ Done(kept reply)
//!    ▲                  │
//!    └──────────────────┘ release, end_attempt, or the claim's end
//! ```
//!
//! # Invariants
//!
//! - Each claim has a higher fence than the one before: a worker that was overtaken finds its
//!   fence refused, and its reply is not kept.
//! - An attempt is counted when it is claimed, so that one that kills its worker counts too.

use std::fmt::Debug;
use std::time::Duration;

use longshore_types::Timestamp;

use super::Result;
use crate::id::TaskId;
use crate::reply::Reply;
use crate::transport::BoxFuture;

/// The number of a claim; each claim of a task has a higher one than the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fence(pub u64);

/// What a claim answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// The caller runs the task.
    Run {
        /// What the claim is extended, completed and released by.
        fence: Fence,
        /// Which attempt this is, from 1.
        attempt: u32,
    },
    /// Another worker runs the task.
    Busy {
        /// When its claim ends, unless it is extended.
        until: Timestamp,
    },
    /// The task has ended; its reply is to be sent again, and nothing is to be run.
    Done {
        /// The reply, as it was kept.
        kept: KeptReply,
    },
}

/// What is kept of a task that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptReply {
    /// The reply to send, again for every further delivery.
    pub reply: Reply,
    /// Why the task is dead, while its copy for the dead-letter queue has not been sent.
    pub dead_letter: Option<String>,
}

impl From<Reply> for KeptReply {
    fn from(reply: Reply) -> Self {
        Self { reply, dead_letter: None }
    }
}

/// Keeps who runs a task. Shared by all workers of a task queue.
pub trait ClaimStore: Debug + Send + Sync + 'static {
    /// Claims the task from `now` for `lease`, and counts an attempt if it answers `Run`.
    fn claim<'a>(
        &'a self,
        task: &'a TaskId,
        lease: Duration,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Claim>>;

    /// Lets the claim last `until` then; `false` if it is no longer the caller's.
    fn extend<'a>(
        &'a self,
        task: &'a TaskId,
        fence: Fence,
        until: Timestamp,
    ) -> BoxFuture<'a, Result<bool>>;

    /// Ends the task with its reply; `false`, and nothing kept, if the claim is no longer the
    /// caller's.
    fn complete<'a>(
        &'a self,
        task: &'a TaskId,
        fence: Fence,
        kept: KeptReply,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<bool>>;

    /// Notes that the copy for the dead-letter queue was sent.
    fn dead_lettered<'a>(&'a self, task: &'a TaskId) -> BoxFuture<'a, Result<()>>;

    /// Frees the task and takes back the attempt: nothing was run, or the run does not count.
    fn release<'a>(&'a self, task: &'a TaskId, fence: Fence) -> BoxFuture<'a, Result<()>>;

    /// Frees the task for the next attempt; this one counts.
    fn end_attempt<'a>(&'a self, task: &'a TaskId, fence: Fence) -> BoxFuture<'a, Result<()>>;

    /// Forgets that the task was run or has ended, so that it can be redriven.
    fn drop_claim<'a>(&'a self, task: &'a TaskId) -> BoxFuture<'a, Result<()>>;

    /// Removes up to `count_max` claims that nothing happened to since `before`; says how many
    /// went.
    fn expire_claims(&self, before: Timestamp, count_max: usize) -> BoxFuture<'_, Result<usize>>;
}
