//! SQS, slow and obviously right: what the engine is tested against.
//!
//! A [`Model`] is some queues, standard or FIFO, with or without message groups, that dead-letter to
//! one another. It is written from the contract of SQS and knows nothing of the engine. It has no
//! timers and no indices: a message carries the times that were set for it, and what it *is* at a
//! time is computed when somebody asks, by looking at all of them. Its tests run random commands
//! against it and the engine and compare everything that can be seen.

mod fifo;
mod message;
mod model;
mod queue;

pub use fifo::{DeduplicationId, Kind, Sent};
pub use message::{Delivery, Receipt};
pub use model::{Model, Received, Refused};
pub use queue::{Counts, Fairness};

/// Which queue of a model: its position.
pub type QueueIndex = usize;

/// Which message group of a queue.
pub type Group = u64;

/// Which message of a model: messages are numbered in the order of their sends, from 1.
pub type MessageNumber = u64;
