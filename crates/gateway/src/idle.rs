//! Connections that wait for their clients: which of them gives way where there is no place for
//! another.
//!
//! # Invariants
//!
//! - A connection gives way only while none of its requests is being answered, and whoever has waited
//!   longest first.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// The connections that wait for their clients.
#[derive(Debug, Default)]
pub(crate) struct Idle {
    waiting: Mutex<Waiting>,
    /// One more waits.
    more: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    turn: u64,
    /// The first has waited longest.
    by_turn: BTreeMap<u64, CancellationToken>,
}

/// A connection's part in it.
#[derive(Debug)]
pub(crate) struct Seat {
    idle: Arc<Idle>,
    /// The turn in which it waits, and whether it has asked for anything.
    state: Mutex<(Option<u64>, bool)>,
    gives_way: CancellationToken,
}

impl Idle {
    /// A new connection, which waits.
    pub(crate) fn seat(self: &Arc<Self>) -> Seat {
        let state = Mutex::new((None, false));
        let seat = Seat { idle: Arc::clone(self), state, gives_way: CancellationToken::new() };
        seat.waits();
        seat
    }

    /// Has the connection give way that has waited longest; `false` if none waits.
    pub(crate) fn send_one_away(&self) -> bool {
        let first = lock(&self.waiting).by_turn.pop_first();
        first.is_some_and(|(_, gives_way)| {
            gives_way.cancel();
            true
        })
    }

    /// Resolves when one more waits.
    pub(crate) async fn more(&self) {
        self.more.notified().await;
    }
}

impl Seat {
    /// A request has come.
    pub(crate) fn works(&self) {
        let (turn, has_asked) = &mut *lock(&self.state);
        *has_asked = true;
        if let Some(turn) = turn.take() {
            lock(&self.idle.waiting).by_turn.remove(&turn);
        }
    }

    /// The request is answered.
    pub(crate) fn waits(&self) {
        let mut waiting = lock(&self.idle.waiting);
        waiting.turn += 1;
        let turn = waiting.turn;
        waiting.by_turn.insert(turn, self.gives_way.clone());
        drop(waiting);
        lock(&self.state).0 = Some(turn);
        self.idle.more.notify_one();
    }

    /// Whether a request has come on this connection.
    pub(crate) fn has_asked(&self) -> bool {
        lock(&self.state).1
    }

    /// Whether a request is being answered.
    pub(crate) fn is_working(&self) -> bool {
        lock(&self.state).0.is_none()
    }

    /// Resolves when the connection is to end.
    pub(crate) async fn gives_way(&self) {
        self.gives_way.cancelled().await;
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.works();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_sent_away(seat: &Seat) -> bool {
        seat.gives_way.is_cancelled()
    }

    #[test]
    fn who_has_waited_longest_gives_way_and_who_is_answered_does_not() {
        let idle = Arc::<Idle>::default();
        let [first, second, third] = [idle.seat(), idle.seat(), idle.seat()];
        first.works();
        assert!(idle.send_one_away());
        assert_eq!([&first, &second, &third].map(is_sent_away), [false, true, false]);
        first.waits();
        drop(third);
        assert!(idle.send_one_away());
        assert!(is_sent_away(&first));
        assert!(!idle.send_one_away(), "nobody is left");
    }
}
