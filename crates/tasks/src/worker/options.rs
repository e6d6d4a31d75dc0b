//! What a worker was told, or assumes.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;

use super::layers::TaskRunner;
use crate::backoff::Backoff;
use crate::client::Client;
use crate::clock::{Clock, SystemClock};
use crate::id::{RandomSource, SystemRandom};
use crate::priority::Priorities;
use crate::retry::RetryPolicy;

/// When a task that nobody here knows is offered again.
pub(super) const UNKNOWN_AGAIN: Backoff =
    Backoff::new(Duration::from_secs(5), Duration::from_secs(300));
/// How long it is offered before it is dead: a deploy of apps and workers is over by then.
const UNKNOWN_PATIENCE: Duration = Duration::from_secs(3600);
/// How long a lease is renewed for at most: with runs of ten minutes three renewals, and the longest that the task
/// of a killed worker waits.
const LEASE_MAX: Duration = Duration::from_secs(300);
/// How long a reply waits for others under load.
const LINGER: Duration = Duration::from_millis(50);
/// Bytes of an argument that a record keeps.
const ARGUMENT_KEPT_BYTES: usize = 256 * 1024;

/// What a worker was told, or assumes.
#[derive(Clone, Debug)]
pub(super) struct Options {
    pub(super) name: String,
    pub(super) concurrency: usize,
    pub(super) priorities: Option<Priorities>,
    pub(super) reply_queue: Option<String>,
    pub(super) allowed_reply_queues: Vec<String>,
    pub(super) retry: RetryPolicy,
    /// Whether somebody chose `retry`, so that a queue which cannot keep to it is a fault.
    pub(super) retry_was_chosen: bool,
    pub(super) visibility_timeout: Option<Duration>,
    pub(super) lease_max: Duration,
    pub(super) wait: Duration,
    pub(super) linger: Duration,
    pub(super) grace: Duration,
    pub(super) retention: Duration,
    pub(super) unknown_patience: Duration,
    pub(super) argument_kept_bytes: usize,
    pub(super) queue_patience: Duration,
    pub(super) client: Option<Client>,
    /// Where handlers run; the runtime that the worker is run on, if nobody says.
    pub(super) handler_runtime: Option<Handle>,
    pub(super) own_thread: bool,
    /// What runs go through, if there is more than the handlers.
    pub(super) layered: Option<TaskRunner>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) random: Arc<dyn RandomSource>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            name: format!("worker-{}", std::process::id()),
            concurrency: 10,
            priorities: None,
            reply_queue: None,
            allowed_reply_queues: Vec::new(),
            retry: RetryPolicy::default(),
            retry_was_chosen: false,
            visibility_timeout: None,
            lease_max: LEASE_MAX,
            wait: longshore_types::limits::RECEIVE_WAIT_MAX,
            linger: LINGER,
            grace: Duration::from_secs(25),
            retention: Duration::from_secs(345_600),
            unknown_patience: UNKNOWN_PATIENCE,
            argument_kept_bytes: ARGUMENT_KEPT_BYTES,
            queue_patience: Duration::ZERO,
            client: None,
            handler_runtime: None,
            own_thread: true,
            layered: None,
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandom),
        }
    }
}
