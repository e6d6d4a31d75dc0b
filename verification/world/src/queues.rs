//! Queues that are those of the broker, in memory and under the paused clock: the engine decides, and this
//! carries bodies along, waits in long polls, and tells the book.
//!
//! # Invariants that are checked here
//!
//! - What a receipt was handed back by is not renewed by it afterwards.
//! - Where nothing fails, no message is delivered while a worker has it.

mod state;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use longshore_tasks::Clock as _;
use longshore_tasks::transport::{
    Action, BoxFuture, EntryResult, OutgoingMessage, QueueFacts, QueueHandle, ReceiveRequest,
    ReceivedMessage, RequestMeter, Result, SentMessage, Transport, TransportError,
};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use self::state::State;
use crate::book::Book;
use crate::plan::Plan;
use crate::time::WorldClock;

/// What URLs of queues begin with.
const URL: &str = "http://queues.test/000000000000/";
/// The queue that replies come to.
pub(crate) const REPLIES: &str = "replies";

/// The queue that a stranger's replies come to, if it has one of its own.
pub(crate) const STRANGERS_REPLIES: &str = "strangers-replies";

/// The queue of the tasks, by its kind.
pub(crate) fn task_queue(fifo: bool) -> &'static str {
    if fifo { "tasks.fifo" } else { "tasks" }
}

/// The queue of that name.
pub(crate) fn queue_named(name: &str) -> QueueHandle {
    QueueHandle::new(name, &format!("{URL}{name}"))
}

/// The queues of a schedule.
#[derive(Debug)]
pub(crate) struct Queues {
    state: Mutex<State>,
    /// One for each queue: something may be received that could not be.
    changed: Vec<Notify>,
    clock: WorldClock,
    patience: Option<Duration>,
    meter: Arc<RequestMeter>,
}

impl Queues {
    pub(crate) fn new(plan: &Plan, clock: WorldClock, book: Book) -> Self {
        let state = State::new(plan, book);
        let changed = (0..state.len()).map(|_| Notify::new()).collect();
        let (state, patience) = (Mutex::new(state), plan.receive_patience);
        Self { state, changed, clock, patience, meter: Arc::default() }
    }

    /// How many messages are on the queues of tasks, and on that of replies.
    pub(crate) fn left(&self) -> (usize, usize) {
        self.state().left(self.clock.now())
    }

    /// Sends a dead letter to its queue again: of a task that was not redriven before.
    pub(crate) fn redrive(&self) {
        let mut state = self.state();
        let Some(place) = state.redrive(self.clock.now()) else { return };
        drop(state);
        self.changed[place].notify_waiters();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn place(&self, action: Action, queue: &QueueHandle) -> Result<usize> {
        let found = self.state().find(queue.name());
        found.ok_or_else(|| TransportError::Refused {
            action,
            target: queue.name().to_owned(),
            code: "QueueDoesNotExist".to_owned(),
            message: "there is no such queue".to_owned(),
        })
    }

    /// Counts a call, and has each entry carried out.
    fn each<E, T>(
        &self,
        action: Action,
        queue: &QueueHandle,
        entries: Vec<E>,
        bytes: usize,
        mut act: impl FnMut(&mut State, usize, E) -> EntryResult<T>,
    ) -> Result<Vec<EntryResult<T>>> {
        self.meter.count(action, queue.name(), bytes);
        let place = self.place(action, queue)?;
        let mut state = self.state();
        let answers = entries.into_iter().map(|entry| act(&mut state, place, entry)).collect();
        drop(state);
        self.changed[place].notify_waiters();
        Ok(answers)
    }

    /// Waits until something can be received, or the time is over.
    async fn long_poll(&self, place: usize, request: ReceiveRequest) -> Vec<ReceivedMessage> {
        let ends_at = Instant::now() + request.wait;
        loop {
            let changed = self.changed[place].notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let now = self.clock.now();
            let (received, due) = self.state().receive(place, request, now);
            if !received.is_empty() || Instant::now() >= ends_at {
                return received;
            }
            let wakes_at = due.map_or(ends_at, |due| ends_at.min(Instant::now() + due.since(now)));
            tokio::select! {
                biased;
                () = changed => {}
                () = sleep_until(wakes_at) => {}
            }
        }
    }
}

impl Transport for Queues {
    fn receive_patience(&self) -> Option<Duration> {
        self.patience
    }

    fn meter(&self) -> Option<Arc<RequestMeter>> {
        Some(Arc::clone(&self.meter))
    }

    fn resolve<'a>(&'a self, queue: &'a str) -> BoxFuture<'a, Result<QueueHandle>> {
        async move {
            if queue.contains("://") {
                return Ok(QueueHandle::from_url(queue));
            }
            self.meter.count(Action::GetQueueUrl, queue, 0);
            let found = queue_named(queue);
            self.place(Action::GetQueueUrl, &found)?;
            Ok(found)
        }
        .boxed()
    }

    fn queue_facts<'a>(&'a self, queue: &'a QueueHandle) -> BoxFuture<'a, Result<QueueFacts>> {
        async move {
            self.meter.count(Action::GetQueueAttributes, queue.name(), 0);
            let place = self.place(Action::GetQueueAttributes, queue)?;
            Ok(self.state().facts(place, URL))
        }
        .boxed()
    }

    fn send_batch<'a>(
        &'a self,
        queue: &'a QueueHandle,
        messages: Vec<OutgoingMessage>,
    ) -> BoxFuture<'a, Result<Vec<EntryResult<SentMessage>>>> {
        async move {
            let bytes = messages.iter().map(OutgoingMessage::bytes).sum();
            let now = self.clock.now();
            self.each(Action::SendMessageBatch, queue, messages, bytes, |state, place, message| {
                Ok(SentMessage { message_id: state.send(place, message, now) })
            })
        }
        .boxed()
    }

    fn receive<'a>(
        &'a self,
        queue: &'a QueueHandle,
        request: ReceiveRequest,
    ) -> BoxFuture<'a, Result<Vec<ReceivedMessage>>> {
        async move {
            let mut metered = self.meter.receive(queue.name());
            let place = self.place(Action::ReceiveMessage, queue)?;
            let received = self.long_poll(place, request).await;
            metered.brought(&received);
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
            let now = self.clock.now();
            self.each(Action::DeleteMessageBatch, queue, receipts, 0, |state, place, receipt| {
                state.delete(place, &receipt, now)
            })
        }
        .boxed()
    }

    fn change_visibility_batch<'a>(
        &'a self,
        queue: &'a QueueHandle,
        changes: Vec<(String, Duration)>,
    ) -> BoxFuture<'a, Result<Vec<EntryResult<()>>>> {
        async move {
            let (now, action) = (self.clock.now(), Action::ChangeMessageVisibilityBatch);
            self.each(action, queue, changes, 0, |state, place, (receipt, timeout)| {
                state.change_visibility(place, &receipt, timeout, now)
            })
        }
        .boxed()
    }
}
