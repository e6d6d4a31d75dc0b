//! The calls of a client: counted, held and failed by script, and then carried out.

use std::collections::VecDeque;
use std::time::Duration;

use futures::FutureExt as _;
use longshore_tasks::transport::{
    Action, BoxFuture, DeadLetterFacts, EntryFault, EntryResult, OutgoingMessage, QueueFacts,
    QueueHandle, ReceiveRequest, ReceivedMessage, Result, SentMessage, Transport, TransportError,
};
use tokio::time::{Instant, sleep, sleep_until};

use super::queue::refusal;
use super::{Call, Fault, Simulation};

impl Simulation {
    async fn enter(&self, action: Action, queue: &QueueHandle, entries: usize) -> Result<Faults> {
        if action != Action::ReceiveMessage {
            self.meter.count(action, queue.name(), 0);
        }
        let call = Call { action, queue: queue.name().to_owned(), entries };
        self.state().calls.push(call);
        let gate = self.held.lock().unwrap().get(&action).cloned();
        if let Some(gate) = gate {
            drop(gate.acquire().await);
        }
        let mut fault = self.state().faults.get_mut(&action).and_then(VecDeque::pop_front);
        if self.state().throttled.contains(&action) {
            fault = Some(Fault::Throttled("RequestThrottled", None));
        }
        if matches!(fault, Some(Fault::Hangs)) {
            std::future::pending::<()>().await;
        }
        if matches!(fault, Some(Fault::NotSent)) {
            let target = queue.name().to_owned();
            return Err(TransportError::NotSent { action, target, source: "refused".into() });
        }
        if let Some(Fault::Throttled(code, retry_after)) = fault {
            let (target, code) = (queue.name().to_owned(), code.to_owned());
            let message = "slow down".to_owned();
            return Err(TransportError::Throttled { action, target, code, message, retry_after });
        }
        self.state().check(action, queue.name())?;
        Ok(Faults { action, queue: queue.name().to_owned(), fault })
    }

    /// Waits until something can be received, or the time is over.
    async fn long_poll(
        &self,
        queue: &str,
        request: ReceiveRequest,
    ) -> Result<Vec<ReceivedMessage>> {
        let ends_at = Instant::now() + request.wait;
        loop {
            let sent = self.sent.notified();
            self.state().check(Action::ReceiveMessage, queue)?;
            let (received, next) = self.state().receive(queue, request);
            if !received.is_empty() || Instant::now() >= ends_at {
                return Ok(received);
            }
            tokio::select! {
                () = sent => {}
                () = sleep_until(next.unwrap_or(ends_at).min(ends_at)) => {}
            }
        }
    }
}

/// What goes wrong with a call that is carried out.
struct Faults {
    action: Action,
    queue: String,
    fault: Option<Fault>,
}

impl Faults {
    fn strikes(&self, place: usize) -> Option<EntryFault> {
        let Some(Fault::Entries(places, code)) = &self.fault else { return None };
        let (code, message) = ((*code).to_owned(), "scripted".to_owned());
        places.contains(&place).then_some(EntryFault { code, message, sender_fault: false })
    }

    fn answer<T>(self, answer: T) -> Result<T> {
        let Self { action, queue: target, fault } = self;
        match fault {
            Some(Fault::AnswerLost) => {
                Err(TransportError::Unknown { action, target, source: "reset".into() })
            }
            _ => Ok(answer),
        }
    }
}

impl Transport for Simulation {
    fn receive_patience(&self) -> Option<Duration> {
        *self.patience.lock().unwrap()
    }

    fn resolve<'a>(&'a self, queue: &'a str) -> BoxFuture<'a, Result<QueueHandle>> {
        async move {
            let name = queue.strip_prefix("sim://").unwrap_or(queue);
            let handle = QueueHandle::new(name, &format!("sim://{name}"));
            self.enter(Action::GetQueueUrl, &handle, 0).await?;
            Ok(handle)
        }
        .boxed()
    }

    fn queue_facts<'a>(&'a self, queue: &'a QueueHandle) -> BoxFuture<'a, Result<QueueFacts>> {
        async move {
            self.enter(Action::GetQueueAttributes, queue, 0).await?;
            let state = self.state();
            let found = &state.queues[queue.name()];
            let dead_letter = found.dead_letter.as_ref().map(|(name, count)| DeadLetterFacts {
                queue: QueueHandle::new(name, &format!("sim://{name}")),
                receive_count_max: *count,
            });
            let retention = QueueFacts::DEFAULT_RETENTION;
            Ok(QueueFacts { visibility_timeout: found.visibility_timeout, retention, dead_letter })
        }
        .boxed()
    }

    fn send_batch<'a>(
        &'a self,
        queue: &'a QueueHandle,
        messages: Vec<OutgoingMessage>,
    ) -> BoxFuture<'a, Result<Vec<EntryResult<SentMessage>>>> {
        async move {
            let faults = self.enter(Action::SendMessageBatch, queue, messages.len()).await?;
            let send = |(place, message)| match faults.strikes(place).or_else(|| refusal(&message))
            {
                Some(fault) => Err(fault),
                None => Ok(SentMessage { message_id: self.state().put(queue.name(), message) }),
            };
            let answer = messages.into_iter().enumerate().map(send).collect();
            self.sent.notify_waiters();
            faults.answer(answer)
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
            let faults = self.enter(Action::ReceiveMessage, queue, request.count_max).await?;
            let way = *self.way.lock().unwrap();
            sleep(way).await;
            let answer = faults.answer(self.long_poll(queue.name(), request).await?)?;
            metered.brought(&answer);
            Ok(answer)
        }
        .boxed()
    }

    fn delete_batch<'a>(
        &'a self,
        queue: &'a QueueHandle,
        receipts: Vec<String>,
    ) -> BoxFuture<'a, Result<Vec<EntryResult<()>>>> {
        async move {
            let faults = self.enter(Action::DeleteMessageBatch, queue, receipts.len()).await?;
            let delete = |(place, receipt): (usize, &String)| {
                if let Some(fault) = faults.strikes(place) {
                    return Err(fault);
                }
                let mut state = self.state();
                let place = state.in_flight(queue.name(), receipt)?;
                state.queues.get_mut(queue.name()).unwrap().messages.remove(place);
                Ok(())
            };
            let answer = receipts.iter().enumerate().map(delete).collect();
            faults.answer(answer)
        }
        .boxed()
    }

    fn change_visibility_batch<'a>(
        &'a self,
        queue: &'a QueueHandle,
        changes: Vec<(String, Duration)>,
    ) -> BoxFuture<'a, Result<Vec<EntryResult<()>>>> {
        async move {
            let action = Action::ChangeMessageVisibilityBatch;
            let faults = self.enter(action, queue, changes.len()).await?;
            let change = |(place, (receipt, timeout)): (usize, &(String, Duration))| {
                faults.strikes(place).map_or_else(
                    || self.state().change_visibility(queue.name(), receipt, *timeout),
                    Err,
                )
            };
            let answer = changes.iter().enumerate().map(change).collect();
            self.sent.notify_waiters();
            faults.answer(answer)
        }
        .boxed()
    }
}
