//! What a program asks of its queues, as it sees it: each call passes here, is noted, and may be its last.
//!
//! # Invariants that are checked here
//!
//! - Nothing is deleted or handed back after the lease on it is over, as far as its holder can know: by no try, however
//!   long a queue throttled, a store hung or a whole program stood still.
//! - A worker with places is never without a receive for longer than its bound.
//! - Nothing is received of a paused queue, once it was time to hear of it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use longshore_tasks::transport::{
    OutgoingMessage, QueueFacts, QueueHandle, ReceiveRequest, ReceivedMessage, SentMessage,
    Throttle, Transport,
};

use longshore_testkit::Seeded;

use crate::book::HEARD_WITHIN;
use crate::program::Program;
use crate::purposes::hands_back;
use crate::queues::REPLIES;
use crate::transport_layer::{Answer, Answers, TransportLayer};

/// The transport of one program.
#[derive(Debug)]
pub(crate) struct Observed {
    below: Arc<dyn Transport>,
    program: Arc<Program>,
    visibility: Duration,
    /// Whether the program can hear of a pause whenever it looks.
    hears: bool,
    /// What the program knows of queues that throttle.
    throttle: Throttle,
    leases: Mutex<BTreeMap<String, Lease>>,
    /// When it last asked for messages, or had an answer.
    received_at: Mutex<Duration>,
}

/// What a receipt is good for.
#[derive(Clone, Copy, Debug)]
struct Lease {
    ends_at: Duration,
    /// Whether its holder has begun to spend it.
    is_spent: bool,
}

impl Observed {
    pub(crate) fn new(
        below: Arc<dyn Transport>,
        program: Arc<Program>,
        visibility: Duration,
        hears: bool,
    ) -> Arc<Self> {
        let received_at = Mutex::new(program.book.now());
        let throttle = Throttle::new(Arc::new(Seeded::new(u64::from(program.number))));
        let leases = Mutex::default();
        Arc::new(Self { below, program, visibility, hears, throttle, leases, received_at })
    }

    /// For how long the program has neither asked for messages nor had an answer.
    pub(crate) fn silent_for(&self) -> Duration {
        let at = *self.received_at.lock().unwrap_or_else(PoisonError::into_inner);
        self.program.book.now().saturating_sub(at)
    }

    /// It asks for messages, has an answer, or is not to ask.
    pub(crate) fn note_receive(&self) {
        *self.received_at.lock().unwrap_or_else(PoisonError::into_inner) = self.program.book.now();
    }

    fn note(&self, what: &'static str, queue: &QueueHandle, count: usize) {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        self.program.book.note(self.program.number, what, queue.name(), count);
    }

    fn leases(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Lease>> {
        self.leases.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin_lease(&self, receipt: &str, lasts: Duration) {
        let until = self.program.book.now() + lasts;
        self.leases().insert(receipt.to_owned(), Lease { ends_at: until, is_spent: false });
        if let Some(key) = key_of(receipt) {
            self.program.book.pages().promises.insert(key, (until, self.program.number));
        }
    }

    /// The lease is about to be spent, or that is tried again.
    fn spend(&self, queue: &QueueHandle, receipt: &str, how: &'static str) {
        let lease = self.leases().get_mut(receipt).map(|lease| {
            lease.is_spent = true;
            *lease
        });
        if let Some(key) = key_of(receipt) {
            self.program.book.pages().promises.remove(&key);
        }
        let now = self.program.book.now();
        let late = lease.filter(|lease| now > lease.ends_at && queue.name() != REPLIES);
        if let Some(Lease { ends_at, .. }) = late {
            let who = self.program.number;
            self.program.book.breaks(|| {
                format!(
                    "p{who} asks to {how} {receipt} at {now:?}, and its lease ended at {ends_at:?}"
                )
            });
        }
    }

    /// Nothing is received of a paused queue.
    fn check_pause(&self, queue: &QueueHandle) {
        let pages = self.program.book.pages();
        let (paused_at, stalled) = (pages.paused_at, pages.stalled);
        drop(pages);
        let now = self.program.book.now();
        let late = paused_at.filter(|at| now > *at + HEARD_WITHIN);
        let may = queue.name() == REPLIES || !self.hears || !stalled.is_zero();
        if let Some(at) = late.filter(|_| !may) {
            let who = self.program.number;
            self.program.book.breaks(|| {
                format!("p{who} receives at {now:?}, and the queue is paused since {at:?}")
            });
        }
    }

    /// A renewal that is answered holds from when it was asked for.
    fn renewed(&self, receipt: &str, asked_at: Duration, lasts: Duration) {
        let mut leases = self.leases();
        if let Some(lease) = leases.get_mut(receipt).filter(|lease| !lease.is_spent) {
            lease.ends_at = asked_at + lasts;
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

impl TransportLayer for Observed {
    fn below(&self) -> &dyn Transport {
        &*self.below
    }

    fn throttle(&self) -> Option<Throttle> {
        Some(self.throttle.clone())
    }

    fn resolve<'a>(&'a self, queue: &'a str) -> Answer<'a, QueueHandle> {
        async move {
            self.program.passes().await;
            let found = self.below.resolve(queue).await;
            self.program.passes().await;
            found
        }
        .boxed()
    }

    fn queue_facts<'a>(&'a self, queue: &'a QueueHandle) -> Answer<'a, QueueFacts> {
        async move {
            self.program.passes().await;
            self.below.queue_facts(queue).await
        }
        .boxed()
    }

    fn send<'a>(
        &'a self,
        queue: &'a QueueHandle,
        messages: Vec<OutgoingMessage>,
    ) -> Answers<'a, SentMessage> {
        async move {
            self.program.passes().await;
            self.note("sends to", queue, messages.len());
            let sent = self.below.send_batch(queue, messages).await;
            self.program.passes().await;
            sent
        }
        .boxed()
    }

    fn receive<'a>(
        &'a self,
        queue: &'a QueueHandle,
        request: ReceiveRequest,
    ) -> Answer<'a, Vec<ReceivedMessage>> {
        async move {
            self.program.passes().await;
            self.note("receives from", queue, request.count_max);
            self.check_pause(queue);
            self.note_receive();
            let received = self.below.receive(queue, request).await;
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

    fn delete<'a>(&'a self, queue: &'a QueueHandle, receipts: Vec<String>) -> Answers<'a, ()> {
        async move {
            self.program.passes().await;
            self.note("deletes from", queue, receipts.len());
            for receipt in &receipts {
                self.spend(queue, receipt, "delete");
            }
            let deleted = self.below.delete_batch(queue, receipts).await;
            self.program.passes().await;
            deleted
        }
        .boxed()
    }

    fn change_visibility<'a>(
        &'a self,
        queue: &'a QueueHandle,
        changes: Vec<(String, Duration)>,
    ) -> Answers<'a, ()> {
        async move {
            self.program.passes().await;
            self.note("leases of", queue, changes.len());
            let asked_at = self.program.book.now();
            let returns = hands_back();
            let renewals = if returns { Vec::new() } else { changes.clone() };
            for (receipt, _) in changes.iter().filter(|_| returns) {
                self.spend(queue, receipt, "hand back");
            }
            let answered = self.below.change_visibility_batch(queue, changes).await;
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
