//! Queues in memory that behave like SQS, under Tokio's clock, with faults by script.

mod queue;
mod transport;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use longshore_tasks::transport::{Action, OutgoingMessage, RequestMeter};
use longshore_types::MessageAttributes;
use tokio::sync::{Notify, Semaphore};
use tokio::time::Instant;

use self::queue::State;

pub(crate) use self::queue::{Message, Queue};

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
}
