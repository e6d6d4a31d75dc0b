//! A transport around another, which fails as Amazon SQS and the way to it do: by chance, and the chance by a
//! seed.
//!
//! ```text
//! a call ─▶ what happens to it is drawn ([`plan`]) ─▶ late ─▶ the transport inside ─▶ late ─▶ the answer, or not
//! ```
//!
//! # Invariants
//!
//! - What is said to be certainly not done was not done; what was done and is said to have failed is said so
//!   in a way that leaves it open.
//! - The same seed and the same calls bring the same faults.
//! - A FIFO queue keeps its order, delivers no message twice at once, and deletes what it says it deleted.

mod faults;
mod plan;

use std::collections::BTreeMap;
use std::future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use longshore_tasks::transport::{
    Action, BoxFuture, EntryFault, EntryResult, OutgoingMessage, QueueFacts, QueueHandle,
    ReceiveRequest, ReceivedMessage, RequestMeter, Result, SentMessage, Throttle, Transport,
    TransportError,
};
use tokio::time::sleep;

pub use self::faults::{FaultKind, Faults};
use self::plan::{EntryFate, Fate, Plan, Strike};

/// After what time a receive comes back that finds nothing though there is something.
const EMPTY_AFTER: Duration = Duration::from_millis(20);

/// A [`Transport`] around another, which fails by chance.
///
/// ```
/// use std::sync::Arc;
///
/// use longshore_tasks::Transport;
/// use longshore_testkit::{FaultyTransport, Faults};
///
/// /// The same endpoint on a bad day: one call in twenty is throttled, and deletes get lost.
/// fn on_a_bad_day(transport: Arc<dyn Transport>) -> Arc<FaultyTransport> {
///     let faulty = FaultyTransport::new(transport);
///     faulty.set(Faults::seed(7).throttling(0.05).lost_deletes(0.1));
///     Arc::new(faulty)
/// }
/// ```
///
/// # Cancel safety
///
/// As of the transport inside. A dropped receive whose answer is late has put messages in flight that nobody
/// holds.
#[derive(Debug)]
pub struct FaultyTransport {
    inner: Arc<dyn Transport>,
    plan: Arc<Mutex<Plan>>,
}

impl FaultyTransport {
    /// A transport around `inner`, without faults yet.
    pub fn new(inner: Arc<dyn Transport>) -> Self {
        Self { inner, plan: Arc::new(Mutex::new(Plan::none())) }
    }

    /// Has faults come by chance from now on: these instead of those before.
    pub fn set(&self, faults: Faults) {
        self.plan().set(Some(faults));
    }

    /// Has no more faults come. Calls under way end as was decided when they began.
    pub fn stop(&self) {
        self.plan().set(None);
    }

    /// How often which fault has come so far.
    pub fn counts(&self) -> BTreeMap<FaultKind, u64> {
        self.plan().counts.clone()
    }

    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What happens to a call, once it is late enough to be carried out.
    async fn begin(&self, action: Action, queue: &QueueHandle, entries: usize) -> Result<Strike> {
        let strike = self.plan().strike(action, queue.is_fifo(), entries);
        pass(strike.before).await;
        let target = queue.name().to_owned();
        match strike.fate {
            Fate::NotSent => {
                let source = "a fault: it is not reached".into();
                Err(TransportError::NotSent { action, target, source })
            }
            Fate::Throttled => {
                let (code, message) =
                    ("RequestThrottled".to_owned(), "a fault: Rate exceeded".to_owned());
                Err(TransportError::Throttled { action, target, code, message, retry_after: None })
            }
            Fate::Carried | Fate::AnswerLost | Fate::Empty | Fate::Hangs => Ok(strike),
        }
    }

    /// A batch call. Of each entry it is known what happens to it; `pretended` is the answer to one that is
    /// said to be done and is not.
    async fn batch<E, T, F>(
        &self,
        action: Action,
        queue: &QueueHandle,
        entries: Vec<E>,
        call: impl FnOnce(Vec<E>) -> F,
        pretended: impl Fn() -> Option<T>,
    ) -> Result<Vec<EntryResult<T>>>
    where
        F: Future<Output = Result<Vec<EntryResult<T>>>>,
    {
        let strike = self.begin(action, queue, entries.len()).await?;
        let is_carried =
            |fate: &EntryFate| matches!(fate, EntryFate::Carried | EntryFate::FailsAfter);
        let fates = strike.entries.iter();
        let carried: Vec<E> = entries
            .into_iter()
            .zip(fates.clone())
            .filter_map(|(entry, fate)| is_carried(fate).then_some(entry))
            .collect();
        let answers = if carried.is_empty() { Vec::new() } else { call(carried).await? };
        pass(strike.after).await;
        strike.answer(action, queue)?;
        let mut answers = answers.into_iter();
        let answer = |fate: &EntryFate| match fate {
            EntryFate::Carried => answers.next(),
            EntryFate::FailsAfter => answers.next().map(|_| Err(failed())),
            EntryFate::Fails => Some(Err(failed())),
            EntryFate::Stale => Some(Err(stale())),
            EntryFate::Lost => Some(pretended().ok_or_else(failed)),
        };
        // An answer that is shorter than its request stays so: whoever asked has to cope.
        Ok(fates.map_while(answer).collect())
    }

    /// Makes messages that were just received available again, by chance.
    async fn duplicate(&self, queue: &QueueHandle, received: &[ReceivedMessage]) {
        if queue.is_fifo() {
            return;
        }
        let twice = received.iter().filter(|_| self.plan().duplicates());
        let twice: Vec<_> =
            twice.map(|message| (message.receipt_handle.clone(), Duration::ZERO)).collect();
        if !twice.is_empty() {
            // If it fails there is no duplicate, which is no fault of anybody's.
            drop(self.inner.change_visibility_batch(queue, twice).await);
        }
    }
}

impl Strike {
    fn answer(&self, action: Action, queue: &QueueHandle) -> Result<()> {
        if self.fate != Fate::AnswerLost {
            return Ok(());
        }
        let (target, source) = (queue.name().to_owned(), "a fault: the answer was lost".into());
        Err(TransportError::Unknown { action, target, source })
    }
}

fn failed() -> EntryFault {
    let message = "a fault: this entry failed".to_owned();
    EntryFault { code: "InternalError".to_owned(), message, sender_fault: false }
}

fn stale() -> EntryFault {
    let message = "a fault: this receipt handle is taken for an old one".to_owned();
    EntryFault { code: "ReceiptHandleIsInvalid".to_owned(), message, sender_fault: true }
}

/// Lets that time pass; none, without a turn of the timer.
async fn pass(time: Duration) {
    if !time.is_zero() {
        sleep(time).await;
    }
}

impl Transport for FaultyTransport {
    fn receive_patience(&self) -> Option<Duration> {
        self.inner.receive_patience()
    }

    /// The same faults: both share the chance.
    fn separated(&self) -> BoxFuture<'_, Result<Option<Arc<dyn Transport>>>> {
        async move {
            let inner = Arc::clone(&self.inner).separate().await?;
            let separated: Arc<dyn Transport> =
                Arc::new(Self { inner, plan: Arc::clone(&self.plan) });
            Ok(Some(separated))
        }
        .boxed()
    }

    fn throttle(&self) -> Option<Throttle> {
        self.inner.throttle()
    }

    fn meter(&self) -> Option<Arc<RequestMeter>> {
        self.inner.meter()
    }

    fn resolve<'a>(&'a self, queue: &'a str) -> BoxFuture<'a, Result<QueueHandle>> {
        async move {
            let strike = self.begin(Action::GetQueueUrl, &QueueHandle::from_url(queue), 0).await?;
            let found = self.inner.resolve(queue).await?;
            strike.answer(Action::GetQueueUrl, &found)?;
            Ok(found)
        }
        .boxed()
    }

    fn queue_facts<'a>(&'a self, queue: &'a QueueHandle) -> BoxFuture<'a, Result<QueueFacts>> {
        async move {
            let strike = self.begin(Action::GetQueueAttributes, queue, 0).await?;
            let facts = self.inner.queue_facts(queue).await?;
            strike.answer(Action::GetQueueAttributes, queue)?;
            Ok(facts)
        }
        .boxed()
    }

    fn send_batch<'a>(
        &'a self,
        queue: &'a QueueHandle,
        messages: Vec<OutgoingMessage>,
    ) -> BoxFuture<'a, Result<Vec<EntryResult<SentMessage>>>> {
        let call = |messages| self.inner.send_batch(queue, messages);
        self.batch(Action::SendMessageBatch, queue, messages, call, || None).boxed()
    }

    fn receive<'a>(
        &'a self,
        queue: &'a QueueHandle,
        request: ReceiveRequest,
    ) -> BoxFuture<'a, Result<Vec<ReceivedMessage>>> {
        async move {
            let strike = self.begin(Action::ReceiveMessage, queue, 0).await?;
            match strike.fate {
                Fate::Hangs => future::pending().await,
                Fate::Empty => {
                    sleep(EMPTY_AFTER).await;
                    return Ok(Vec::new());
                }
                Fate::Carried | Fate::NotSent | Fate::Throttled | Fate::AnswerLost => {}
            }
            let mut received = self.inner.receive(queue, request).await?;
            self.duplicate(queue, &received).await;
            if !queue.is_fifo() {
                self.plan().reorder(&mut received);
            }
            pass(strike.after).await;
            strike.answer(Action::ReceiveMessage, queue)?;
            Ok(received)
        }
        .boxed()
    }

    fn delete_batch<'a>(
        &'a self,
        queue: &'a QueueHandle,
        receipts: Vec<String>,
    ) -> BoxFuture<'a, Result<Vec<EntryResult<()>>>> {
        let call = |receipts| self.inner.delete_batch(queue, receipts);
        self.batch(Action::DeleteMessageBatch, queue, receipts, call, || Some(())).boxed()
    }

    fn change_visibility_batch<'a>(
        &'a self,
        queue: &'a QueueHandle,
        changes: Vec<(String, Duration)>,
    ) -> BoxFuture<'a, Result<Vec<EntryResult<()>>>> {
        let call = |changes| self.inner.change_visibility_batch(queue, changes);
        self.batch(Action::ChangeMessageVisibilityBatch, queue, changes, call, || None).boxed()
    }
}
