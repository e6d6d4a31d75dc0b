//! Sends tasks and knows how they stand.
//!
//! The order of a send is PENDING → send → alias: whatever dies in between, a task that is on
//! the queue is known to the application, and its reply is found.
//!
//! # Invariants
//!
//! - A send that certainly failed leaves nothing: its PENDING is withdrawn.
//! - A send whose outcome is unknown stays PENDING, for the task may run.
//! - A second send with the same id is the same task.
//! - A send that its queue throttles waits within its patience, and asks no more often than the queue's gate
//!   lets it.

mod control;
mod error;
mod lanes;
mod options;
mod pending;
mod prepare;
mod request;
mod send;
mod status;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

pub use control::{ControlError, OrderQueue, QueueControls};
pub use error::{CancelError, SendError};
use longshore_types::Timestamp;
use longshore_types::limits::RETENTION_MAX;
pub use options::{ClientOptions, SendOptions};
pub use pending::{Pending, ReplyError};
pub use request::{CallTask, SendTask};
pub use status::Status;

use self::lanes::Lanes;
use self::prepare::Prepared;
use self::send::{Sending, Sent};
use crate::envelope::Envelope;
use crate::error_chain::in_one_line;
use crate::id::{RandomSource, TaskId};
use crate::life::{self, Phase, Refusal, Shown, TaskRecord};
use crate::priority::Priority;
use crate::store::{self, Change, ListQuery, Records, Store};
use crate::task::Task;
use crate::task_options::ReplyMode;
use crate::transport::{Gated, QueueHandle, Transport, TransportError};

/// Sends tasks and knows how they stand. Cheap to clone; clones share everything.
///
/// An application's gateway and its handlers' contexts have one each.
///
/// ```
/// use std::error::Error;
/// use std::time::Duration;
///
/// use longshore_tasks::{Client, Task};
///
/// async fn ask<T: Task<Reply = String>>(
///     client: &Client, now: T, later: T, rest: Vec<T>,
/// ) -> Result<String, Box<dyn Error>> {
///     // Sent, and waited for.
///     let reply = client.call(now).deadline(Duration::from_secs(20)).await?;
///     // Sent, and asked after by its id, from any process that shares the store.
///     let pending = client.send(later).delay(Duration::from_secs(600)).tag("nightly").await?;
///     client.cancel(pending.id()).await?;
///     // Sent in as few requests as they fit into; each has an answer of its own.
///     for sent in client.send_all(rest).await {
///         tracing::info!(id = %sent?.id(), "sent");
///     }
///     Ok(reply)
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Client {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    queue_name: String,
    /// Found at the first send, so that a client can be made before the broker is up.
    queues: Mutex<HashMap<String, QueueHandle>>,
    sending: Arc<Sending>,
    lanes: Lanes,
    options: ClientOptions,
}

impl Client {
    /// A client that sends to `task_queue`, a name or a URL, unless a task has a queue of its own.
    /// Nothing is asked of the broker yet.
    pub fn new(
        transport: Arc<dyn Transport>,
        task_queue: impl Into<String>,
        store: Arc<dyn Store>,
        options: ClientOptions,
    ) -> Self {
        let (queue_name, queues) = (task_queue.into(), Mutex::default());
        let records = Records::new(store, Arc::clone(&options.random));
        let transport = Gated::new(transport, &options.random);
        let sending = Arc::new(Sending { transport, records, retention: options.retention });
        let lanes = Lanes::new(Arc::clone(&sending), options.linger);
        Self { inner: Arc::new(Inner { queue_name, queues, sending, lanes, options }) }
    }

    /// Sends a task, when what this answers is awaited.
    ///
    /// # Errors
    ///
    /// See [`SendError`]: of each it is said whether the task may run.
    ///
    /// # Cancel safety
    ///
    /// A dropped send may have been carried out; its task is then PENDING under an id that
    /// nobody was told.
    pub fn send<T: Task>(&self, task: T) -> SendTask<T> {
        SendTask::new(self.clone(), task)
    }

    /// Sends a task and waits for its reply, when what this answers is awaited.
    ///
    /// # Errors
    ///
    /// See [`ReplyError`].
    ///
    /// # Cancel safety
    ///
    /// As of [`Client::send`], and the reply stays in the store.
    pub fn call<T: Task>(&self, task: T) -> CallTask<T> {
        CallTask::new(self.send(task))
    }

    /// Sends tasks, packed into batches of as many as fit, and answers for each in its place.
    pub async fn send_all<T: Task>(
        &self,
        tasks: impl IntoIterator<Item = T>,
    ) -> Vec<Result<Pending<T>, SendError>> {
        let plain = |task| (task, SendOptions::default());
        self.send_all_with(tasks.into_iter().map(plain).collect()).await
    }

    /// Sends tasks as [`Client::send_all`] does, each with options of its own.
    pub async fn send_all_with<T: Task>(
        &self,
        tasks: Vec<(T, SendOptions)>,
    ) -> Vec<Result<Pending<T>, SendError>> {
        let name = self.queue_of::<T>();
        let mut answers: Vec<Option<Sent>> = tasks.iter().map(|_| None).collect();
        let mut levels: BTreeMap<_, Vec<(usize, (T, SendOptions))>> = BTreeMap::new();
        for (place, task) in tasks.into_iter().enumerate() {
            levels.entry(task.1.priority).or_default().push((place, task));
        }
        for (level, tasks) in levels {
            let (places, tasks): (Vec<_>, Vec<_>) = tasks.into_iter().unzip();
            let sent = self.send_level(name, level, tasks).await;
            for (place, sent) in places.into_iter().zip(sent) {
                answers[place] = Some(sent);
            }
        }
        let pending = |answer: Option<Sent>| {
            let id = answer.expect("every task is answered for")?;
            Ok(Pending::new(id, name.to_owned(), self.clone()))
        };
        answers.into_iter().map(pending).collect()
    }

    /// Sends the tasks of one priority, and answers for each in its place.
    async fn send_level<T: Task>(
        &self,
        queue: &str,
        level: Option<Priority>,
        tasks: Vec<(T, SendOptions)>,
    ) -> Vec<Sent> {
        let queue = match self.level_of(queue, level).await {
            Ok(queue) => queue,
            Err(none) => return tasks.iter().map(|_| Err(none.clone().into())).collect(),
        };
        let prepare = |(task, send)| prepare::prepare(&task, send, &queue, &self.inner.options);
        self.send_prepared(&queue, tasks.into_iter().map(prepare).collect()).await
    }

    /// Sends what is fit to be sent, and answers for each in its place.
    async fn send_prepared(
        &self,
        queue: &QueueHandle,
        tasks: Vec<Result<Prepared, SendError>>,
    ) -> Vec<Sent> {
        let (mut fit, mut refused) = (Vec::new(), Vec::new());
        for task in tasks {
            match task {
                Ok(task) => {
                    fit.push(task);
                    refused.push(None);
                }
                Err(error) => refused.push(Some(error)),
            }
        }
        let mut sent = self.send_fit(queue, fit).await.into_iter();
        let answer = |refused: Option<SendError>| match refused {
            Some(error) => Err(error),
            None => sent.next().expect("every task is answered for"),
        };
        refused.into_iter().map(answer).collect()
    }

    /// One task goes with those that others send just now; several have company of their own.
    async fn send_fit(&self, queue: &QueueHandle, mut tasks: Vec<Prepared>) -> Vec<Sent> {
        match tasks.pop() {
            Some(task) if tasks.is_empty() => vec![self.inner.lanes.send(queue, task).await],
            last => {
                tasks.extend(last);
                self.inner.sending.send(queue, tasks).await
            }
        }
    }

    /// How a task stands; `None` if it is not known, or was kept for as long as it should be. `id`
    /// may also be the `MessageId` of its message, unless nobody wants its reply.
    pub async fn status(&self, id: &TaskId) -> store::Result<Option<Status>> {
        let shown = self.records().shown(id, self.inner.options.retention).await?;
        Ok(shown.map(Status::from))
    }

    /// All that is known of a task: attempts with their errors, who runs it, how far it is.
    pub async fn task(&self, id: &TaskId) -> store::Result<Option<TaskRecord>> {
        Ok(self.records().find(id).await?.record)
    }

    /// Tasks by what was asked and how they stand, the latest first; and where the next page begins.
    pub async fn tasks(
        &self,
        query: ListQuery,
    ) -> store::Result<(Vec<TaskRecord>, Option<String>)> {
        self.records().list(query).await
    }

    /// Asks for a task's end. One that runs ends as FAILED once its worker sees that, within three seconds, and has
    /// stopped the handler, unless it is done before. One that nobody runs is not run any more: it ends when a worker
    /// receives its message, with its reply. If no queue waits for that (its reply is kept in the store alone, or there
    /// is none), it is FAILED at once for whoever asks, and its message goes unrun.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use longshore_tasks::{Client, Task};
    ///
    /// async fn think_better<T: Task>(client: &Client, task: T) -> Result<(), Box<dyn std::error::Error>> {
    ///     let pending = client.send(task).delay(Duration::from_secs(600)).await?;
    ///     client.cancel(pending.id()).await?;
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// It has ended, or is not known; or the store did not take it down.
    pub async fn cancel(&self, id: &TaskId) -> Result<(), CancelError> {
        let refused = |refusal| CancelError::Refused { id: id.clone(), refusal };
        // Without one of its own a client keeps results for as long as their worker does: here it is none's.
        let retention = self.inner.options.retention.min(RETENTION_MAX);
        let found = self.records().find(id).await?;
        let asked = self.records().change(found, |found| {
            let record = found.record.ok_or_else(|| refused(Refusal::NotKnown))?;
            let mode = Envelope::open(&record.asked.attributes).reply_mode();
            let no_queue_waits = matches!(mode, Some(ReplyMode::Store | ReplyMode::None));
            let at_once = no_queue_waits.then_some(retention);
            let next = life::cancel_asked(&record, at_once, found.now).map_err(refused)?;
            Ok::<_, CancelError>(Some(Change::of(record, next)))
        });
        asked.await.map(drop)
    }

    /// The task `id` that was sent before, to wait for its reply.
    pub fn pending<T: Task>(&self, id: TaskId) -> Pending<T> {
        Pending::new(id, self.queue_of::<T>().to_owned(), self.clone())
    }

    /// The records that this client writes.
    pub fn records(&self) -> &Records {
        &self.inner.sending.records
    }

    /// Waits until the task may have ended, and answers how; `None` if the store has to be asked.
    async fn ended(&self, id: &TaskId) -> store::Result<Option<Status>> {
        let record = self.records().ended(id).await?;
        let ended = record.as_ref().filter(|record| record.life.phase == Phase::Ended);
        let ending = ended.and_then(|record| record.life.ending.as_ref());
        Ok(ending.map(|ending| Shown::Ended(ending.reply.clone()).into()))
    }

    fn random(&self) -> &dyn RandomSource {
        &*self.inner.options.random
    }

    fn now(&self) -> Timestamp {
        self.inner.options.clock.now()
    }

    /// The queue that tasks of type `T` are sent to.
    fn queue_of<T: Task>(&self) -> &str {
        let chosen = self.inner.options.queues.get(T::NAME).map(String::as_str);
        chosen.or(T::options().queue).unwrap_or(&self.inner.queue_name)
    }

    /// The SQS queue of that level of a queue.
    async fn level_of(&self, queue: &str, level: Option<Priority>) -> Result<QueueHandle, NoQueue> {
        if let Some(level) = level
            && !self.inner.options.priorities.contains(queue)
        {
            return Err(NoQueue::NoLevels { queue: queue.to_owned(), level });
        }
        let found = self.queue(&level.unwrap_or_default().queue_of(queue)).await;
        found.map_err(|error| NoQueue::not_found(&error))
    }

    async fn queue(&self, name: &str) -> Result<QueueHandle, TransportError> {
        let known = || self.inner.queues.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(queue) = known().get(name) {
            return Ok(queue.clone());
        }
        // Side by side: while the broker cannot be reached, nobody waits for another's patience.
        let queue = self.inner.sending.transport.resolve(name).await?;
        known().insert(name.to_owned(), queue.clone());
        Ok(queue)
    }
}

/// Why there is no queue to send tasks to.
#[derive(Clone)]
enum NoQueue {
    NotFound(String),
    Throttled { retry_after: Duration, reason: String },
    NoLevels { queue: String, level: Priority },
}

impl NoQueue {
    fn not_found(error: &TransportError) -> Self {
        let reason = in_one_line(error);
        match error.retry_after() {
            Some(retry_after) => Self::Throttled { retry_after, reason },
            None => Self::NotFound(reason),
        }
    }
}

impl From<NoQueue> for SendError {
    fn from(none: NoQueue) -> Self {
        match none {
            NoQueue::NotFound(reason) => Self::NotSent { reason },
            NoQueue::Throttled { retry_after, reason } => Self::Throttled { retry_after, reason },
            NoQueue::NoLevels { queue, level } => Self::invalid(format!(
                "it has the priority {level}, and the queue {queue} has no levels: give it some where the \
                 application names it, with queue.priorities(Priorities::strict()), or send the task \
                 without"
            )),
        }
    }
}
