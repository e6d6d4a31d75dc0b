//! The task framework: typed tasks, typed replies, competing workers, over any queue that speaks
//! SQS.
//!
//! A task goes one way through this crate: [`Client`] → [`Codec`] → [`Transport`] → (queue) →
//! [`Transport`] → [`Worker`] (poller, executor, handler) → reply → (queue) → [`Replies`]. On that way
//! its [`TaskRecord`] is kept in a [`Store`], where the application asks for its status.
//!
//! # Invariants
//!
//! - A queue is reached through [`Transport`] only; no other module knows a network.
//! - Time is read through [`Clock`], waiting is `tokio::time`: a test can hold both still.
//! - What a record becomes is decided in [`life`] alone; a [`Store`] keeps it and has no rule.
//! - A task is at least once delivered and, given a [`Store`] that its workers share, has its
//!   effects recorded once. Its end is kept before its reply is sent, and that before its message
//!   is deleted.

#[cfg(any(feature = "aws", feature = "dynamodb"))]
mod aws;
pub mod backoff;
mod batch_entries;
mod batcher;
pub mod client;
pub mod clock;
pub mod codec;
mod contents;
pub mod control;
pub mod dead_letter;
pub mod envelope;
pub mod error_chain;
pub mod failure;
pub mod id;
pub mod life;
pub mod priority;
pub mod rate_limit;
mod receive;
pub mod replies;
pub mod reply;
pub mod retry;
mod start;
pub mod store;
pub mod task;
pub mod task_options;
pub mod trace;
pub mod transport;
mod trials;
pub mod worker;

pub use backoff::{Backoff, BackoffState};
pub use client::{
    CallTask, CancelError, Client, ClientOptions, ControlError, OrderQueue, Pending, QueueControls,
    ReplyError, SendError, SendOptions, SendTask, Status,
};
pub use clock::{Clock, SystemClock};
pub use codec::{Codec, CodecError, Json};
pub use control::QueueControl;
pub use error_chain::error_chain;
pub use failure::{Failure, Reason, Verdict};
pub use id::{RandomSource, SystemRandom, TaskId, TaskIdError};
pub use life::TaskRecord;
pub use priority::{Priorities, PrioritiesError, Priority};
pub use rate_limit::{RateLimit, RateLimitError};
pub use replies::{Replies, RepliesError, RepliesReport, RepliesStatus};
pub use reply::{Reply, ReplyStatus};
pub use retry::RetryPolicy;

#[cfg(any(feature = "aws", feature = "dynamodb"))]
pub use aws::http::ConnectError;
#[cfg(feature = "sqlite")]
pub use store::sqlite::SqliteStore;
// The trait and the macro that derives it, under one name as serde has them.
#[cfg(feature = "macros")]
pub use longshore_macros::Task;
#[cfg(feature = "postgres")]
pub use store::postgres::PostgresStore;
#[cfg(feature = "redis")]
pub use store::redis::RedisStore;
#[cfg(feature = "dynamodb")]
pub use store::{DynamoOptions, DynamoStore};
pub use store::{
    ListQuery, MemoryStore, Records, Store, StoreError, StoreLocation, StoreLocationError,
};
pub use task::Task;
pub use task_options::{ReplyMode, TaskOptions};
pub use trace::{TraceContext, TraceParent, TraceState};

#[cfg(feature = "aws")]
pub use transport::aws::{AwsOptions, AwsTransport};
pub use transport::{BoxFuture, Transport, TransportError};
pub use worker::{
    BatchHandler, BatchItem, BatchOptions, BatchResults, BlockingHandler, Context, Handler,
    Handlers, Outcome, State, TaskRun, TaskRunner, Worker, WorkerError, WorkerReport, WorkerStatus,
};
