//! The roles: how each is assembled, runs, and ends.
//!
//! Every role goes the same way: bind its ports (so that nothing is changed if one is taken) →
//! open what it keeps → start its parts as members of a [`Crew`] → say so → wait for a signal or
//! for a part that ended by itself → stop the crews one after the other, those that let work in
//! first.
//!
//! # Invariants
//!
//! - Nothing is detached: when a role's `run` returns, none of its parts is left.
//! - What can be refused is refused before anything is written.

pub mod app;
pub mod bind;
pub mod broker;
pub mod crew;
pub mod endpoint;
pub mod names;
pub mod reach;
pub mod store;
pub mod up;
pub mod worker;

pub use crew::Crew;
pub use endpoint::Endpoint;
pub use names::Names;
