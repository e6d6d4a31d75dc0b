//! The task framework: typed tasks, typed replies, competing workers, over any queue that speaks
//! SQS.
//!
//! A task goes one way through this crate: [`Client`] → [`Codec`] → [`Transport`] → (queue) →
//! [`Transport`] → [`Worker`] (poller, executor, handler) → reply → (queue) → [`Replies`] →
//! [`ReplyStore`], where the application asks for its [`Status`].
//!
//! # Invariants
//!
//! - A queue is reached through [`Transport`] only; no other module knows a network.
//! - Time is read through [`Clock`], waiting is `tokio::time`: a test can hold both still.
//! - A task is at least once delivered and, given a [`ClaimStore`] that its workers share, has
//!   its effects recorded once. A reply is sent before its task is deleted.

mod batch_entries;
mod batcher;
#[cfg(any())]
pub mod client;
pub mod clock;
pub mod codec;
mod contents;
pub mod dead_letter;
pub mod envelope;
pub mod id;
pub mod life;
mod receive;
#[cfg(any())]
pub mod replies;
pub mod reply;
mod start;
pub mod store;
pub mod task;
pub mod transport;
#[cfg(any())]
pub mod worker;

#[cfg(any())]
pub use client::{Client, ClientOptions, Pending, ReplyError, SendError};
pub use clock::{Clock, SystemClock};
pub use codec::{Codec, CodecError, Json};
pub use id::{RandomSource, SystemRandom, TaskId, TaskIdError};
#[cfg(any())]
pub use replies::{Replies, RepliesError, RepliesReport, RepliesStatus};
pub use reply::{Reply, ReplyStatus};

#[cfg(feature = "sqlite")]
pub use store::sqlite::SqliteStore;
pub use store::{MemoryStore, Records, Store, StoreError};
pub use task::Task;

#[cfg(feature = "aws")]
pub use transport::aws::{AwsOptions, AwsTransport, ConnectError};
pub use transport::{BoxFuture, Transport, TransportError};
#[cfg(any())]
pub use worker::{
    Context, Failure, Outcome, RetryPolicy, Worker, WorkerError, WorkerReport, WorkerStatus,
};
