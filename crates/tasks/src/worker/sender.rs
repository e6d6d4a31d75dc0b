//! Sends what a worker has to say: replies, copies for the dead-letter queue, tasks sent anew.
//!
//! Messages that come while all calls are busy share the next one. Queues are found by name once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::join_all;
use tokio::sync::OnceCell;

use crate::batch_entries::{Settled, settle};
use crate::batcher::{BatchLoop, Batcher};
use crate::transport::{self, OutgoingMessage, QueueHandle, Transport};

/// Queues whose handles are kept; beyond that the names are made up, and are asked for anew.
const KNOWN_QUEUES_MAX: usize = 1000;

/// Where messages are handed in.
#[derive(Debug)]
pub(super) struct Sender {
    transport: Arc<dyn Transport>,
    /// A cell for each name, so that one which is slow to be found keeps no other waiting.
    known: Mutex<HashMap<String, Arc<OnceCell<QueueHandle>>>>,
    messages: Batcher<(QueueHandle, OutgoingMessage), Result<(), String>>,
}

/// Makes the calls for the [`Sender`].
#[derive(Debug)]
pub(super) struct SenderLoop {
    transport: Arc<dyn Transport>,
    messages: BatchLoop<(QueueHandle, OutgoingMessage), Result<(), String>>,
}

impl Sender {
    pub(super) fn new(transport: Arc<dyn Transport>) -> (Self, SenderLoop) {
        let (messages, batch_loop) = Batcher::new(Duration::ZERO);
        let run = SenderLoop { transport: Arc::clone(&transport), messages: batch_loop };
        (Self { transport, known: Mutex::default(), messages }, run)
    }

    /// Sends the message, and says why it is not known to be sent.
    pub(super) async fn send(
        &self,
        queue: &QueueHandle,
        message: OutgoingMessage,
    ) -> Result<(), String> {
        let bytes = message.bytes();
        let ended = || Err("the worker has ended".to_owned());
        self.messages.ask((queue.clone(), message), bytes).await.unwrap_or_else(ended)
    }

    /// The queue of that name or URL: asked for once, not for each message.
    pub(super) async fn queue(&self, name: &str) -> transport::Result<QueueHandle> {
        let found = self.cell(name);
        let queue = found.get_or_try_init(|| self.transport.resolve(name)).await;
        if queue.is_err() {
            self.known().remove(name);
        }
        queue.cloned()
    }

    fn cell(&self, name: &str) -> Arc<OnceCell<QueueHandle>> {
        let mut known = self.known();
        if let Some(cell) = known.get(name) {
            return Arc::clone(cell);
        }
        let cell = Arc::<OnceCell<_>>::default();
        if known.len() < KNOWN_QUEUES_MAX {
            known.insert(name.to_owned(), Arc::clone(&cell));
        }
        cell
    }

    fn known(&self) -> MutexGuard<'_, HashMap<String, Arc<OnceCell<QueueHandle>>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
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
async fn send_by_queue(
    transport: &dyn Transport,
    batch: Vec<(QueueHandle, OutgoingMessage)>,
) -> Vec<Result<(), String>> {
    let mut by_queue: HashMap<QueueHandle, Vec<(usize, OutgoingMessage)>> = HashMap::new();
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
    messages: Vec<(usize, OutgoingMessage)>,
) -> Vec<(usize, Result<(), String>)> {
    let (places, messages): (Vec<_>, Vec<_>) = messages.into_iter().unzip();
    let settled = settle(messages, |messages| transport.send_batch(&queue, messages)).await;
    let answer = |one| match one {
        Settled::Done(_) => Ok(()),
        Settled::Stale => Err("the endpoint says InvalidParameterValue".to_owned()),
        Settled::GaveUp(cause) => Err(cause),
    };
    places.into_iter().zip(settled.into_iter().map(answer)).collect()
}
