//! Declared queues, and how an endpoint is brought to have them.
//!
//! A declaration (`queues.toml`) goes one way: `file` reads its text → `declared` makes it
//! fit the names that were chosen → `plan` compares one queue with what the endpoint has →
//! [`apply()`] carries the difference out through an [`Admin`], dead-letter queues first.
//!
//! # Invariants
//!
//! - Nothing is ever deleted: no queue, no message, no tag, and no attribute that the declaration
//!   does not name.
//! - Only differences are written, so that applying twice does nothing the second time.

pub(crate) mod admin;
pub(crate) mod apply;
#[cfg(feature = "application")]
pub(crate) mod aws;
pub(crate) mod declared;
pub(crate) mod embedded;
pub(crate) mod file;
pub(crate) mod plan;

pub use admin::{Admin, AdminError, ExistingQueue};
pub use apply::{apply, preview};
pub use declared::{DeclaredError, QueueNames, desired};
pub use file::QueueFile;
pub use plan::{Change, DesiredQueue};
