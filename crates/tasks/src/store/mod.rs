//! What is kept of tasks: how each ended (for the application), and who runs it (for workers).
//!
//! The apps of a reply queue share one [`ReplyStore`], the workers of a task queue share one
//! [`ClaimStore`]; a store of this crate is both. Time is an argument: a store reads no clock.
//!
//! # Invariants
//!
//! - A call that answered `Ok` is durable, as far as the store is durable at all.
//! - Every call can be repeated: the second time changes nothing that the first did not.

pub mod claim;
pub mod memory;
pub mod reply;
pub mod retention;
#[cfg(feature = "sqlite")]
pub mod sqlite;

use thiserror::Error;

pub use claim::{Claim, ClaimStore, Fence, KeptReply};
pub use memory::MemoryStore;
pub use reply::{Known, ReplyStore, Status};
pub use retention::{Horizon, Retention};

use crate::transport::Cause;

/// What a call of a store answers.
pub type Result<T> = std::result::Result<T, StoreError>;

/// Why a store did not do what it was asked.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The store cannot be reached, or is full or damaged. Nothing can be said of the task.
    #[error("{store} could not {action}: {source}")]
    Unavailable {
        /// Which store: its path or address.
        store: String,
        /// What it was asked.
        action: &'static str,
        /// What went wrong.
        source: Cause,
    },
    /// The store was written by a later version of Longshore.
    #[error("{store} has format {found}, and this version knows {known}: use a newer Longshore")]
    TooNew {
        /// Which store: its path or address.
        store: String,
        /// The format that was found.
        found: u32,
        /// The latest format that this version reads.
        known: u32,
    },
}

impl StoreError {
    /// The store `store` could not do what it was asked, because of `source`.
    pub fn unavailable(
        store: impl Into<String>,
        action: &'static str,
        source: impl Into<Cause>,
    ) -> Self {
        Self::Unavailable { store: store.into(), action, source: source.into() }
    }
}
