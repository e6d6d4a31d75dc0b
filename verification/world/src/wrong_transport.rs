//! What a wrong runtime would ask of its queues, between it and them: see [`Mutant`].

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use futures::{FutureExt as _, future};
use longshore_tasks::envelope::{GENERATION, REASON};
use longshore_tasks::transport::{
    EntryResult, OutgoingMessage, QueueHandle, ReceiveRequest, ReceivedMessage, Result,
    SentMessage, Transport, TransportError,
};
use longshore_types::MessageAttribute;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::chore::number_of;
use crate::mutant::Mutant;
use crate::program::Program;
use crate::purposes::hands_back;
use crate::queues::REPLIES;
use crate::transport_layer::{Answer, Answers, TransportLayer};

/// How long what is not awaited takes.
const LATER: Duration = Duration::from_millis(700);
/// When what is throttled is asked for again.
const ASK_AGAIN: Duration = Duration::from_secs(5);
/// How many receives are made before none is.
const RECEIVES_MADE: u32 = 3;

/// A transport of a program that is wrong in that way.
#[derive(Debug)]
pub(crate) struct WrongTransport {
    pub(crate) below: Arc<dyn Transport>,
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

    /// What is throttled is asked for again until it is not, whatever has become of the leases meanwhile.
    async fn asked_for_again<'a>(
        &self,
        call: impl Fn() -> Answers<'a, ()>,
    ) -> Result<Vec<EntryResult<()>>> {
        loop {
            let answers = call().await;
            let throttled = matches!(answers, Err(TransportError::Throttled { .. }));
            if !throttled || !self.is(Mutant::IgnoresDeadlines) {
                return answers;
            }
            sleep(ASK_AGAIN).await;
        }
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

/// Whether a message is the reply to one that came without an id of ours.
fn answers_a_stranger(message: &OutgoingMessage) -> bool {
    let id = message.attributes.get("replyMessageId").and_then(MessageAttribute::as_text);
    id.is_some_and(|id| number_of(id).is_none())
}

impl TransportLayer for WrongTransport {
    fn below(&self) -> &dyn Transport {
        &*self.below
    }

    fn send<'a>(
        &'a self,
        queue: &'a QueueHandle,
        mut messages: Vec<OutgoingMessage>,
    ) -> Answers<'a, SentMessage> {
        async move {
            let sent =
                || SentMessage { message_id: "00000000-0000-4000-8000-000000000000".to_owned() };
            if self.is(Mutant::ResolvesForEachSend) {
                self.below.resolve(queue.name()).await?;
            }
            if self.is(Mutant::BuffersReplies) && queue.name() == REPLIES {
                let answers = messages.iter().map(|_| Ok(sent())).collect();
                let (inner, queue) = (Arc::clone(&self.below), queue.clone());
                self.later(async move { drop(inner.send_batch(&queue, messages).await) });
                return Ok(answers);
            }
            if self.is(Mutant::ForgetsStrangers) && messages.iter().any(answers_a_stranger) {
                return Ok(messages.iter().map(|_| Ok(sent())).collect());
            }
            if self.is(Mutant::ForgetsDelays) {
                for message in &mut messages {
                    message.delay = None;
                }
            }
            let answers = self.below.send_batch(queue, messages).await;
            self.pretend(answers, sent)
        }
        .boxed()
    }

    fn receive<'a>(
        &'a self,
        queue: &'a QueueHandle,
        mut request: ReceiveRequest,
    ) -> Answer<'a, Vec<ReceivedMessage>> {
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
            let mut received = self.below.receive(queue, request).await?;
            if self.is(Mutant::DeletesOnReceive) && !received.is_empty() {
                let receipts =
                    received.iter().map(|message| message.receipt_handle.clone()).collect();
                drop(self.below.delete_batch(queue, receipts).await);
            }
            for message in &mut received {
                if self.is(Mutant::ForgetsGroups) {
                    message.group_id = None;
                }
                if self.is(Mutant::ForgetsGenerations) {
                    message.attributes.retain(|name, _| name != GENERATION && name != REASON);
                }
            }
            Ok(received)
        }
        .boxed()
    }

    fn delete<'a>(&'a self, queue: &'a QueueHandle, receipts: Vec<String>) -> Answers<'a, ()> {
        async move {
            if self.is(Mutant::DrainForgetsTheBuffer) && self.shutdown.is_cancelled() {
                return Ok(receipts.iter().map(|_| Ok(())).collect());
            }
            if self.is(Mutant::SpendsLostLeases) && queue.name() != REPLIES {
                sleep(self.visibility * 2).await;
            }
            let delete = || self.below.delete_batch(queue, receipts.clone());
            let answers = self.asked_for_again(delete).await;
            self.pretend(answers, || ())
        }
        .boxed()
    }

    fn change_visibility<'a>(
        &'a self,
        queue: &'a QueueHandle,
        changes: Vec<(String, Duration)>,
    ) -> Answers<'a, ()> {
        async move {
            let renews = !hands_back();
            if renews && self.is(Mutant::DoesNotRenew) {
                return Ok(changes.iter().map(|_| Ok(())).collect());
            }
            if renews && self.is(Mutant::DoesNotAwaitTheHeartbeat) {
                let answers = changes.iter().map(|_| Ok(())).collect();
                let (inner, queue) = (Arc::clone(&self.below), queue.clone());
                self.later(
                    async move { drop(inner.change_visibility_batch(&queue, changes).await) },
                );
                return Ok(answers);
            }
            if renews && self.is(Mutant::WaitsForTheStore) {
                sleep(self.program.hangs_for()).await;
            }
            let change = || self.below.change_visibility_batch(queue, changes.clone());
            let answers = if renews { change().await } else { self.asked_for_again(change).await };
            self.pretend(answers, || ())
        }
        .boxed()
    }
}
