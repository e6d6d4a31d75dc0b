//! Permits to run: as many as tasks may run at once. Each is taken before a message is asked for.
//!
//! # Invariants
//!
//! - No permit is given while as many are out as there are. More are out only when there were more.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// The permits of a worker.
#[derive(Debug)]
pub(super) struct Permits {
    pool: Mutex<Pool>,
    /// A permit has come back.
    freed: Notify,
}

#[derive(Debug)]
struct Pool {
    count: usize,
    taken: usize,
}

/// One permit. Dropped, it is free again.
#[derive(Debug)]
pub(super) struct Permit(Arc<Permits>);

impl Permits {
    /// So many permits.
    pub(super) fn new(count: usize) -> Arc<Self> {
        Arc::new(Self { pool: Mutex::new(Pool { count, taken: 0 }), freed: Notify::new() })
    }

    /// How many permits there are.
    pub(super) fn count(&self) -> usize {
        self.pool().count
    }

    /// How many are out beyond those that there are, because there were more.
    pub(super) fn excess(&self) -> usize {
        let pool = self.pool();
        pool.taken.saturating_sub(pool.count)
    }

    /// There are so many from now on. What is out stays out.
    pub(super) fn set_count(&self, count: usize) {
        self.pool().count = count;
        self.freed.notify_waiters();
    }

    /// As many as are free, up to `most`; none if fewer than `least` are.
    pub(super) fn try_take(self: &Arc<Self>, least: usize, most: usize) -> Vec<Permit> {
        let mut pool = self.pool();
        let free = pool.count.saturating_sub(pool.taken);
        let count = if free < least { 0 } else { free.min(most) };
        pool.taken += count;
        (0..count).map(|_| Permit(Arc::clone(self))).collect()
    }

    /// Waits until `least` are free together, and takes these.
    ///
    /// # Cancel safety
    ///
    /// Dropped, it has taken none.
    pub(super) async fn take(self: &Arc<Self>, least: usize) -> Vec<Permit> {
        loop {
            let freed = self.freed.notified();
            tokio::pin!(freed);
            // Waiting begins before the look, so that a permit which comes back in between is noticed.
            freed.as_mut().enable();
            let taken = self.try_take(least, least);
            if !taken.is_empty() {
                return taken;
            }
            freed.await;
        }
    }

    fn pool(&self) -> MutexGuard<'_, Pool> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.pool().taken -= 1;
        self.0.freed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_free_is_taken_unless_it_is_too_little() {
        let permits = Permits::new(12);
        let whole = permits.try_take(1, 10);
        assert_eq!(whole.len(), 10);
        assert!(permits.try_take(10, 10).is_empty());
        assert_eq!(permits.try_take(1, 10).len(), 2);
        drop(whole);
        assert_eq!(permits.try_take(10, 10).len(), 10);
    }

    #[test]
    fn permits_beyond_a_smaller_number_stay_out_and_are_not_given_again() {
        let permits = Permits::new(10);
        let mut taken = permits.try_take(1, 8);
        permits.set_count(3);
        assert_eq!((permits.count(), permits.excess()), (3, 5));
        taken.truncate(3);
        assert_eq!(permits.excess(), 0);
        assert!(permits.try_take(1, 10).is_empty());
        permits.set_count(5);
        assert_eq!(permits.try_take(1, 10).len(), 2);
    }

    #[tokio::test]
    async fn who_waits_is_told_when_enough_are_free() {
        let permits = Permits::new(2);
        let mut taken = permits.try_take(2, 2);
        let waiting = permits.take(2);
        tokio::pin!(waiting);
        taken.pop();
        assert!(futures::poll!(&mut waiting).is_pending());
        taken.pop();
        assert_eq!(waiting.await.len(), 2);
    }
}
