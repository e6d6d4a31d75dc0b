//! Who may yet hand a request in: known, where requests come from what one worker has under way.
//!
//! # Invariants
//!
//! - Who has joined counts until it says that it has handed in what it had, or is dropped.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};

use tokio::sync::Notify;

/// Those who may yet hand a request in. Clones share the count.
#[derive(Clone, Debug, Default)]
pub(crate) struct Others(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    count: AtomicUsize,
    none_left: Notify,
}

/// One who may yet hand a request in.
#[derive(Debug)]
pub(crate) struct Joined {
    others: Others,
    has_left: AtomicBool,
}

impl Others {
    /// One more.
    pub(crate) fn join(&self) -> Joined {
        self.0.count.fetch_add(1, SeqCst);
        Joined { others: self.clone(), has_left: AtomicBool::new(false) }
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.0.count.load(SeqCst)
    }

    /// Waits until nobody is left.
    pub(super) async fn none_left(&self) {
        loop {
            let told = self.0.none_left.notified();
            if self.0.count.load(SeqCst) == 0 {
                return;
            }
            told.await;
        }
    }
}

impl Joined {
    /// Has handed in what it had; to say so again changes nothing.
    pub(crate) fn leave(&self) {
        if !self.has_left.swap(true, SeqCst) && self.others.0.count.fetch_sub(1, SeqCst) == 1 {
            self.others.0.none_left.notify_waiters();
        }
    }
}

impl Drop for Joined {
    fn drop(&mut self) {
        self.leave();
    }
}
