//! A transport that notes which tasks were sent.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use longshore_tasks::dead_letter::REASON;
use longshore_tasks::envelope::Envelope;
use longshore_tasks::transport::{
    EntryResult, OutgoingMessage, QueueFacts, QueueHandle, ReceiveRequest, ReceivedMessage,
    RequestMeter, Result, SentMessage,
};
use longshore_tasks::{BoxFuture, Codec as _, Task, TaskId, Transport};

/// A transport that notes which tasks were sent.
#[derive(Debug)]
pub(super) struct Sent {
    transport: Arc<dyn Transport>,
    tasks: Mutex<Tasks>,
}

#[derive(Debug, Default)]
struct Tasks {
    known: HashSet<TaskId>,
    /// In the order in which they were sent.
    sent: Vec<SentTask>,
}

#[derive(Debug)]
struct SentTask {
    id: TaskId,
    name: String,
    queue: QueueHandle,
    message: OutgoingMessage,
}

impl Tasks {
    /// Notes a message that is a task's, and of no task that was sent before. A dead letter has the name
    /// of its task too, and is none.
    fn note(&mut self, queue: &QueueHandle, message: &OutgoingMessage) {
        let envelope = Envelope::open(&message.attributes);
        let (Some(name), Some(id)) = (envelope.task_name, envelope.task_id) else { return };
        if !message.attributes.contains_key(REASON) && self.known.insert(id.clone()) {
            let (queue, message) = (queue.clone(), message.clone());
            self.sent.push(SentTask { id, name, queue, message });
        }
    }
}

impl Sent {
    pub(super) fn new(transport: Arc<dyn Transport>) -> Self {
        Self { transport, tasks: Mutex::default() }
    }

    /// The tasks of type `T` with their arguments, in the order in which they were sent.
    pub(super) fn of_type<T: Task>(&self) -> Vec<(TaskId, T)> {
        let tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        let of_type = tasks.sent.iter().filter(|task| task.name == T::NAME);
        let read = |SentTask { id, name, message, .. }: &SentTask| {
            let body = &message.body;
            let argument = T::Codec::decode_argument(body);
            let argument = argument
                .unwrap_or_else(|fault| panic!("a task `{name}` was sent with {body}: {fault}"));
            (id.clone(), argument)
        };
        of_type.map(read).collect()
    }

    /// The message of a task, and the queue that it was sent to.
    pub(super) fn message(&self, id: &TaskId) -> Option<(QueueHandle, OutgoingMessage)> {
        let tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        let task = tasks.sent.iter().find(|task| task.id == *id)?;
        Some((task.queue.clone(), task.message.clone()))
    }
}

impl Transport for Sent {
    /// None: on one thread the broker gives nothing to a receive whose caller is leaving.
    fn receive_patience(&self) -> Option<Duration> {
        Some(Duration::ZERO)
    }

    fn meter(&self) -> Option<Arc<RequestMeter>> {
        self.transport.meter()
    }

    fn resolve<'a>(&'a self, queue: &'a str) -> BoxFuture<'a, Result<QueueHandle>> {
        self.transport.resolve(queue)
    }

    fn queue_facts<'a>(&'a self, queue: &'a QueueHandle) -> BoxFuture<'a, Result<QueueFacts>> {
        self.transport.queue_facts(queue)
    }

    fn send_batch<'a>(
        &'a self,
        queue: &'a QueueHandle,
        messages: Vec<OutgoingMessage>,
    ) -> BoxFuture<'a, Result<Vec<EntryResult<SentMessage>>>> {
        Box::pin(async move {
            let answers = self.transport.send_batch(queue, messages.clone()).await?;
            let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
            for (message, answer) in messages.iter().zip(&answers) {
                if answer.is_ok() {
                    tasks.note(queue, message);
                }
            }
            Ok(answers)
        })
    }

    fn receive<'a>(
        &'a self,
        queue: &'a QueueHandle,
        request: ReceiveRequest,
    ) -> BoxFuture<'a, Result<Vec<ReceivedMessage>>> {
        self.transport.receive(queue, request)
    }

    fn delete_batch<'a>(
        &'a self,
        queue: &'a QueueHandle,
        receipts: Vec<String>,
    ) -> BoxFuture<'a, Result<Vec<EntryResult<()>>>> {
        self.transport.delete_batch(queue, receipts)
    }

    fn change_visibility_batch<'a>(
        &'a self,
        queue: &'a QueueHandle,
        changes: Vec<(String, Duration)>,
    ) -> BoxFuture<'a, Result<Vec<EntryResult<()>>>> {
        self.transport.change_visibility_batch(queue, changes)
    }
}
