//! A program: what can be killed between any two of its calls, and with it everything that it does.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future;
use longshore_testkit::Seeded;
use tokio::task::AbortHandle;
use tokio::time::sleep;

use crate::book::Book;

/// A call of a program's store that takes longer than any lease.
#[derive(Clone, Copy, Debug, Default)]
struct Hang {
    /// How long the next one takes, and whether that is to be a write.
    next: Option<(Duration, bool)>,
    until: Duration,
}

/// A program of a schedule.
#[derive(Debug)]
pub(crate) struct Program {
    /// From 1 on.
    pub(crate) number: u32,
    pub(crate) book: Book,
    dead: AtomicBool,
    roots: Mutex<Vec<AbortHandle>>,
    hang: Mutex<Hang>,
    deadly_calls: u64,
    random: Seeded,
    /// Kills that are left to all programs.
    kills_left: Arc<AtomicU32>,
}

impl Program {
    /// A program in whose life, of a million calls, `deadly_calls` end it.
    pub(crate) fn new(
        number: u32,
        book: Book,
        deadly_calls: u64,
        seed: u64,
        kills_left: Arc<AtomicU32>,
    ) -> Arc<Self> {
        let random = Seeded::new(seed ^ (u64::from(number) << 32));
        let (dead, roots, hang) = Default::default();
        Arc::new(Self { number, book, dead, roots, hang, deadly_calls, random, kills_left })
    }

    /// What ends with the program: everything that it runs is below.
    pub(crate) fn add_root(&self, root: AbortHandle) {
        if self.is_dead() {
            root.abort();
        }
        self.roots.lock().unwrap_or_else(PoisonError::into_inner).push(root);
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.dead.load(Relaxed)
    }

    /// The next call of its store hangs for that long, or the next that writes records.
    pub(crate) fn set_hang(&self, time: Duration, in_write: bool) {
        self.hang().next = Some((time, in_write));
    }

    /// No call of its store hangs any more that does not yet.
    pub(crate) fn stop_hangs(&self) {
        self.hang().next = None;
    }

    /// A call of its store begins: it hangs if it is the one that is to.
    pub(crate) async fn hang_if_due(&self, is_write: bool) {
        let mut hang = *self.hang();
        let Some((time, _)) = hang.next.take_if(|(_, in_write)| is_write || !*in_write) else {
            return;
        };
        hang.until = self.book.now() + time;
        *self.hang() = hang;
        self.book.note(self.number, "has a store that hangs", "", 0);
        sleep(time).await;
    }

    /// For how much longer a call of its store hangs.
    pub(crate) fn hangs_for(&self) -> Duration {
        self.hang().until.saturating_sub(self.book.now())
    }

    fn hang(&self) -> MutexGuard<'_, Hang> {
        self.hang.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the program, if programs may still be killed.
    pub(crate) fn kill(&self) {
        let less = |left: u32| left.checked_sub(1);
        if self.is_dead() || self.kills_left.fetch_update(Relaxed, Relaxed, less).is_err() {
            return;
        }
        self.die();
        self.book.note(self.number, "is killed", "", 0);
        self.book.pages().seen.kills += 1;
    }

    /// Ends the program. Nothing of it reaches a queue or a store any more.
    pub(crate) fn die(&self) {
        self.dead.store(true, Relaxed);
        self.book.pages().killed.push(self.number);
        let roots = std::mem::take(&mut *self.roots.lock().unwrap_or_else(PoisonError::into_inner));
        roots.iter().for_each(AbortHandle::abort);
    }

    /// A call begins, or is answered: the program may end just then. Once it has, nothing goes on.
    pub(crate) async fn passes(&self) {
        if self.deadly_calls > 0
            && !self.is_dead()
            && self.random.below(1_000_000) < self.deadly_calls
        {
            self.kill();
        }
        if self.is_dead() {
            future::pending::<()>().await;
        }
    }
}
