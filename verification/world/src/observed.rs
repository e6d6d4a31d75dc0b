//! What a program asks of its queues, as it sees it: each call passes here, is noted, and may be its last.
//!
//! # Invariants that are checked here
//!
//! - Nothing is first deleted or handed back after the lease on it is over, as far as its holder can know: but by a
//!   program that was throttled, and whose calls wait until its queue has room for them.
//! - A worker with places is never without a receive for longer than its bound.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use longshore_tasks::transport::{
    BoxFuture, EntryResult, OutgoingMessage, QueueFacts, QueueHandle, ReceiveRequest,
    ReceivedMessage, RequestMeter, Result, SentMessage, Throttle, Transport, TransportError,
};

use longshore_testkit::Seeded;

use crate::program::Program;
use crate::purposes::hands_back;
use crate::queues::REPLIES;

/// How much later than its lease's end a call that spends it may begin: calls wait for their turn.
const LATE: Duration = Duration::from_millis(10);

/// The transport of one program.
#[derive(Debug)]
pub(crate) struct Observed {
    inner: Arc<dyn Transport>,
    program: Arc<Program>,
    visibility: Duration,
    /// What the program knows of queues that throttle.
    throttle: Throttle,
    /// Whether an answer said that the queue throttles.
    throttled: AtomicBool,
    /// When each lease ends; `None` once it was spent.
    leases: Mutex<BTreeMap<String, Option<Duration>>>,
    /// When it last asked for messages, or had an answer.
    received_at: Mutex<Duration>,
}

impl Observed {
    pub(crate) fn new(
        inner: Arc<dyn Transport>,
        program: Arc<Program>,
        visibility: Duration,
    ) -> Arc<Self> {
        let received_at = Mutex::new(program.book.now());
        let throttle = Throttle::new(Arc::new(Seeded::new(u64::from(program.number))));
        Arc::new(Self {
            inner,
            program,
            throttle,
            throttled: AtomicBool::new(false),
            visibility,
            leases: Mutex::default(),
            received_at,
        })
    }

    /// For how long the program has neither asked for messages nor had an answer.
    pub(crate) fn silent_for(&self) -> Duration {
        let at = *self.received_at.lock().unwrap_or_else(PoisonError::into_inner);
        self.program.book.now().saturating_sub(at)
    }

    fn note_receive(&self) {
        *self.received_at.lock().unwrap_or_else(PoisonError::into_inner) = self.program.book.now();
    }

    fn note(&self, what: &'static str, queue: &QueueHandle, count: usize) {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        self.program.book.note(self.program.number, what, queue.name(), count);
    }

    fn leases(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Option<Duration>>> {
        self.leases.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin_lease(&self, receipt: &str, lasts: Duration) {
        let until = self.program.book.now() + lasts;
        self.leases().insert(receipt.to_owned(), Some(until));
        if let Some(key) = key_of(receipt) {
            self.program.book.pages().promises.insert(key, (until, self.program.number));
        }
    }

    /// The lease is about to be spent.
    fn spend(&self, queue: &QueueHandle, receipt: &str, how: &'static str) {
        let Some(slot) = self.leases().insert(receipt.to_owned(), None) else { return };
        if let Some(key) = key_of(receipt) {
            self.program.book.pages().promises.remove(&key);
        }
        let (now, stalled) = (self.program.book.now(), self.program.book.pages().stalled);
        let may_wait = !stalled.is_zero() || self.throttled.load(Relaxed);
        let late = slot.filter(|until| now > *until + LATE && !may_wait);
        if let Some(until) = late.filter(|_| queue.name() != REPLIES) {
            let who = self.program.number;
            self.program.book.breaks(|| {
                format!(
                    "p{who} begins to {how} {receipt} at {now:?}, and its lease ended at {until:?}"
                )
            });
        }
    }

    fn note_answer<T>(&self, answer: &Result<T>) {
        let throttled = matches!(answer, Err(TransportError::Throttled { .. }));
        self.throttled.fetch_or(throttled, Relaxed);
    }

    /// A renewal that is answered holds from when it was asked for.
    fn renewed(&self, receipt: &str, asked_at: Duration, lasts: Duration) {
        let mut leases = self.leases();
        if let Some(Some(until)) = leases.get_mut(receipt) {
            *until = asked_at + lasts;
            drop(leases);
            if let Some(key) = key_of(receipt) {
                let promise = (asked_at + lasts, self.program.number);
                self.program.book.pages().promises.insert(key, promise);
            }
        }
    }
}

/// The number of the message that a receipt is of, on the queues of schedules; of the queues of tasks only.
fn key_of(receipt: &str) -> Option<u64> {
    receipt.split(':').nth(1)?.parse().ok()
}

impl Transport for Observed {
    fn receive_patience(&self) -> Option<Duration> {
        self.inner.receive_patience()
    }

    fn throttle(&self) -> Option<Throttle> {
        Some(self.throttle.clone())
    }

    fn meter(&self) -> Option<Arc<RequestMeter>> {
        self.inner.meter()
    }

    fn resolve<'a>(&'a self, queue: &'a str) -> BoxFuture<'a, Result<QueueHandle>> {
        async move {
            self.program.passes().await;
            let found = self.inner.resolve(queue).await;
            self.program.passes().await;
            found
        }
        .boxed()
    }

    fn queue_facts<'a>(&'a self, queue: &'a QueueHandle) -> BoxFuture<'a, Result<QueueFacts>> {
        async move {
            self.program.passes().await;
            self.inner.queue_facts(queue).await
        }
        .boxed()
    }

    fn send_batch<'a>(
        &'a self,
        queue: &'a QueueHandle,
        messages: Vec<OutgoingMessage>,
    ) -> BoxFuture<'a, Result<Vec<EntryResult<SentMessage>>>> {
        async move {
            self.program.passes().await;
            self.note("sends to", queue, messages.len());
            let sent = self.inner.send_batch(queue, messages).await;
            self.program.passes().await;
            sent
        }
        .boxed()
    }

    fn receive<'a>(
        &'a self,
        queue: &'a QueueHandle,
        request: ReceiveRequest,
    ) -> BoxFuture<'a, Result<Vec<ReceivedMessage>>> {
        async move {
            self.program.passes().await;
            self.note("receives from", queue, request.count_max);
            self.note_receive();
            let received = self.inner.receive(queue, request).await;
            self.program.passes().await;
            self.note_receive();
            if let Ok(messages) = &received {
                self.note("has of", queue, messages.len());
                let lasts = request.visibility_timeout.unwrap_or(self.visibility);
                for message in messages {
                    self.begin_lease(&message.receipt_handle, lasts);
                }
            }
            received
        }
        .boxed()
    }

    fn delete_batch<'a>(
        &'a self,
        queue: &'a QueueHandle,
        receipts: Vec<String>,
    ) -> BoxFuture<'a, Result<Vec<EntryResult<()>>>> {
        async move {
            self.program.passes().await;
            self.note("deletes from", queue, receipts.len());
            for receipt in &receipts {
                self.spend(queue, receipt, "delete");
            }
            let deleted = self.inner.delete_batch(queue, receipts).await;
            self.note_answer(&deleted);
            self.program.passes().await;
            deleted
        }
        .boxed()
    }

    fn change_visibility_batch<'a>(
        &'a self,
        queue: &'a QueueHandle,
        changes: Vec<(String, Duration)>,
    ) -> BoxFuture<'a, Result<Vec<EntryResult<()>>>> {
        async move {
            self.program.passes().await;
            self.note("leases of", queue, changes.len());
            let asked_at = self.program.book.now();
            let returns = hands_back();
            let renewals = if returns { Vec::new() } else { changes.clone() };
            for (receipt, _) in changes.iter().filter(|_| returns) {
                self.spend(queue, receipt, "hand back");
            }
            let answered = self.inner.change_visibility_batch(queue, changes).await;
            self.note_answer(&answered);
            self.program.passes().await;
            for (place, (receipt, lasts)) in renewals.into_iter().enumerate() {
                if let Ok(answers) = &answered
                    && matches!(answers.get(place), Some(Ok(())))
                {
                    self.renewed(&receipt, asked_at, lasts);
                }
            }
            answered
        }
        .boxed()
    }
}
