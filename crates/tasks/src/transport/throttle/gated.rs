//! A transport behind its gates.

use std::sync::Arc;

use futures::FutureExt as _;

use super::{Throttle, Throttling, Verdict};
use crate::id::RandomSource;
use crate::transport::{
    Action, BoxFuture, EntryResult, OutgoingMessage, QueueFacts, QueueHandle, ReceiveRequest,
    ReceivedMessage, RequestMeter, Result, SentMessage, Transport, TransportError,
};
use std::time::Duration;

/// A transport whose calls are refused, without a request, while their queue throttles such calls.
#[derive(Debug)]
pub(crate) struct Gated {
    transport: Arc<dyn Transport>,
    throttle: Throttle,
}

impl Gated {
    /// `transport` behind its own gates, or, if it has none, behind new ones with that jitter.
    pub(crate) fn new(transport: Arc<dyn Transport>, random: &Arc<dyn RandomSource>) -> Arc<Self> {
        let own = transport.throttle();
        let throttle = own.unwrap_or_else(|| Throttle::new(Arc::clone(random)));
        Arc::new(Self { transport, throttle })
    }

    /// The gates.
    pub(crate) fn gates(&self) -> &Throttle {
        &self.throttle
    }

    /// Makes a call if its gate lets it. `of_entries` says how entries of the answer were throttled.
    async fn call<T, F: Future<Output = Result<T>>>(
        &self,
        queue: &str,
        action: Action,
        call: impl FnOnce() -> F,
        of_entries: impl FnOnce(&T) -> Option<Throttling>,
    ) -> Result<T> {
        let pass = match self.throttle.enter(queue, action) {
            Ok(pass) => pass,
            Err(how) => return Err(refused(queue, action, how)),
        };
        let mut answer = call().await;
        let verdict = match &answer {
            Ok(answer) => of_entries(answer).map_or(Verdict::Answered, Verdict::Throttled),
            Err(error) => Verdict::of(error),
        };
        match verdict {
            Verdict::Unknown => drop(pass),
            Verdict::Answered => pass.answered(),
            Verdict::Throttled(how) => {
                let pause = pass.throttled(&how);
                if let Err(TransportError::Throttled { retry_after, .. }) = &mut answer {
                    *retry_after = Some(pause);
                }
            }
        }
        answer
    }
}

fn refused(queue: &str, action: Action, how: Throttling) -> TransportError {
    let Throttling { code, retry_after } = how;
    let (target, message) = (queue.to_owned(), "nothing is asked of it meanwhile".to_owned());
    TransportError::Throttled { action, target, code, message, retry_after }
}

fn throttled<T>(entries: &[EntryResult<T>]) -> Option<Throttling> {
    let faults = entries.iter().filter_map(|entry| entry.as_ref().err());
    let fault = faults.into_iter().find(|fault| fault.is_throttled())?;
    Some(Throttling { code: fault.code.clone(), retry_after: None })
}

fn nothing<T>(_: &T) -> Option<Throttling> {
    None
}

impl Transport for Gated {
    fn receive_patience(&self) -> Option<Duration> {
        self.transport.receive_patience()
    }

    fn separated(&self) -> BoxFuture<'_, Result<Option<Arc<dyn Transport>>>> {
        self.transport.separated()
    }

    fn meter(&self) -> Option<Arc<RequestMeter>> {
        self.transport.meter()
    }

    fn throttle(&self) -> Option<Throttle> {
        Some(self.throttle.clone())
    }

    fn resolve<'a>(&'a self, queue: &'a str) -> BoxFuture<'a, Result<QueueHandle>> {
        let resolve = || self.transport.resolve(queue);
        self.call(queue, Action::GetQueueUrl, resolve, nothing).boxed()
    }

    fn queue_facts<'a>(&'a self, queue: &'a QueueHandle) -> BoxFuture<'a, Result<QueueFacts>> {
        let ask = || self.transport.queue_facts(queue);
        self.call(queue.url(), Action::GetQueueAttributes, ask, nothing).boxed()
    }

    fn send_batch<'a>(
        &'a self,
        queue: &'a QueueHandle,
        messages: Vec<OutgoingMessage>,
    ) -> BoxFuture<'a, Result<Vec<EntryResult<SentMessage>>>> {
        let send = || self.transport.send_batch(queue, messages);
        self.call(queue.url(), Action::SendMessageBatch, send, |entries| throttled(entries)).boxed()
    }

    fn receive<'a>(
        &'a self,
        queue: &'a QueueHandle,
        request: ReceiveRequest,
    ) -> BoxFuture<'a, Result<Vec<ReceivedMessage>>> {
        let receive = move || self.transport.receive(queue, request);
        self.call(queue.url(), Action::ReceiveMessage, receive, nothing).boxed()
    }

    fn delete_batch<'a>(
        &'a self,
        queue: &'a QueueHandle,
        receipts: Vec<String>,
    ) -> BoxFuture<'a, Result<Vec<EntryResult<()>>>> {
        let delete = || self.transport.delete_batch(queue, receipts);
        self.call(queue.url(), Action::DeleteMessageBatch, delete, |entries| throttled(entries))
            .boxed()
    }

    fn change_visibility_batch<'a>(
        &'a self,
        queue: &'a QueueHandle,
        changes: Vec<(String, Duration)>,
    ) -> BoxFuture<'a, Result<Vec<EntryResult<()>>>> {
        let change = || self.transport.change_visibility_batch(queue, changes);
        self.call(queue.url(), Action::ChangeMessageVisibilityBatch, change, |entries| {
            throttled(entries)
        })
        .boxed()
    }
}
