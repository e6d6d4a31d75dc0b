//! What stands between a program and its queues: each says what it does otherwise, and all else goes on as it came.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use longshore_tasks::transport::{
    BoxFuture, EntryResult, OutgoingMessage, QueueFacts, QueueHandle, ReceiveRequest,
    ReceivedMessage, RequestMeter, Result, SentMessage, Throttle, Transport,
};

/// What an answer of a queue comes as.
pub(crate) type Answer<'a, T> = BoxFuture<'a, Result<T>>;
/// What an answer to each entry of a batch comes as.
pub(crate) type Answers<'a, T> = Answer<'a, Vec<EntryResult<T>>>;

/// A layer over a transport, which changes some of its calls.
pub(crate) trait TransportLayer: fmt::Debug + Send + Sync + 'static {
    /// The transport below.
    fn below(&self) -> &dyn Transport;

    fn throttle(&self) -> Option<Throttle> {
        self.below().throttle()
    }

    fn resolve<'a>(&'a self, queue: &'a str) -> Answer<'a, QueueHandle> {
        self.below().resolve(queue)
    }

    fn queue_facts<'a>(&'a self, queue: &'a QueueHandle) -> Answer<'a, QueueFacts> {
        self.below().queue_facts(queue)
    }

    fn send<'a>(
        &'a self,
        queue: &'a QueueHandle,
        messages: Vec<OutgoingMessage>,
    ) -> Answers<'a, SentMessage>;

    fn receive<'a>(
        &'a self,
        queue: &'a QueueHandle,
        request: ReceiveRequest,
    ) -> Answer<'a, Vec<ReceivedMessage>>;

    fn delete<'a>(&'a self, queue: &'a QueueHandle, receipts: Vec<String>) -> Answers<'a, ()>;

    fn change_visibility<'a>(
        &'a self,
        queue: &'a QueueHandle,
        changes: Vec<(String, Duration)>,
    ) -> Answers<'a, ()>;
}

/// A transport with that layer over it.
#[derive(Debug)]
pub(crate) struct Layered<L>(pub(crate) Arc<L>);

impl<L: TransportLayer> Transport for Layered<L> {
    fn receive_patience(&self) -> Option<Duration> {
        self.0.below().receive_patience()
    }

    fn throttle(&self) -> Option<Throttle> {
        self.0.throttle()
    }

    fn meter(&self) -> Option<Arc<RequestMeter>> {
        self.0.below().meter()
    }

    fn resolve<'a>(&'a self, queue: &'a str) -> Answer<'a, QueueHandle> {
        self.0.resolve(queue)
    }

    fn queue_facts<'a>(&'a self, queue: &'a QueueHandle) -> Answer<'a, QueueFacts> {
        self.0.queue_facts(queue)
    }

    fn send_batch<'a>(
        &'a self,
        queue: &'a QueueHandle,
        messages: Vec<OutgoingMessage>,
    ) -> Answers<'a, SentMessage> {
        self.0.send(queue, messages)
    }

    fn receive<'a>(
        &'a self,
        queue: &'a QueueHandle,
        request: ReceiveRequest,
    ) -> Answer<'a, Vec<ReceivedMessage>> {
        self.0.receive(queue, request)
    }

    fn delete_batch<'a>(
        &'a self,
        queue: &'a QueueHandle,
        receipts: Vec<String>,
    ) -> Answers<'a, ()> {
        self.0.delete(queue, receipts)
    }

    fn change_visibility_batch<'a>(
        &'a self,
        queue: &'a QueueHandle,
        changes: Vec<(String, Duration)>,
    ) -> Answers<'a, ()> {
        self.0.change_visibility(queue, changes)
    }
}
