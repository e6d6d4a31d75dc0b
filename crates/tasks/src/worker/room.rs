//! How many runs are in handlers.
//!
//! A batch that waits for more tasks learns here whether any can come.
//!
//! # Invariants
//!
//! - A task that joins a batch enters after it has joined: who is counted and waits for a batch is in it.
//! - It enters its handler's room before the worker's, and leaves it after: who is counted in the worker's is
//!   counted in the handler's.

use std::sync::Arc;

use tokio::sync::watch;

/// The runs of a worker, or of one handler.
#[derive(Clone, Debug, Default)]
pub(super) struct Room(Arc<watch::Sender<usize>>);

/// A run that is in a handler. Dropped, it no longer is.
#[derive(Debug)]
pub(super) struct Inside(Room);

impl Room {
    /// Counts a run.
    pub(super) fn enter(&self) -> Inside {
        self.0.send_modify(|count| *count += 1);
        Inside(self.clone())
    }

    /// How many runs are inside.
    pub(super) fn count(&self) -> usize {
        *self.0.borrow()
    }

    /// Waits until `condition` holds of their number. It is asked whenever somebody comes or goes, and while it
    /// is, nobody does.
    pub(super) async fn until(&self, mut condition: impl FnMut(usize) -> bool) {
        let mut inside = self.0.subscribe();
        let held = inside.wait_for(|count| condition(*count)).await;
        debug_assert!(held.is_ok(), "the sender is ours");
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        self.0.0.send_modify(|count| *count -= 1);
    }
}
