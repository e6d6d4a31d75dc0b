//! What a handler knows of the run beside the argument.

use longshore_types::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::id::TaskId;

/// What a handler knows of the run beside the argument. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Context {
    pub(super) task_id: TaskId,
    pub(super) attempt: u32,
    pub(super) receive_count: u32,
    pub(super) created_at: Option<Timestamp>,
    pub(super) traceparent: Option<String>,
    pub(super) cancelled: CancellationToken,
}

impl Context {
    /// A context of no worker, to call a handler in a test: the first attempt, never cancelled.
    pub fn detached(task_id: TaskId) -> Self {
        Self {
            task_id,
            attempt: 1,
            receive_count: 1,
            created_at: None,
            traceparent: None,
            cancelled: CancellationToken::new(),
        }
    }

    /// The task's id: the same at every attempt, so a key for effects elsewhere.
    pub fn task_id(&self) -> &TaskId {
        &self.task_id
    }

    /// Which attempt this is, from 1.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// How often the queue has delivered the message, this time included.
    pub fn receive_count(&self) -> u32 {
        self.receive_count
    }

    /// When the sender made the task, if it said so.
    pub fn created_at(&self) -> Option<Timestamp> {
        self.created_at
    }

    /// The W3C trace context of the sender, if it sent one.
    pub fn traceparent(&self) -> Option<&str> {
        self.traceparent.as_deref()
    }

    /// Cancelled when the run is in vain: its lease was lost, or it is longer than SQS allows. An
    /// asynchronous handler is dropped then; work that it started elsewhere can look here.
    pub fn cancelled(&self) -> &CancellationToken {
        &self.cancelled
    }
}
