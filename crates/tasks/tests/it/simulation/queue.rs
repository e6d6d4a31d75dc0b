//! What is on the queues, and what SQS does with it.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::time::Duration;

use longshore_tasks::transport::{
    Action, EntryFault, EntryResult, OutgoingMessage, QueueHandle, ReceiveRequest, ReceivedMessage,
    Result, TransportError,
};
use longshore_types::MessageAttributes;
use tokio::time::Instant;

use super::{Call, Fault};

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
    pub(super) trace_header: Option<String>,
    receipt: Option<String>,
}

impl Message {
    pub(crate) fn text(&self, attribute: &str) -> Option<&str> {
        self.attributes.get(attribute).and_then(|attribute| attribute.as_text())
    }
}

#[derive(Debug)]
pub(crate) struct Queue {
    pub(super) visibility_timeout: Duration,
    pub(super) dead_letter: Option<(String, u32)>,
    pub(super) messages: Vec<Message>,
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) queues: BTreeMap<String, Queue>,
    pub(super) last_number: u64,
    pub(super) faults: BTreeMap<Action, VecDeque<Fault>>,
    pub(super) calls: Vec<Call>,
    /// Calls of an action are refused with that code.
    pub(super) refused: BTreeMap<Action, &'static str>,
    /// Calls of an action are throttled.
    pub(super) throttled: HashSet<Action>,
}

impl State {
    /// Refuses a call that the script refuses, and each on a queue that is not there.
    pub(super) fn check(&self, action: Action, queue: &str) -> Result<()> {
        let missing = (!self.queues.contains_key(queue)).then_some("QueueDoesNotExist");
        let Some(code) = self.refused.get(&action).copied().or(missing) else { return Ok(()) };
        let (target, code) = (queue.to_owned(), code.to_owned());
        let message = "not for you".to_owned();
        Err(TransportError::Refused { action, target, code, message })
    }

    pub(super) fn put(&mut self, queue: &str, message: OutgoingMessage) -> String {
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
    pub(super) fn receive(
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

    pub(super) fn in_flight(&mut self, queue: &str, receipt: &str) -> EntryResult<usize> {
        let messages = &self.queues[queue].messages;
        let place = messages.iter().position(|message| message.receipt.as_deref() == Some(receipt));
        place.ok_or_else(|| stale("ReceiptHandleIsInvalid"))
    }

    pub(super) fn change_visibility(
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
pub(super) fn refusal(message: &OutgoingMessage) -> Option<EntryFault> {
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
