//! Keeps calls from a queue that throttles them, until it is worth asking again.
//!
//! ```text
//! client, worker, replies ──▶ Gated ──▶ gate of (queue, action): shut? ── no ──▶ transport
//!          ▲                              │ yes                                     │
//!          └─ Throttled { retry_after } ◀─┴──────────── throttled: shuts ◀──────────┘
//! ```
//!
//! A gate never waits and never asks again: it says how long. Whoever has something to do asks again then: the
//! loops that receive, the heartbeat, and for entries of batches `batch_entries`.
//!
//! # Invariants
//!
//! - Nobody else makes a throttled call again: no transport does.
//! - Sends, receives, deletes and changes of visibility have gates of their own for each queue. Where deletes or
//!   renewals are throttled, sends and receives of the queue yield to them; the other way round never.
//! - A gate is kept only for a queue that throttled a call, until enough others were answered.

mod gate;
mod gated;
#[cfg(test)]
mod storm;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

use self::gate::{Gate, Ticket};
pub(crate) use self::gated::Gated;
use super::{Action, QueueHandle, Transport, TransportError};
use crate::backoff::Backoff;
use crate::id::{RandomSource, SystemRandom};

/// Pauses of calls that can wait.
const PAUSES: Backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(20));
/// Pauses of calls about messages in flight: their leases run out.
const PAUSES_OF_LEASES: Backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(5));
/// What yields to throttled calls about leases.
const YIELDING: [Action; 2] = [Action::SendMessageBatch, Action::ReceiveMessage];

/// The code of a receive that is refused because too many messages are in flight.
const OVER_LIMIT: &str = "OverLimit";

/// Which queues throttle which calls, and until when nothing is asked of them. Cheap to clone; clones share it.
///
/// After a throttled call nothing of its kind is asked of its queue for as long as the endpoint says
/// (`x-amz-retry-after`, up to a minute), and for a random time up to 1 s, doubled up to 20 s (5 s for deletes
/// and renewals). Then one call finds out for all. Who gives its transport to several clients and workers
/// has them share what they found out, if the transport answers it by [`Transport::throttle`].
///
/// ```
/// use longshore_tasks::transport::Throttle;
///
/// #[derive(Debug, Default)]
/// struct Carrier {
///     throttle: Throttle, // what `Transport::throttle` of a transport of one's own answers a clone of
/// }
/// # let _ = Carrier::default().throttle.clone();
/// ```
#[derive(Clone)]
pub struct Throttle(Arc<Shared>);

struct Shared {
    random: Arc<dyn RandomSource>,
    gates: Mutex<HashMap<(Arc<str>, Action), Gate>>,
    changed: Notify,
}

/// How a call was throttled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Throttling {
    pub(crate) code: String,
    pub(crate) retry_after: Option<Duration>,
}

impl Throttling {
    /// Whether too many messages are in flight.
    fn is_over_limit(&self) -> bool {
        self.code.ends_with(OVER_LIMIT)
    }
}

/// A call that was let through. Dropped, it says nothing.
struct Pass<'a> {
    throttle: &'a Throttle,
    queue: &'a str,
    action: Action,
    ticket: Option<Ticket>,
}

impl Default for Throttle {
    fn default() -> Self {
        Self::new(Arc::new(SystemRandom))
    }
}

impl Throttle {
    /// Nothing is throttled yet; the jitter of pauses comes from `random`.
    pub fn new(random: Arc<dyn RandomSource>) -> Self {
        Self(Arc::new(Shared { random, gates: Mutex::default(), changed: Notify::new() }))
    }

    /// For how long no such call is made of the queue at that URL; `None` if one may be.
    pub fn shut_for(&self, queue_url: &str, action: Action) -> Option<Duration> {
        let gates = self.gates();
        gates.get(&(queue_url.into(), action))?.shut_for(Instant::now())
    }

    /// Waits until such a call may be made, as far as is known.
    pub(crate) async fn open(&self, queue_url: &str, action: Action) {
        loop {
            let changed = self.0.changed.notified();
            let Some(left) = self.shut_for(queue_url, action) else { return };
            tokio::select! {
                biased;
                () = changed => {}
                () = sleep(left) => {}
            }
        }
    }

    fn enter<'a>(&'a self, queue: &'a str, action: Action) -> Result<Pass<'a>, Throttling> {
        let mut gates = self.gates();
        let mut ticket = None;
        if let Some(gate) = gates.get_mut(&(queue.into(), action)) {
            let entered = gate.enter(Instant::now());
            ticket = Some(entered.map_err(|left| {
                let code = gate.code().to_owned();
                Throttling { code, retry_after: Some(left) }
            })?);
        }
        Ok(Pass { throttle: self, queue, action, ticket })
    }

    fn gates(&self) -> MutexGuard<'_, HashMap<(Arc<str>, Action), Gate>> {
        self.0.gates.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pass<'_> {
    /// The call was answered, and not throttled.
    fn answered(mut self) {
        let mut gates = self.throttle.gates();
        let key = (self.queue.into(), self.action);
        if let Some(ticket) = self.ticket.take()
            && let Some(gate) = gates.get_mut(&key)
        {
            gate.note_answer(ticket);
            if gate.is_as_new() {
                gates.remove(&key);
            }
        }
        if self.action == Action::DeleteMessageBatch
            && let Some(receives) = gates.get_mut(&(self.queue.into(), Action::ReceiveMessage))
        {
            receives.note_deleted();
        }
        drop(gates);
        self.throttle.0.changed.notify_waiters();
    }

    /// The call was throttled: says for how long nothing is asked.
    fn throttled(mut self, how: &Throttling) -> Duration {
        let (now, random) = (Instant::now(), &*self.throttle.0.random);
        let mut gates = self.throttle.gates();
        let key = (Arc::from(self.queue), self.action);
        let gate = gates.entry(key).or_insert_with(|| Gate::new(pauses_of(self.action)));
        let ticket = self.ticket.take().unwrap_or_default();
        let (pause, is_news) = gate.note_throttled(ticket, how, now, random);
        if self.action.names_receipts() {
            for action in YIELDING {
                let gate = gates.entry((Arc::from(self.queue), action));
                let gate = gate.or_insert_with(|| Gate::new(pauses_of(action)));
                gate.yield_for(pause, &how.code, now);
            }
        }
        drop(gates);
        if is_news {
            let Self { queue, action, .. } = self;
            tracing::warn!(queue, %action, how.code, ?pause, "the queue throttles: nothing is asked for a while");
        }
        pause
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        let Some(ticket) = self.ticket.take() else { return };
        if let Some(gate) = self.throttle.gates().get_mut(&(self.queue.into(), self.action)) {
            gate.note_nothing(ticket);
        }
        self.throttle.0.changed.notify_waiters();
    }
}

/// Waits until such a call may be made of the queue, as far as its transport knows.
pub(crate) async fn open(transport: &dyn Transport, queue: &QueueHandle, action: Action) {
    if let Some(throttle) = transport.throttle() {
        throttle.open(queue.url(), action).await;
    }
}

fn pauses_of(action: Action) -> Backoff {
    if action.names_receipts() { PAUSES_OF_LEASES } else { PAUSES }
}

impl fmt::Debug for Throttle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Throttle").field("gates", &self.gates().len()).finish_non_exhaustive()
    }
}

/// What a call that has ended says of its gate.
enum Verdict {
    Answered,
    Throttled(Throttling),
    Unknown,
}

impl Verdict {
    /// What a call says that failed.
    fn of(error: &TransportError) -> Self {
        match error {
            TransportError::Throttled { code, retry_after, .. } => {
                Self::Throttled(Throttling { code: code.clone(), retry_after: *retry_after })
            }
            TransportError::Refused { .. } => Self::Answered,
            TransportError::NotSent { .. }
            | TransportError::Unknown { .. }
            | TransportError::Unavailable { .. } => Self::Unknown,
        }
    }
}
