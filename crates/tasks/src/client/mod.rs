//! Sends tasks and knows how they stand.
//!
//! The order of a send is PENDING → send → alias: whatever dies in between, a task that is on
//! the queue is known to the application, and its reply is found.
//!
//! # Invariants
//!
//! - A send that certainly failed leaves nothing: its PENDING is withdrawn.
//! - A send whose outcome is unknown stays PENDING, for the task may run.

mod error;
mod pending;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

pub use error::SendError;
use futures::FutureExt as _;
use futures::future::join_all;
use longshore_types::limits::{BATCH_ENTRIES_MAX, MESSAGE_BYTES_MAX};
pub use pending::{Pending, ReplyError};

use crate::clock::{Clock, SystemClock};
use crate::codec::Codec;
use crate::contents;
use crate::envelope::Envelope;
use crate::id::{RandomSource, SystemRandom, TaskId};
use crate::store::{self, ReplyStore, Retention, Status};
use crate::task::Task;
use crate::transport::{
    EntryResult, OutgoingMessage, QueueHandle, SentMessage, Transport, TransportError,
};

/// What a [`Client`] can be told.
#[derive(Clone, Debug)]
pub struct ClientOptions {
    /// The queue that wants the replies, by name or URL; `None` leaves it to the worker.
    pub reply_queue: Option<String>,
    /// How long a task is known after it ended, whenever its store removes it; see [`Retention`].
    pub retention: Duration,
    /// Tells the time that messages bear.
    pub clock: Arc<dyn Clock>,
    /// Where task ids come from.
    pub random: Arc<dyn RandomSource>,
}

impl Default for ClientOptions {
    /// The system's clock and random numbers, and no queue for replies. A task is known for as
    /// long as its store has it.
    fn default() -> Self {
        Self {
            reply_queue: None,
            retention: Duration::MAX,
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandom),
        }
    }
}

/// Sends tasks to one queue. Cheap to clone; clones share everything.
#[derive(Clone, Debug)]
pub struct Client {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    transport: Arc<dyn Transport>,
    queue_name: String,
    /// Found at the first send, so that a client can be made before the broker is up.
    queue: OnceLock<QueueHandle>,
    replies: Arc<dyn ReplyStore>,
    options: ClientOptions,
}

/// A task that has its id and its message, and is not sent yet.
struct Prepared {
    id: TaskId,
    message: OutgoingMessage,
}

impl Client {
    /// A client that sends to `task_queue`, a name or a URL. Nothing is asked of the broker yet.
    pub fn new(
        transport: Arc<dyn Transport>,
        task_queue: impl Into<String>,
        replies: Arc<dyn ReplyStore>,
        options: ClientOptions,
    ) -> Self {
        let (queue_name, queue) = (task_queue.into(), OnceLock::new());
        Self { inner: Arc::new(Inner { transport, queue_name, queue, replies, options }) }
    }

    /// Sends a task.
    ///
    /// # Errors
    ///
    /// See [`SendError`]: of each it is said whether the task may run.
    ///
    /// # Cancel safety
    ///
    /// A dropped send may have been carried out; its task is then PENDING under an id that
    /// nobody was told.
    pub async fn send<T: Task>(&self, task: &T) -> Result<Pending<T>, SendError> {
        let mut answers = self.send_all(std::slice::from_ref(task)).await;
        answers.pop().expect("every task is answered for")
    }

    /// Sends tasks, packed into batches of as many as fit, and answers for each in its place.
    pub async fn send_all<T: Task>(&self, tasks: &[T]) -> Vec<Result<Pending<T>, SendError>> {
        let queue = match self.queue().await {
            Ok(queue) => queue,
            Err(error) => return refuse_all(tasks.len(), &error),
        };
        let mut answers: Vec<Option<Result<TaskId, SendError>>> = Vec::new();
        let mut batch = Vec::new();
        for (place, task) in tasks.iter().enumerate() {
            answers.push(None);
            match self.prepare(queue, task) {
                Err(error) => answers[place] = Some(Err(error)),
                Ok(prepared) => {
                    if !fits(&batch, &prepared) {
                        self.send_batch(queue, std::mem::take(&mut batch), &mut answers).await;
                    }
                    batch.push((place, prepared));
                }
            }
        }
        self.send_batch(queue, batch, &mut answers).await;
        answers.into_iter().map(|answer| self.pending_from(answer)).collect()
    }

    /// How a task stands; `None` if it is not known, or was kept for as long as it should be.
    pub async fn status(&self, id: &TaskId) -> store::Result<Option<Status>> {
        let Inner { replies, options, .. } = &*self.inner;
        let known = replies.known(id).await?;
        let horizon = Retention::new(options.retention).horizon(self.now());
        Ok(known.filter(|known| horizon.shows(known)).map(|known| known.status))
    }

    /// The task `id` that was sent before, to wait for its reply.
    pub fn pending<T: Task>(&self, id: TaskId) -> Pending<T> {
        Pending::new(id, self.clone())
    }

    async fn queue(&self) -> Result<&QueueHandle, TransportError> {
        let Inner { transport, queue_name, queue, .. } = &*self.inner;
        if let Some(queue) = queue.get() {
            return Ok(queue);
        }
        // Side by side: while the broker cannot be reached, nobody waits for another's patience.
        let found = transport.resolve(queue_name).await?;
        Ok(queue.get_or_init(|| found))
    }

    fn prepare<T: Task>(&self, queue: &QueueHandle, task: &T) -> Result<Prepared, SendError> {
        let options = &self.inner.options;
        let now = options.clock.now();
        let id = TaskId::generate(now, options.random.as_ref());
        let body = T::Codec::encode_argument(task).map_err(|error| SendError::invalid(&error))?;
        let envelope = Envelope {
            task_name: Some(T::NAME.to_owned()),
            task_id: Some(id.clone()),
            reply_to: options.reply_queue.clone(),
            created_at: Some(now),
            ..Envelope::default()
        };
        let message = OutgoingMessage::new(body, envelope.seal());
        let message = message.in_group_of(queue, &id, id.as_str());
        check(&message)?;
        Ok(Prepared { id, message })
    }

    async fn send_batch(
        &self,
        queue: &QueueHandle,
        batch: Vec<(usize, Prepared)>,
        answers: &mut [Option<Result<TaskId, SendError>>],
    ) {
        let begins = batch.iter().map(|(_, task)| self.inner.replies.begin(&task.id, self.now()));
        let begins = join_all(begins).await;
        let mut begun = Vec::new();
        for ((place, prepared), begin) in batch.into_iter().zip(begins) {
            match begin {
                Ok(()) => begun.push((place, prepared)),
                Err(error) => answers[place] = Some(Err(SendError::Store(error))),
            }
        }
        if begun.is_empty() {
            return;
        }
        let messages = begun.iter().map(|(_, prepared)| prepared.message.clone()).collect();
        let sent = self.inner.transport.send_batch(queue, messages).await;
        let refusal = sent.as_ref().err().map(|error| (error.is_certain(), error.to_string()));
        let mut sent = sent.unwrap_or_default().into_iter();
        let (places, tasks): (Vec<_>, Vec<_>) = begun.into_iter().unzip();
        let settled = tasks.into_iter().map(|task| match &refusal {
            None => self.settle(task.id, sent.next()).boxed(),
            Some((certain, reason)) => self.give_up(task.id, *certain, reason.clone()).boxed(),
        });
        for (place, answer) in places.into_iter().zip(join_all(settled).await) {
            answers[place] = Some(answer);
        }
    }

    /// Draws the conclusion from a call without an answer.
    async fn give_up(
        &self,
        id: TaskId,
        certain: bool,
        reason: String,
    ) -> Result<TaskId, SendError> {
        if certain {
            return Err(self.withdraw(&id, reason).await);
        }
        Err(SendError::Unknown { id, reason })
    }

    /// Draws the conclusion from what became of one entry.
    async fn settle(
        &self,
        id: TaskId,
        entry: Option<EntryResult<SentMessage>>,
    ) -> Result<TaskId, SendError> {
        match entry {
            Some(Ok(sent)) => self.note_alias(id, &sent).await,
            Some(Err(fault)) if fault.is_certain() => {
                Err(self.withdraw(&id, fault.to_string()).await)
            }
            Some(Err(_)) | None => {
                let reason = "the answer leaves the message out".to_owned();
                Err(SendError::Unknown { id, reason })
            }
        }
    }

    /// The task is on the queue, so a store that fails now is no reason to say otherwise: only a
    /// foreign worker's reply would not be found.
    async fn note_alias(&self, id: TaskId, sent: &SentMessage) -> Result<TaskId, SendError> {
        let Ok(message_id) = TaskId::parse(&sent.message_id) else { return Ok(id) };
        if let Err(error) = self.inner.replies.alias(&message_id, &id, self.now()).await {
            tracing::warn!(task = %id, %error, "the task was sent; its message id was not noted");
        }
        Ok(id)
    }

    async fn withdraw(&self, id: &TaskId, reason: String) -> SendError {
        if let Err(error) = self.inner.replies.forget(id).await {
            tracing::warn!(task = %id, %error, "the task was not sent, and stays PENDING");
        }
        SendError::NotSent { reason }
    }

    fn pending_from<T: Task>(
        &self,
        answer: Option<Result<TaskId, SendError>>,
    ) -> Result<Pending<T>, SendError> {
        answer.expect("every task is answered for").map(|id| self.pending(id))
    }

    fn now(&self) -> longshore_types::Timestamp {
        self.inner.options.clock.now()
    }
}

fn refuse_all<T: Task>(count: usize, error: &TransportError) -> Vec<Result<Pending<T>, SendError>> {
    let reason = error.to_string();
    (0..count).map(|_| Err(SendError::NotSent { reason: reason.clone() })).collect()
}

/// What the endpoint would refuse anyway is refused here, before the task is PENDING.
fn check(message: &OutgoingMessage) -> Result<(), SendError> {
    let bytes = message.bytes();
    if bytes > MESSAGE_BYTES_MAX as usize {
        let reason = format!("the task has {bytes} bytes, and SQS takes {MESSAGE_BYTES_MAX}");
        return Err(SendError::Invalid { reason });
    }
    contents::check_body(&message.body).map_err(|why| SendError::Invalid { reason: why.to_owned() })
}

fn fits(batch: &[(usize, Prepared)], next: &Prepared) -> bool {
    let bytes: usize = batch.iter().map(|(_, prepared)| prepared.message.bytes()).sum();
    batch.len() < BATCH_ENTRIES_MAX && bytes + next.message.bytes() <= MESSAGE_BYTES_MAX as usize
}
