//! Sends what a worker has to say: replies, copies for the dead-letter queue, tasks sent anew.
//!
//! A message waits for those of other tasks that are under way, for as long as the worker was told, and shares
//! their request. Queues are found by name once; that
//! one cannot be found is remembered too, for a while, so that it costs no call for each message.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::join_all;
use tokio::sync::OnceCell;
use tokio::time::Instant;

use crate::batch_entries::{Settled, settle};
use crate::batcher::{BatchLoop, Batcher, Joined, Linger, Others};
use crate::error_chain::in_one_line;
use crate::transport::meter::{Charged, Item, charge};
use crate::transport::{Action, OutgoingMessage, QueueHandle, Transport};

/// Queues whose handles are kept: those that replies may go to, and dead-letter queues.
const KNOWN_QUEUES_MAX: usize = 1000;
/// How long a queue that was not found is not asked for again.
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(5);

/// A message, where it goes and what it is for.
type Outgoing = (QueueHandle, Charged<OutgoingMessage>);

/// Where messages are handed in.
#[derive(Debug)]
pub(super) struct Sender {
    transport: Arc<dyn Transport>,
    /// A cell for each name, so that one which is slow to be found keeps no other waiting.
    known: Mutex<HashMap<String, Arc<Known>>>,
    messages: Batcher<Outgoing, Result<(), String>>,
}

/// What asking for a queue came to.
#[derive(Debug, Default)]
struct Known {
    found: OnceCell<QueueHandle>,
    failed: tokio::sync::Mutex<Option<(Instant, String)>>,
}

/// Makes the calls for the [`Sender`].
#[derive(Debug)]
pub(super) struct SenderLoop {
    transport: Arc<dyn Transport>,
    messages: BatchLoop<Outgoing, Result<(), String>>,
}

impl Sender {
    /// Messages wait for those of `others` for up to `linger`.
    pub(super) fn new(
        transport: Arc<dyn Transport>,
        linger: Duration,
        others: Others,
    ) -> (Self, SenderLoop) {
        let (messages, batch_loop) = Batcher::new(Linger::ForOthers(linger, others));
        let run = SenderLoop { transport: Arc::clone(&transport), messages: batch_loop };
        (Self { transport, known: Mutex::default(), messages }, run)
    }

    /// Sends the message, which is for `item`, and says why it is not known to be sent. Whoever sends it
    /// has nothing more to send before the answer: others wait for it no longer.
    pub(super) async fn send(
        &self,
        queue: &QueueHandle,
        message: OutgoingMessage,
        item: Item,
        sender: Option<&Joined>,
    ) -> Result<(), String> {
        let bytes = message.bytes();
        let message = Charged { entry: message, item };
        let ended = || Err("the worker has ended".to_owned());
        let answer = self.messages.submit((queue.clone(), message), bytes).await;
        if let Some(sender) = sender {
            sender.leave();
        }
        let Some(answer) = answer else { return ended() };
        answer.await.unwrap_or_else(|_| ended())
    }

    /// The queue of that name or URL: asked for once, not for each message. Where it was not found,
    /// that is said again for a while without asking.
    pub(super) async fn queue(&self, name: &str) -> Result<QueueHandle, String> {
        let known = self.known(name);
        if let Some(found) = known.found.get() {
            return Ok(found.clone());
        }
        let mut failed = known.failed.lock().await;
        if let Some((at, cause)) = &*failed
            && at.elapsed() < ASK_AGAIN_AFTER
        {
            return Err(cause.clone());
        }
        let found = known.found.get_or_try_init(|| self.transport.resolve(name)).await;
        found.cloned().map_err(|error| {
            let cause = in_one_line(&error);
            *failed = Some((Instant::now(), cause.clone()));
            cause
        })
    }

    fn known(&self, name: &str) -> Arc<Known> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = known.get(name) {
            return Arc::clone(found);
        }
        let new = Arc::<Known>::default();
        if known.len() < KNOWN_QUEUES_MAX {
            known.insert(name.to_owned(), Arc::clone(&new));
        }
        new
    }
}

impl SenderLoop {
    /// Works until the [`Sender`] is gone and everything was sent.
    pub(super) async fn run(self) {
        let Self { transport, messages } = self;
        messages.run(|batch| send_by_queue(&*transport, batch)).await;
    }
}

/// A batch call is about one queue, so a batch for several becomes several calls.
async fn send_by_queue(transport: &dyn Transport, batch: Vec<Outgoing>) -> Vec<Result<(), String>> {
    let mut by_queue: BTreeMap<QueueHandle, Vec<(usize, Charged<OutgoingMessage>)>> =
        BTreeMap::new();
    let count = batch.len();
    for (place, (queue, message)) in batch.into_iter().enumerate() {
        by_queue.entry(queue).or_default().push((place, message));
    }
    let calls = by_queue.into_iter().map(|(queue, messages)| send(transport, queue, messages));
    let mut answers = vec![Err("the answer leaves the message out".to_owned()); count];
    for (place, answer) in join_all(calls).await.into_iter().flatten() {
        answers[place] = answer;
    }
    answers
}

async fn send(
    transport: &dyn Transport,
    queue: QueueHandle,
    messages: Vec<(usize, Charged<OutgoingMessage>)>,
) -> Vec<(usize, Result<(), String>)> {
    let (places, messages): (Vec<_>, Vec<_>) = messages.into_iter().unzip();
    let action = Action::SendMessageBatch;
    let send = |messages| charge(messages, |messages| transport.send_batch(&queue, messages));
    let settled = settle(action, messages, send).await;
    let answer = |one| match one {
        Settled::Done(_) => Ok(()),
        Settled::Stale | Settled::Late => {
            unreachable!("a send names no receipt, and has no deadline")
        }
        Settled::GaveUp { cause, certain: true, .. } => Err(in_one_line(&*cause)),
        Settled::GaveUp { cause, certain: false, .. } => {
            Err(format!("{} (it may have been sent)", in_one_line(&*cause)))
        }
    };
    places.into_iter().zip(settled.into_iter().map(answer)).collect()
}
