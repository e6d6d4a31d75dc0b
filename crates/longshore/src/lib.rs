//! The front door of Longshore: an [`App`] says what its tasks are, and [`App::run`] makes a program
//! of it.
//!
//! ```text
//! run ──▶ program, config (flags, variables, a file) ──▶ role (up | app | worker | broker)
//!                                  │                               └──▶ crews of parts ──▶ exit code
//!          gateway ── client ── transport ── worker ── replies      (longshore-tasks, -gateway)
//!                                  │
//!              embedded (the broker in this process)  |  HTTP       (longshore-broker | SQS)
//! ```
//!
//! The crates behind it are re-exported as [`broker`], [`gateway`], [`tasks`] and [`types`]; what
//! most applications name is at the top. So is `axum`, whose routers applications make: the version
//! that fits.
//!
//! # Features
//!
//! `application`, on by default, is all that an application needs. Without it this is the broker on
//! its own ([`role::broker`], with [`program`], [`config`] and [`queues`]): no AWS SDK, no store,
//! no gateway. The program `longshore` is made from that.
//!
//! `otlp` exports spans of requests, sends, runs and replies, where a program is told an endpoint. `dynamodb`,
//! `postgres` and `redis` are stores that several hosts share.
//!
//! # Invariants
//!
//! - What an application runs on (its own broker, another endpoint, Amazon SQS) is decided by
//!   flags alone; no code of the application differs.
//! - The program ends with one of the codes of [`exit`], and with a sentence that says why.

mod announce;
#[cfg(feature = "application")]
mod app;
#[cfg(feature = "application")]
pub mod assembly;
pub mod backup;
mod clash;
#[cfg(feature = "application")]
mod cli;
pub mod config;
mod core_dumps;
#[cfg(feature = "application")]
pub mod embedded;
pub mod exit;
pub mod health;
#[cfg(feature = "application")]
mod host;
mod log;
mod open_files;
pub mod options;
#[cfg(feature = "application")]
mod order;
mod otlp;
pub mod program;
pub mod queues;
pub mod role;
#[cfg(feature = "application")]
mod run;
pub mod salvage;
mod signals;
#[cfg(feature = "application")]
mod task_queue;
#[cfg(all(test, feature = "application"))]
mod test_application;
#[cfg(feature = "application")]
mod twice;
/// The guide to the broker, whose code is tried as a documentation test.
#[cfg(all(doctest, feature = "application"))]
#[doc = include_str!("../../../docs/broker.md")]
pub mod guide {}
pub mod verify;

#[cfg(feature = "application")]
pub use axum;
pub use longshore_broker as broker;
#[cfg(feature = "application")]
pub use longshore_gateway as gateway;
#[cfg(feature = "application")]
pub use longshore_tasks as tasks;
pub use longshore_types as types;

#[cfg(feature = "application")]
pub use app::{App, NoOptions};
pub use exit::Fault;
#[cfg(feature = "application")]
pub use longshore_gateway::{Gateway, Problem};
#[cfg(feature = "application")]
pub use longshore_tasks::{
    Backoff, BatchOptions, Client, Codec, CodecError, Context, Failure, Json, Outcome, Priorities,
    Priority, RateLimit, ReplyMode, RetryPolicy, State, Task, TaskOptions, TaskRun, TaskRunner,
    Worker,
};
#[cfg(feature = "application")]
pub use task_queue::TaskQueue;
