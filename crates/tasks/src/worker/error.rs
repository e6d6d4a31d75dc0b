//! Why a worker cannot start, or ended by itself.

use std::io;

use thiserror::Error;

use crate::priority::PrioritiesError;
use crate::rate_limit::RateLimitError;
use crate::transport::TransportError;

/// Why a worker cannot start, or ended by itself.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum WorkerError {
    /// A queue was not found, or could not be asked about.
    #[error("the worker cannot start: {0}")]
    Start(#[from] TransportError),
    /// A FIFO queue would dead-letter a task, without a reply, before its attempts are used up.
    #[error(
        "the FIFO queue {queue} grants {receives} receives, which is too few for the {attempts} \
         attempts of {task} and one more: raise maxReceiveCount of its redrive policy to {least} \
         at least, or allow fewer attempts",
        least = attempts + 1
    )]
    NoSlack {
        /// The queue.
        queue: String,
        /// The task whose attempts are too many.
        task: String,
        /// Its attempts.
        attempts: u32,
        /// `maxReceiveCount`.
        receives: u32,
    },
    /// A limit for each key of a task makes no sense.
    #[error(
        "the worker of {queue} cannot start: the task `{task}` has a concurrency for each key, {why}"
    )]
    KeyLimit {
        /// The worker's queue.
        queue: String,
        /// The task's name.
        task: &'static str,
        /// What is wrong, and what to do.
        why: &'static str,
    },
    /// A task has two handlers, and only one of them could run.
    #[error(
        "the worker of {queue} cannot start: it has two handlers for the task `{task}`; remove one of them, or \
         give one of the tasks another name"
    )]
    TwoHandlers {
        /// The worker's queue.
        queue: String,
        /// The task's name.
        task: &'static str,
    },
    /// A task could never run by its rate.
    #[error("the worker cannot start: the rate of {task}: {fault}")]
    Rate {
        /// The task.
        task: String,
        /// What is wrong.
        fault: RateLimitError,
    },
    /// Its priorities make no sense, or not for that queue.
    #[error("the worker cannot start: {0}")]
    Priorities(#[from] PrioritiesError),
    /// The system gives no thread.
    #[error("the worker cannot start: the system gives no thread: {0}")]
    Thread(#[source] io::Error),
    /// A part of it panicked, such as a store of someone's own. Without its heartbeat, say, it
    /// must not go on: what it held comes again.
    #[error("a part of the worker panicked, as the log says; what it held comes again")]
    Broken,
}
