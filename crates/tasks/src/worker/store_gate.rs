//! Keeps a worker from receiving tasks while its store cannot be reached: it could run none of
//! them, and each receive would bring them nearer to the dead-letter queue.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::store::StoreError;

/// How long nothing is received after a failure, at first and at last.
const CLOSED_FOR: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// Whether the store answers, and when it is asked again.
#[derive(Debug, Default)]
pub(super) struct StoreGate {
    closed: Mutex<Option<Closed>>,
}

#[derive(Clone, Copy, Debug)]
struct Closed {
    until: Instant,
    pause: Duration,
}

impl StoreGate {
    /// When tasks may be received again; `None` if now.
    pub(super) fn reopens_at(&self) -> Option<Instant> {
        self.closed.lock().unwrap_or_else(PoisonError::into_inner).map(|closed| closed.until)
    }

    /// The store has answered.
    pub(super) fn open(&self) {
        *self.closed.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// The store has not answered: says how long to wait. One warning for each time it is asked
    /// again, however many tasks find out together.
    pub(super) fn close(&self, error: &StoreError) -> Duration {
        let now = Instant::now();
        let (first, last) = CLOSED_FOR;
        let mut closed = self.closed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(closed) = closed.filter(|closed| now < closed.until) {
            return closed.until - now;
        }
        let pause = closed.map_or(first, |closed| (closed.pause * 2).min(last));
        *closed = Some(Closed { until: now + pause, pause });
        tracing::warn!(%error, ?pause, "no task is run while the store cannot be reached");
        pause
    }
}
