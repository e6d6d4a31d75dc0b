//! The roles: how each is assembled, runs, and ends.
//!
//! Every role goes the same way: bind its ports (so that nothing is changed if one is taken) →
//! open what it keeps → start its parts as members of a `Crew` → say so → wait for a signal or
//! for a part that ended by itself → stop the crews one after the other, those that let work in
//! first.
//!
//! # Invariants
//!
//! - Nothing is detached: when a role's `run` returns, none of its parts is left.
//! - What can be refused is refused before anything is written.

mod admission;
#[cfg(feature = "application")]
pub(crate) mod app;
pub(crate) mod bind;
pub mod broker;
pub(crate) mod crew;
#[cfg(feature = "application")]
pub(crate) mod endpoint;
#[cfg(feature = "application")]
pub(crate) mod names;
#[cfg(feature = "application")]
pub(crate) mod store;
#[cfg(feature = "application")]
pub(crate) mod up;
#[cfg(feature = "application")]
pub(crate) mod worker;

pub(crate) use crew::Crew;
#[cfg(feature = "application")]
pub use endpoint::Endpoint;
#[cfg(feature = "application")]
pub use names::Names;

/// How long a queue can be missing when a role starts: a broker that starts creates its queues in much
/// less.
#[cfg(feature = "application")]
pub(crate) const QUEUE_PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);
