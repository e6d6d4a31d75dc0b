//! The bytes of requests and replies in memory, of all connections together.
//!
//! ```text
//! body ─► grow ─► (decoded, carried out) ─► grow ─► (bodies read, encoded) ─► settle ─► sent
//! ```
//!
//! Each request has a share, which grows before the bytes that it stands for are in memory: by what
//! comes in, and before a receive reads the bodies of its messages. The answer carries the share
//! until the client has taken it. Where nothing is left, the client gives way that stands still
//! longest, and whoever needs room waits for a moment, and is then refused.
//!
//! # Invariants
//!
//! - All shares together have the budget's bytes at most, but for what the escapes of an answer add
//!   to the bodies in it.
//! - Large shares leave a part of the budget to small ones, so that a flood of bodies does not keep
//!   everybody else from being served.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::time::Duration;

use longshore_wire::SqsError;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::{Client, Clients, Notice, Pressure};

/// Beyond this a share is a large one.
const SMALL_BYTES: u64 = 64 << 10;
/// The part of the budget that is kept for small shares: one in so many.
const KEPT_FOR_SMALL: u64 = 8;
/// How long a request waits for room before it is refused.
const ROOM_TIMEOUT: Duration = Duration::from_secs(4);
/// How soon one that waits looks again for a client that stands still.
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(100);

/// The bytes that there may be in flight.
#[derive(Debug)]
pub(crate) struct Budget {
    bytes_max: u64,
    clients: Arc<Clients>,
    pressure: Arc<Pressure>,
    freed: Notify,
    /// How many wait to hear of `freed`: nearly always none, and then nobody locks it.
    waiting: AtomicUsize,
    refused: Notice,
}

/// What one request has of the budget, until this is dropped.
#[derive(Debug)]
pub struct Share {
    bytes: u64,
    /// `None` within the process, where nobody counts.
    of: Option<(Arc<Budget>, Arc<Client>)>,
}

impl Budget {
    pub(crate) fn new(bytes_max: u64, clients: Arc<Clients>, pressure: Arc<Pressure>) -> Arc<Self> {
        Arc::new(Self {
            bytes_max,
            clients,
            pressure,
            freed: Notify::new(),
            waiting: AtomicUsize::new(0),
            refused: Notice::default(),
        })
    }

    /// An empty share for a request of `client`.
    pub(crate) fn share(self: &Arc<Self>, client: &Arc<Client>) -> Share {
        Share { bytes: 0, of: Some((Arc::clone(self), Arc::clone(client))) }
    }

    /// Whether `bytes` more were free for a share that has `whole` with them.
    fn take(&self, bytes: u64, whole: u64) -> bool {
        let kept = if whole > SMALL_BYTES { self.bytes_max / KEPT_FOR_SMALL } else { 0 };
        let within = |used: u64| Some(used + bytes).filter(|used| *used <= self.bytes_max - kept);
        self.pressure.bytes.fetch_update(SeqCst, SeqCst, within).is_ok()
    }

    /// Tells who waits that bytes are free.
    fn tell_freed(&self) {
        if self.waiting.load(SeqCst) > 0 {
            self.freed.notify_waiters();
        }
    }

    /// Waits until some bytes may be free.
    async fn wait(&self, freed: impl Future<Output = ()>) {
        self.clients.free_bytes();
        // Whether they were freed or it is time to look again is all the same.
        drop(tokio::time::timeout(LOOK_AGAIN_AFTER, freed).await);
    }

    fn note_refused(&self) {
        self.pressure.requests_refused.fetch_add(1, Relaxed);
        if let Some(times) = self.refused.due() {
            tracing::warn!(
                bytes_max = self.bytes_max,
                times,
                "too many bytes are in flight: a request was refused"
            );
        }
    }

    fn refuse(&self) -> SqsError {
        self.note_refused();
        SqsError::ServiceUnavailable("too many bytes are in flight: try again later".to_owned())
    }
}

impl Share {
    /// The share of what is within the process.
    pub(crate) const fn uncounted() -> Self {
        Self { bytes: 0, of: None }
    }

    pub(crate) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Grows by `bytes`, waiting a moment for room.
    ///
    /// # Errors
    ///
    /// There is none: `ServiceUnavailable`.
    ///
    /// # Cancel safety
    ///
    /// A share that is dropped while it waits has what it had.
    pub(crate) async fn grow(&mut self, bytes: u64) -> Result<(), SqsError> {
        if self.try_grow(bytes) {
            return Ok(());
        }
        let Some((budget, _)) = self.of.clone() else { return Ok(()) };
        let deadline = Instant::now() + ROOM_TIMEOUT;
        let _waiting = Waiting::new(&budget.waiting);
        while Instant::now() < deadline {
            let freed = budget.freed.notified();
            if self.try_grow(bytes) {
                return Ok(());
            }
            budget.wait(freed).await;
        }
        Err(budget.refuse())
    }

    /// Grows by `bytes` if there is room for them now.
    pub(crate) fn try_grow(&mut self, bytes: u64) -> bool {
        let Some((budget, client)) = &self.of else { return true };
        let taken = budget.take(bytes, self.bytes + bytes);
        if taken {
            self.bytes += bytes;
            client.bytes().fetch_add(bytes, Relaxed);
        }
        taken
    }

    /// What needs room now got none, and does not wait: it is counted, the share is given back, and a
    /// client that stands still gives way to the next.
    pub(crate) fn refuse_at_once(&mut self) {
        // Given back first: who is refused must not be the one that gives way, or it would not read why.
        self.settle(0);
        if let Some((budget, _)) = &self.of {
            budget.note_refused();
            budget.clients.free_bytes();
        }
    }

    /// Becomes as large as what is in memory now, whether there is room for it or not.
    pub(crate) fn settle(&mut self, bytes: u64) {
        let Some((budget, client)) = &self.of else { return };
        if bytes > self.bytes {
            let more = bytes - self.bytes;
            budget.pressure.bytes.fetch_add(more, Relaxed);
            client.bytes().fetch_add(more, Relaxed);
        } else if bytes < self.bytes {
            let less = self.bytes - bytes;
            client.bytes().fetch_sub(less, Relaxed);
            budget.pressure.bytes.fetch_sub(less, SeqCst);
            budget.tell_freed();
        }
        self.bytes = bytes;
    }
}

/// Counted as one that waits, until this is dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, SeqCst);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.settle(0);
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::super::{ClientBounds, Place};
    use super::*;

    const MIB: u64 = 1 << 20;

    struct Given {
        budget: Arc<Budget>,
        clients: Arc<Clients>,
        pressure: Arc<Pressure>,
    }

    fn given(bytes_max: u64) -> Given {
        let pressure = Arc::<Pressure>::default();
        let bounds = ClientBounds { connections_max: 10, of_peer_max: 10 };
        let clients = Clients::new(bounds, Arc::clone(&pressure));
        let budget = Budget::new(bytes_max, Arc::clone(&clients), Arc::clone(&pressure));
        Given { budget, clients, pressure }
    }

    impl Given {
        fn working(&self) -> (Place, Share) {
            let place = self.clients.enter(IpAddr::V4(Ipv4Addr::LOCALHOST)).unwrap();
            place.client().asks();
            let share = self.budget.share(place.client());
            (place, share)
        }

        fn used(&self) -> u64 {
            self.pressure.bytes.load(Relaxed)
        }
    }

    #[tokio::test(start_paused = true)]
    async fn c8_beyond_the_budget_a_request_is_refused_and_what_is_dropped_is_free() {
        let given = given(8 * MIB);
        let ((_a, mut first), (_b, mut second)) = (given.working(), given.working());
        first.grow(6 * MIB).await.unwrap();
        let refused = second.grow(2 * MIB).await.unwrap_err();
        assert!(matches!(refused, SqsError::ServiceUnavailable(_)));
        assert_eq!(given.pressure.requests_refused.load(Relaxed), 1);
        drop(first);
        second.grow(2 * MIB).await.unwrap();
        second.settle(3 * MIB);
        assert_eq!(given.used(), 3 * MIB);
        drop(second);
        assert_eq!(given.used(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn c8_a_part_of_the_budget_is_kept_for_small_requests() {
        let given = given(8 * MIB);
        let ((_a, mut large), (_b, mut small)) = (given.working(), given.working());
        assert!(!large.try_grow(8 * MIB));
        assert!(large.try_grow(7 * MIB));
        assert!(small.try_grow(SMALL_BYTES));
        assert!(!small.try_grow(1), "it is a large one then");
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_refused_at_once_does_not_give_way_itself() {
        let given = given(8 * MIB);
        let place = given.clients.enter(IpAddr::V4(Ipv4Addr::LOCALHOST)).unwrap();
        let mut head = given.budget.share(place.client());
        assert!(head.try_grow(MIB));
        head.refuse_at_once();
        let gives_way = place.client().gives_way();
        assert!(tokio::time::timeout(Duration::from_secs(5), gives_way).await.is_err());
        assert_eq!(given.used(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn c8_a_client_that_stands_still_gives_way_to_who_needs_room() {
        let given = given(8 * MIB);
        let ((slow, mut first), (busy, mut second)) = (given.working(), given.working());
        first.grow(5 * MIB).await.unwrap();
        second.grow(MIB).await.unwrap();
        slow.client().is_answered();
        let slow_reader = async move {
            slow.client().gives_way().await;
            drop(first);
        };
        let (_c, mut third) = given.working();
        let ((), grown) = tokio::join!(slow_reader, third.grow(2 * MIB));
        grown.unwrap();
        assert!(busy.client().is_working());
        assert_eq!(given.pressure.connections_gave_way.load(Relaxed), 1);
    }

    #[tokio::test]
    async fn within_the_process_nobody_counts() {
        let mut share = Share::uncounted();
        share.grow(u64::MAX).await.unwrap();
    }
}
