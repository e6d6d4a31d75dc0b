//! Queues in memory that behave like SQS, under Tokio's clock, with faults by script.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use futures::FutureExt as _;
use longshore_tasks::transport::{
    Action, BoxFuture, DeadLetterFacts, EntryFault, EntryResult, OutgoingMessage, QueueFacts,
    QueueHandle, ReceiveRequest, ReceivedMessage, RequestMeter, Result, SentMessage, Transport,
    TransportError,
};
use longshore_types::MessageAttributes;
use tokio::sync::{Notify, Semaphore};
use tokio::time::{Instant, sleep, sleep_until};

/// What goes wrong with a call.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// It does not reach the endpoint.
    NotSent,
    /// It is carried out, and its answer is lost.
    AnswerLost,
    /// It is not carried out, and no answer ever comes.
    Hangs,
    /// It is refused with that code, for so long if somebody says it.
    Throttled(&'static str, Option<Duration>),
    /// It is carried out for all but the entries at these places.
    Entries(Vec<usize>, &'static str),
}

/// A call that was made: which, on which queue, with how many entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) action: Action,
    pub(crate) queue: String,
    pub(crate) entries: usize,
}

/// A message on a queue.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) id: String,
    pub(crate) body: String,
    pub(crate) attributes: MessageAttributes,
    pub(crate) available_at: Instant,
    pub(crate) receive_count: u32,
    pub(crate) deduplication_id: Option<String>,
    pub(crate) group_id: Option<String>,
    trace_header: Option<String>,
    receipt: Option<String>,
}

impl Message {
    pub(crate) fn text(&self, attribute: &str) -> Option<&str> {
        self.attributes.get(attribute).and_then(|attribute| attribute.as_text())
    }
}

#[derive(Debug)]
pub(crate) struct Queue {
    visibility_timeout: Duration,
    dead_letter: Option<(String, u32)>,
    messages: Vec<Message>,
}

#[derive(Debug, Default)]
struct State {
    queues: BTreeMap<String, Queue>,
    last_number: u64,
    faults: BTreeMap<Action, VecDeque<Fault>>,
    calls: Vec<Call>,
    /// Calls of an action are refused with that code.
    refused: BTreeMap<Action, &'static str>,
    /// Calls of an action are throttled.
    throttled: HashSet<Action>,
}

/// Queues that behave like SQS.
#[derive(Debug)]
pub(crate) struct Simulation {
    state: Mutex<State>,
    sent: Notify,
    /// Calls of an action wait here while it is held.
    held: Mutex<BTreeMap<Action, Arc<Semaphore>>>,
    patience: Mutex<Option<Duration>>,
    /// How long a receive is on its way.
    way: Mutex<Duration>,
    pub(crate) meter: RequestMeter,
}

impl Simulation {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::default(),
            sent: Notify::new(),
            held: Mutex::default(),
            patience: Mutex::default(),
            way: Mutex::default(),
            meter: RequestMeter::default(),
        })
    }

    pub(crate) fn create(&self, name: &str, visibility: Duration, dead: Option<(&str, u32)>) {
        let dead_letter = dead.map(|(name, count)| (name.to_owned(), count));
        let queue = Queue { visibility_timeout: visibility, dead_letter, messages: Vec::new() };
        self.state().queues.insert(name.to_owned(), queue);
    }

    /// The next call of that action goes wrong; called again, the one after it too.
    pub(crate) fn fail_next(&self, action: Action, fault: Fault) {
        self.state().faults.entry(action).or_default().push_back(fault);
    }

    /// Calls of that action are refused with that code, until they are accepted again.
    pub(crate) fn refuse(&self, action: Action, code: &'static str) {
        self.state().refused.insert(action, code);
    }

    /// Calls of that action are throttled, until they are accepted again.
    pub(crate) fn throttle(&self, action: Action) {
        self.state().throttled.insert(action);
    }

    pub(crate) fn accept(&self, action: Action) {
        self.state().refused.remove(&action);
        self.state().throttled.remove(&action);
    }

    /// Calls of that action wait, before they are carried out, until they are let go.
    pub(crate) fn hold(&self, action: Action) {
        self.held.lock().unwrap().insert(action, Arc::new(Semaphore::new(0)));
    }

    pub(crate) fn let_go(&self, action: Action) {
        if let Some(gate) = self.held.lock().unwrap().remove(&action) {
            gate.close();
        }
    }

    /// A receive whose caller leaves takes no message here; it is dropped that long after a stop.
    pub(crate) fn set_receive_patience(&self, patience: Duration) {
        *self.patience.lock().unwrap() = Some(patience);
    }

    /// A receive is on its way for that long before it is carried out.
    pub(crate) fn set_way(&self, way: Duration) {
        *self.way.lock().unwrap() = way;
    }

    /// What is on a queue, in flight or not.
    pub(crate) fn messages(&self, queue: &str) -> Vec<Message> {
        self.state().queues[queue].messages.clone()
    }

    pub(crate) fn calls(&self, action: Action) -> Vec<Call> {
        let state = self.state();
        state.calls.iter().filter(|call| call.action == action).cloned().collect()
    }

    /// Puts a message on a queue, as a foreign program does.
    pub(crate) fn put(&self, queue: &str, body: &str, attributes: MessageAttributes) -> String {
        let id = self.state().put(queue, OutgoingMessage::new(body, attributes));
        self.sent.notify_waiters();
        id
    }

    /// Has the messages of a queue bear an `AWSTraceHeader`, as one of a service that X-Ray traces does.
    pub(crate) fn set_trace_header(&self, queue: &str, header: &str) {
        for message in &mut self.state().queues.get_mut(queue).unwrap().messages {
            message.trace_header = Some(header.to_owned());
        }
    }

    /// Takes everything off a queue, as a purge does.
    pub(crate) fn take_all(&self, queue: &str) -> Vec<Message> {
        std::mem::take(&mut self.state().queues.get_mut(queue).unwrap().messages)
    }

    /// Deletes a queue.
    pub(crate) fn remove(&self, name: &str) -> Queue {
        self.state().queues.remove(name).unwrap()
    }

    /// Makes a queue again that was deleted, with what it was.
    pub(crate) fn restore(&self, name: &str, queue: Queue) {
        self.state().queues.insert(name.to_owned(), queue);
    }

    /// The next message or receipt bears the number after that.
    pub(crate) fn set_next_number(&self, last: u64) {
        self.state().last_number = last;
    }

    /// Ends the lease of every message of a queue that is in flight.
    pub(crate) fn end_leases(&self, queue: &str) {
        for message in &mut self.state().queues.get_mut(queue).unwrap().messages {
            message.available_at = Instant::now();
        }
        self.sent.notify_waiters();
    }

    /// Every message of a queue counts as received so often.
    pub(crate) fn set_receive_count(&self, queue: &str, receives: u32) {
        for message in &mut self.state().queues.get_mut(queue).unwrap().messages {
            message.receive_count = receives;
        }
    }

    /// Sets how many receives a queue with a redrive policy grants.
    pub(crate) fn set_receives_max(&self, queue: &str, receives: u32) {
        let mut state = self.state();
        let dead_letter = &mut state.queues.get_mut(queue).unwrap().dead_letter;
        dead_letter.as_mut().expect("the queue has a redrive policy").1 = receives;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

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

impl State {
    /// Refuses a call that the script refuses, and each on a queue that is not there.
    fn check(&self, action: Action, queue: &str) -> Result<()> {
        let missing = (!self.queues.contains_key(queue)).then_some("QueueDoesNotExist");
        let Some(code) = self.refused.get(&action).copied().or(missing) else { return Ok(()) };
        let (target, code) = (queue.to_owned(), code.to_owned());
        let message = "not for you".to_owned();
        Err(TransportError::Refused { action, target, code, message })
    }

    fn put(&mut self, queue: &str, message: OutgoingMessage) -> String {
        self.last_number += 1;
        let id = format!("00000000-0000-4000-8000-{:012}", self.last_number);
        let queue = self.queues.get_mut(queue).unwrap();
        if let Some(deduplication) = &message.deduplication_id {
            let same = |other: &&Message| other.deduplication_id.as_ref() == Some(deduplication);
            if let Some(original) = queue.messages.iter().find(same) {
                return original.id.clone();
            }
        }
        queue.messages.push(Message {
            id: id.clone(),
            body: message.body,
            attributes: message.attributes,
            available_at: Instant::now() + message.delay.unwrap_or_default(),
            receive_count: 0,
            deduplication_id: message.deduplication_id,
            group_id: message.group_id,
            trace_header: None,
            receipt: None,
        });
        id
    }

    /// What can be received now, and else when to look again.
    fn receive(
        &mut self,
        name: &str,
        request: ReceiveRequest,
    ) -> (Vec<ReceivedMessage>, Option<Instant>) {
        self.redrive(name);
        let now = Instant::now();
        let (queue, last_number) = (self.queues.get_mut(name).unwrap(), &mut self.last_number);
        let timeout = request.visibility_timeout.unwrap_or(queue.visibility_timeout);
        // Of a message group only what comes before its first message in flight or delayed.
        let (mut locked, is_fifo) = (HashSet::new(), QueueHandle::new(name, name).is_fifo());
        let mut is_available = |message: &&mut Message| {
            let group = message.group_id.clone().filter(|_| is_fifo);
            let is_locked = group.as_ref().is_some_and(|group| locked.contains(group));
            if message.available_at > now {
                locked.extend(group);
                return false;
            }
            !is_locked
        };
        let received: Vec<_> = queue
            .messages
            .iter_mut()
            .filter(|message| is_available(message))
            .take(request.count_max)
            .map(|message| {
                *last_number += 1;
                message.receive(format!("receipt-{last_number}"), now + timeout)
            })
            .collect();
        let later =
            queue.messages.iter().map(|message| message.available_at).filter(|at| *at > now);
        let next = later.min();
        (received, next)
    }

    fn redrive(&mut self, name: &str) {
        let now = Instant::now();
        let Some((target, most)) = self.queues[name].dead_letter.clone() else { return };
        let messages = std::mem::take(&mut self.queues.get_mut(name).unwrap().messages);
        let worn = |m: &Message| m.available_at <= now && m.receive_count >= most;
        let (worn, rest): (Vec<_>, Vec<_>) = messages.into_iter().partition(worn);
        self.queues.get_mut(name).unwrap().messages = rest;
        if let Some(target) = self.queues.get_mut(&target) {
            target.messages.extend(worn);
        }
    }

    fn in_flight(&mut self, queue: &str, receipt: &str) -> EntryResult<usize> {
        let messages = &self.queues[queue].messages;
        let place = messages.iter().position(|message| message.receipt.as_deref() == Some(receipt));
        place.ok_or_else(|| stale("ReceiptHandleIsInvalid"))
    }

    fn change_visibility(
        &mut self,
        queue: &str,
        receipt: &str,
        timeout: Duration,
    ) -> EntryResult<()> {
        let place = self.in_flight(queue, receipt)?;
        let message = &mut self.queues.get_mut(queue).unwrap().messages[place];
        if message.available_at <= Instant::now() {
            return Err(stale("MessageNotInflight"));
        }
        // SQS counts whole seconds.
        let whole = Duration::from_secs(timeout.as_secs() + u64::from(timeout.subsec_nanos() > 0));
        message.available_at = Instant::now() + whole;
        Ok(())
    }
}

/// What SQS has against a message, whoever sends it.
fn refusal(message: &OutgoingMessage) -> Option<EntryFault> {
    let forbidden = |c: char| matches!(c, '\0'..'\t' | '\u{b}' | '\u{c}' | '\u{e}'..' ' | '\u{fffe}' | '\u{ffff}');
    let texts = message.attributes.values().filter_map(|attribute| attribute.as_text());
    let texts: Vec<&str> = texts.chain([message.body.as_str()]).collect();
    let refused = texts.iter().any(|text| text.is_empty() || text.contains(forbidden));
    let code = if refused { "InvalidMessageContents" } else { "BatchRequestTooLong" };
    let too_long = message.bytes() > longshore_types::limits::MESSAGE_BYTES_MAX as usize;
    (refused || too_long).then(|| stale(code))
}

fn stale(code: &str) -> EntryFault {
    EntryFault { code: code.to_owned(), message: "stale".to_owned(), sender_fault: true }
}

impl Message {
    fn receive(&mut self, receipt: String, until: Instant) -> ReceivedMessage {
        self.receive_count += 1;
        self.available_at = until;
        self.receipt = Some(receipt.clone());
        ReceivedMessage {
            message_id: self.id.clone(),
            receipt_handle: receipt,
            body: self.body.clone(),
            attributes: self.attributes.clone(),
            receive_count: self.receive_count,
            sent_at: None,
            group_id: self.group_id.clone(),
            trace_header: self.trace_header.clone(),
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
