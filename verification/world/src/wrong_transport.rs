//! What a wrong runtime would ask of its queues, between it and them: see [`Mutant`].

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use futures::{FutureExt as _, future};
use longshore_tasks::transport::{
    BoxFuture, EntryResult, OutgoingMessage, QueueFacts, QueueHandle, ReceiveRequest,
    ReceivedMessage, RequestMeter, Result, SentMessage, Throttle, Transport,
};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::mutant::Mutant;
use crate::program::Program;
use crate::purposes::hands_back;
use crate::queues::REPLIES;

/// How long what is not awaited takes.
const LATER: Duration = Duration::from_millis(700);
/// How many receives are made before none is.
const RECEIVES_MADE: u32 = 3;

/// A transport of a program that is wrong in that way.
#[derive(Debug)]
pub(crate) struct WrongTransport {
    pub(crate) inner: Arc<dyn Transport>,
    pub(crate) program: Arc<Program>,
    pub(crate) mutant: Mutant,
    pub(crate) visibility: Duration,
    /// Whether the program is to stop.
    pub(crate) shutdown: CancellationToken,
    /// How many receives were asked for.
    pub(crate) receives: AtomicU32,
}

impl WrongTransport {
    fn is(&self, mutant: Mutant) -> bool {
        self.mutant == mutant
    }

    /// Does something later, unless the program is killed before.
    fn later(&self, call: impl Future<Output = ()> + Send + 'static) {
        let spawned = tokio::spawn(async move {
            sleep(LATER).await;
            call.await;
        });
        self.program.add_root(spawned.abort_handle());
    }

    /// What failed is said to be done.
    fn pretend<T>(
        &self,
        answers: Result<Vec<EntryResult<T>>>,
        done: impl Fn() -> T,
    ) -> Result<Vec<EntryResult<T>>> {
        if !self.is(Mutant::CountsFailedEntriesAsDone) {
            return answers;
        }
        Ok(answers?.into_iter().map(|answer| Ok(answer.unwrap_or_else(|_| done()))).collect())
    }
}

impl Transport for WrongTransport {
    fn receive_patience(&self) -> Option<Duration> {
        self.inner.receive_patience()
    }

    fn throttle(&self) -> Option<Throttle> {
        self.inner.throttle()
    }

    fn meter(&self) -> Option<Arc<RequestMeter>> {
        self.inner.meter()
    }

    fn resolve<'a>(&'a self, queue: &'a str) -> BoxFuture<'a, Result<QueueHandle>> {
        self.inner.resolve(queue)
    }

    fn queue_facts<'a>(&'a self, queue: &'a QueueHandle) -> BoxFuture<'a, Result<QueueFacts>> {
        self.inner.queue_facts(queue)
    }

    fn send_batch<'a>(
        &'a self,
        queue: &'a QueueHandle,
        messages: Vec<OutgoingMessage>,
    ) -> BoxFuture<'a, Result<Vec<EntryResult<SentMessage>>>> {
        async move {
            let sent =
                || SentMessage { message_id: "00000000-0000-4000-8000-000000000000".to_owned() };
            if self.is(Mutant::ResolvesForEachSend) {
                self.inner.resolve(queue.name()).await?;
            }
            if self.is(Mutant::BuffersReplies) && queue.name() == REPLIES {
                let answers = messages.iter().map(|_| Ok(sent())).collect();
                let (inner, queue) = (Arc::clone(&self.inner), queue.clone());
                self.later(async move { drop(inner.send_batch(&queue, messages).await) });
                return Ok(answers);
            }
            let answers = self.inner.send_batch(queue, messages).await;
            self.pretend(answers, sent)
        }
        .boxed()
    }

    fn receive<'a>(
        &'a self,
        queue: &'a QueueHandle,
        mut request: ReceiveRequest,
    ) -> BoxFuture<'a, Result<Vec<ReceivedMessage>>> {
        async move {
            let made = self.receives.fetch_add(1, Relaxed);
            if self.is(Mutant::StopsPolling) && made > RECEIVES_MADE {
                return future::pending().await;
            }
            if self.is(Mutant::PollsWithoutWaiting) {
                // Not even the fastest of networks answers at once.
                sleep(Duration::from_millis(50)).await;
                request.wait = Duration::ZERO;
            }
            let mut received = self.inner.receive(queue, request).await?;
            if self.is(Mutant::DeletesOnReceive) && !received.is_empty() {
                let receipts =
                    received.iter().map(|message| message.receipt_handle.clone()).collect();
                drop(self.inner.delete_batch(queue, receipts).await);
            }
            if self.is(Mutant::ForgetsGroups) {
                for message in &mut received {
                    message.group_id = None;
                }
            }
            Ok(received)
        }
        .boxed()
    }

    fn delete_batch<'a>(
        &'a self,
        queue: &'a QueueHandle,
        receipts: Vec<String>,
    ) -> BoxFuture<'a, Result<Vec<EntryResult<()>>>> {
        async move {
            if self.is(Mutant::DrainForgetsTheBuffer) && self.shutdown.is_cancelled() {
                return Ok(receipts.iter().map(|_| Ok(())).collect());
            }
            if self.is(Mutant::SpendsLostLeases) && queue.name() != REPLIES {
                sleep(self.visibility * 2).await;
            }
            let answers = self.inner.delete_batch(queue, receipts).await;
            self.pretend(answers, || ())
        }
        .boxed()
    }

    fn change_visibility_batch<'a>(
        &'a self,
        queue: &'a QueueHandle,
        changes: Vec<(String, Duration)>,
    ) -> BoxFuture<'a, Result<Vec<EntryResult<()>>>> {
        async move {
            let renews = !hands_back();
            if renews && self.is(Mutant::DoesNotRenew) {
                return Ok(changes.iter().map(|_| Ok(())).collect());
            }
            if renews && self.is(Mutant::DoesNotAwaitTheHeartbeat) {
                let answers = changes.iter().map(|_| Ok(())).collect();
                let (inner, queue) = (Arc::clone(&self.inner), queue.clone());
                self.later(
                    async move { drop(inner.change_visibility_batch(&queue, changes).await) },
                );
                return Ok(answers);
            }
            let answers = self.inner.change_visibility_batch(queue, changes).await;
            self.pretend(answers, || ())
        }
        .boxed()
    }
}
