//! Permits to run: as many as tasks may run at once. Each is taken before a message is asked for. The
//! rule is [`Pool`]'s; here is the waiting.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::pool::Pool;
use super::turns::Turns;

/// The permits of a worker.
#[derive(Debug)]
pub(super) struct Permits {
    pool: Mutex<Pool>,
    /// Something may have been granted.
    changed: Notify,
}

/// The permits of a worker, as one of its levels gets them.
#[derive(Clone, Debug)]
pub(super) struct Share {
    permits: Arc<Permits>,
    level: usize,
}

/// A wish that goes before all levels. Dropped, it is taken back.
struct First<'a>(&'a Permits);

impl Drop for First<'_> {
    fn drop(&mut self) {
        self.0.pool().unwish_first();
        self.0.changed.notify_waiters();
    }
}

/// Permits that wait with a receive for a task. Dropped, they do no more.
#[derive(Debug)]
pub(super) struct Receiving(Arc<Permits>, usize);

impl Drop for Receiving {
    fn drop(&mut self) {
        self.0.pool().set_receiving(|all| all - self.1);
        self.0.changed.notify_waiters();
    }
}

/// One permit. Dropped, it is free again.
#[derive(Debug)]
pub(super) struct Permit(Arc<Permits>);

impl Permits {
    /// So many permits, shared by turns.
    pub(super) fn new(count: usize, turns: Turns) -> Arc<Self> {
        Arc::new(Self { pool: Mutex::new(Pool::new(count, turns)), changed: Notify::new() })
    }

    /// How many permits there are just now.
    pub(super) fn count(&self) -> usize {
        self.pool().count()
    }

    /// How many are out beyond those that there are, because there were more.
    pub(super) fn excess(&self) -> usize {
        self.pool().excess()
    }

    /// There are so many from now on. What is out stays out.
    pub(super) fn set_count(&self, count: usize) {
        self.pool().set_count(count);
        self.changed.notify_waiters();
    }

    /// So many runs were given up and go on. Answers how many permits are closed for that.
    pub(super) fn set_stuck(&self, stuck: usize) -> usize {
        let closed = {
            let mut pool = self.pool();
            pool.set_stuck(stuck);
            pool.closed()
        };
        self.changed.notify_waiters();
        closed
    }

    /// One that is free and that nobody wishes for.
    pub(super) fn try_take_free(self: &Arc<Self>) -> Option<Permit> {
        let taken = self.pool().take_free();
        taken.then(|| Permit(Arc::clone(self)))
    }

    /// So many permits wait with a receive.
    pub(super) fn receive_with(self: &Arc<Self>, count: usize) -> Receiving {
        self.pool().set_receiving(|all| all + count);
        self.changed.notify_waiters();
        Receiving(Arc::clone(self), count)
    }

    /// Waits for one before all levels do: for a task that gave its own up. One that waits with a receive is given
    /// in its stead.
    ///
    /// # Cancel safety
    ///
    /// Dropped, it has taken none.
    pub(super) async fn take_first(self: &Arc<Self>) -> Permit {
        self.pool().wish_first();
        let waits = First(self);
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if self.pool().take_first() {
                std::mem::forget(waits);
                return Permit(Arc::clone(self));
            }
            changed.await;
        }
    }

    /// What the level of that place gets of them.
    pub(super) fn share(self: &Arc<Self>, level: usize) -> Share {
        Share { permits: Arc::clone(self), level }
    }

    fn pool(&self) -> MutexGuard<'_, Pool> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Share {
    /// How many permits there are for all levels.
    pub(super) fn count(&self) -> usize {
        self.permits.count()
    }

    /// How many levels share them.
    pub(super) fn levels(&self) -> usize {
        self.permits.pool().levels()
    }

    /// Wishes for so many from now on. What is granted waits until it is taken.
    pub(super) fn wish(&self, count: usize) {
        self.permits.pool().wish(self.level, count);
        self.permits.changed.notify_waiters();
    }

    /// What was granted, up to `most`; nothing if that is less than `least`.
    pub(super) fn try_take(&self, least: usize, most: usize) -> Vec<Permit> {
        let count = self.permits.pool().take(self.level, least, most);
        (0..count).map(|_| Permit(Arc::clone(&self.permits))).collect()
    }

    /// Waits until `least` are granted, and takes up to `most`.
    ///
    /// # Cancel safety
    ///
    /// Dropped, it has taken none.
    pub(super) async fn take(&self, least: usize, most: usize) -> Vec<Permit> {
        loop {
            let changed = self.permits.changed.notified();
            tokio::pin!(changed);
            // Waiting begins before the look, so that what is granted in between is noticed.
            changed.as_mut().enable();
            let taken = self.try_take(least, most);
            if !taken.is_empty() {
                return taken;
            }
            changed.await;
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.pool().put_back();
        self.0.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_waits_is_told_when_enough_are_granted() {
        let permits = Permits::new(2, Turns::alone());
        let share = permits.share(0);
        share.wish(2);
        let mut taken = share.try_take(2, 10);
        assert!(permits.try_take_free().is_none());
        share.wish(2);
        let waiting = share.take(2, 10);
        tokio::pin!(waiting);
        taken.pop();
        assert!(futures::poll!(&mut waiting).is_pending());
        taken.pop();
        assert_eq!(waiting.await.len(), 2);
    }
}
