//! The life of a task as a value: what its record is, and what it becomes. The one place with rules.
//!
//! ```text
//!              claim               retry, release
//!  ┌─ Pending ───────▶ Running ─────────────────────▶ Waiting
//!  │     │              │   ▲                           │ │
//!  │     │              │   └────────── claim ──────────┘ │
//!  │     │ reply,       │ end, reply                      │ reply, cancel
//!  │     ▼ cancel       ▼                                 │
//!  │    Ended ◀─────────┴─────────────────────────────────┘
//!  │     │  └── claim by a redriven dead letter ──▶ Running, a generation later
//!  │     ▼ its result has been kept for long enough
//!  │   Expired (a tombstone: a late message of the task still finds it, and runs nothing)
//!  └─ withdrawn (it was never sent): gone
//!
//!  Stranded, where the message is presumed gone: sent anew, or Ended
//!  Hidden: a reply to a MessageId that nobody knows yet, until its task's alias comes
//! ```
//!
//! Every function here is pure. It is given a [`TaskRecord`] and the store's time, and answers with
//! what the record becomes ([`Next`]) or why nothing may change. The caller writes it under the
//! version that it was decided on; if another version is there by then, it decides again.
//!
//! # Invariants
//!
//! - A claim's fence is the version that it was written as, so each is higher than the last. Only
//!   the holder of the record's fence extends, retries, releases or ends its run.
//! - An attempt is counted by its claim, before it runs: one that kills its worker counts.
//! - A result is never taken back. Only COMPLETED replaces FAILED, or the end of a later generation.
//! - A task whose message may be dead-lettered before anybody can claim it has a time to wake.
//! - A result whose reply or dead letter may not have been sent has an [`Outbox`] and a time to wake.
//! - Times are the store's. A claim that a foreign clock would keep for ever ends once its version
//!   was seen unchanged for as long as it was taken for.

mod cancel;
mod claim;
mod end;
mod expiry;
mod outbox;
mod record;
mod reply;
mod stranded;
mod submit;
#[cfg(test)]
mod tests;
mod text;
mod when;

pub(crate) use cancel::CANCELLED;
pub use cancel::{cancel_asked, progressed};
pub(crate) use claim::is_claimed;
pub use claim::{Ask, Claimed, claim, extended, released, retried};
pub use end::{End, ended};
pub use expiry::{Shown, Woken, result, woken};
pub use outbox::{moved_on, sent};
pub use record::{
    Asked, Attempt, CancelAsked, Claim, DeadLetterDue, Ending, How, Life, Next, Outbox, Phase,
    Progress, Standing, Survives, TaskRecord, Unknown,
};
pub use reply::{hidden, hidden_again, taken_in};
pub use stranded::{given_up, left_to_others, resending, resent, watched};
pub use submit::{Repeated, repeated, submitted, submitted_again, withdrawn};
pub use text::{FORMAT, TextError, asked_from_text, asked_to_text, life_from_text, life_to_text};
pub use when::When;

use std::time::Duration;

use longshore_types::limits;
use thiserror::Error;

/// How long a record outlives every message of its task: a queue keeps one for 14 days at most, and
/// a day is for clocks, delays and sends that take their time.
const MESSAGES_KEPT: Duration = limits::RETENTION_MAX.saturating_add(Duration::from_secs(86_400));

/// Why a record does not become what somebody asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Another claim took over, or the run was given up.
    #[error("another claim has the task")]
    Overtaken,
    /// The task has ended: by another worker, or before this was asked.
    #[error("the task has ended")]
    Ended,
    /// There is no such task.
    #[error("the task is not known")]
    NotKnown,
}
