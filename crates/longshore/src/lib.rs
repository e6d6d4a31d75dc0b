//! The front door of Longshore: an [`Application`] says what its tasks are, and [`run()`] makes a
//! program of it.
//!
//! ```text
//! run ──▶ cli (flags) ──▶ role (up | app | worker | broker) ──▶ crews of parts ──▶ exit code
//!                                  │
//!          gateway ── client ── transport ── worker ── replies      (longshore-tasks, -gateway)
//!                                  │
//!              embedded (the broker in this process)  |  AWS SDK    (longshore-broker | SQS)
//! ```
//!
//! The crates behind it are re-exported as [`broker`], [`gateway`], [`tasks`] and [`types`]; what
//! most applications name is at the top.
//!
//! # Invariants
//!
//! - What an application runs on (its own broker, another endpoint, Amazon SQS) is decided by
//!   flags alone; no code of the application differs.
//! - The program ends with one of the codes of [`exit`], and with a sentence that says why.

pub mod announce;
pub mod application;
pub mod cli;
pub mod embedded;
pub mod exit;
pub mod health;
pub mod log;
pub mod options;
pub mod queues;
pub mod role;
pub mod run;
pub mod signals;
#[cfg(test)]
mod test_application;
pub mod verify;

pub use longshore_broker as broker;
pub use longshore_gateway as gateway;
pub use longshore_tasks as tasks;
pub use longshore_types as types;

pub use application::Application;
pub use exit::Fault;
pub use longshore_gateway::{Gateway, Problem};
pub use longshore_tasks::{Codec, CodecError, Context, Failure, Json, Task, Worker};
pub use run::run;
