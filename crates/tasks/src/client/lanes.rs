//! Where tasks that are sent one by one meet, so that they share a request.
//!
//! ```text
//! send(a), send(b), … ──▶ lane (one for each queue and runtime) ──▶ Sending: PENDING → send → alias
//! ```
//!
//! # Invariants
//!
//! - A lane is driven by the runtime that its tasks are sent on: a runtime that stands still, such as one
//!   of handlers that block, holds up nobody else's tasks.
//! - A lane ends with the client, after what was handed in was sent, or with its runtime.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::{Handle, Id};

use super::SendError;
use super::prepare::Prepared;
use super::send::{Sending, Sent};
use crate::batcher::{Batcher, Linger};
use crate::transport::QueueHandle;

/// Sends tasks of one queue on one runtime.
type Lane = Arc<Batcher<Prepared, Sent>>;

/// The lanes of a client.
#[derive(Debug)]
pub(super) struct Lanes {
    sending: Arc<Sending>,
    linger: Duration,
    by_queue: Mutex<HashMap<(Id, QueueHandle), Lane>>,
}

impl Lanes {
    /// Lanes in which a task waits for company for up to `linger`.
    pub(super) fn new(sending: Arc<Sending>, linger: Duration) -> Self {
        Self { sending, linger, by_queue: Mutex::default() }
    }

    /// Sends a task, alone or with those that others send.
    pub(super) async fn send(&self, queue: &QueueHandle, task: Prepared) -> Sent {
        let (id, bytes) = (task.id.clone(), task.message.bytes());
        let ended = || SendError::Unknown { id, reason: "its runtime has ended".to_owned() };
        self.lane(queue).ask(task, bytes).await.unwrap_or_else(|| Err(ended()))
    }

    fn lane(&self, queue: &QueueHandle) -> Lane {
        let key = (Handle::current().id(), queue.clone());
        let mut lanes = self.by_queue.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lane) = lanes.get(&key) {
            return Arc::clone(lane);
        }
        lanes.retain(|_, lane| !lane.is_closed());
        let lane = self.begin(queue.clone());
        lanes.insert(key, Arc::clone(&lane));
        lane
    }

    fn begin(&self, queue: QueueHandle) -> Lane {
        let (lane, batch_loop) = Batcher::new(Linger::ForCompany(self.linger));
        let sending = Arc::clone(&self.sending);
        tokio::spawn(async move {
            batch_loop.run(|tasks| sending.send(&queue, tasks)).await;
        });
        Arc::new(lane)
    }
}
