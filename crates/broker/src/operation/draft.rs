//! A message before it is sent: all that can be known of it without its queue.
//!
//! Digests and checks run over up to a mebibyte, so they are made before the turn; what they found
//! wrong is told only in it, because SQS looks the queue up first.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use longshore_engine::{FifoMessage, FifoSend, QueueId};
use longshore_storage::Record;
use longshore_types::MessageId;
use longshore_wire::{RawAttribute, SendMessage, SendMessageReply, SqsError, check, digest};

use super::fifo_ids::FifoIds;
use crate::caller::Caller;
use crate::content::Content;
use crate::core::Turn;
use crate::runtime::Runtime;

/// Bytes of a send's event, at the most.
const EVENT_BYTES: usize = 400;

/// A message before it is sent.
#[derive(Debug)]
pub(super) struct Draft {
    /// The bytes that SQS counts.
    pub(super) bytes: usize,
    message: Result<Checked, SqsError>,
    /// Its ids, if the queue's name is a FIFO queue's.
    fifo: Option<Result<FifoIds, SqsError>>,
}

#[derive(Debug)]
struct Checked {
    content: Bytes,
    delay: Option<Duration>,
    /// What a standard queue is fair about.
    group: Option<String>,
    reply: SendMessageReply,
}

impl Draft {
    /// Looks at a message for a queue that is, by its URL, FIFO or not.
    pub(super) fn new(
        input: SendMessage,
        is_fifo: bool,
        runtime: &Runtime,
        caller: &Caller,
    ) -> Self {
        let bytes = sent_bytes(&input.message_body, &input.message_attributes);
        let id = runtime.new_message_id();
        let fifo = is_fifo.then(|| FifoIds::check(&input));
        let ids = fifo.as_ref().and_then(|ids| ids.as_ref().ok()).cloned();
        Self { bytes, message: Checked::new(input, is_fifo, ids, id, caller), fifo }
    }

    /// The room that the message takes in the log.
    pub(super) fn room_bytes(&self) -> u64 {
        let content = self.message.as_ref().map_or(0, |message| message.content.len());
        Record::bytes(EVENT_BYTES, [content])
    }

    /// Sends the message.
    pub(super) fn send(
        self,
        queue: QueueId,
        turn: &mut Turn<'_>,
    ) -> Result<SendMessageReply, SqsError> {
        let message_bytes_max = turn.queue(queue)?.settings().message_bytes_max;
        if self.bytes > message_bytes_max as usize {
            return Err(SqsError::MessageTooLong(message_bytes_max));
        }
        let message = self.message?;
        let bytes = u32::try_from(self.bytes).expect("a message is at most a mebibyte");
        match self.fifo {
            Some(ids) => message.send_fifo(ids?, bytes, queue, turn),
            None => message.send(bytes, queue, turn),
        }
    }

    /// What is wrong with the ids of a message for a FIFO queue: in a batch, that is wrong with the
    /// whole batch.
    pub(super) fn check_ids(&self, queue: QueueId, turn: &Turn<'_>) -> Result<(), SqsError> {
        match &self.fifo {
            Some(ids) => ids.as_ref().map_err(Clone::clone)?.check_queue(queue, turn),
            None => Ok(()),
        }
    }
}

impl Checked {
    fn send(
        self,
        bytes: u32,
        queue: QueueId,
        turn: &mut Turn<'_>,
    ) -> Result<SendMessageReply, SqsError> {
        let key = turn.new_key();
        let Self { content, delay, group, reply } = self;
        let send = longshore_engine::Send { key, id: reply.message_id, bytes, delay, group };
        let event = turn.queue(queue)?.send(send, turn.now());
        turn.commit_send(queue, event, (key, content))?;
        Ok(reply)
    }

    /// Sends the message to a FIFO queue. A duplicate is answered as the first one was, and nothing
    /// is sent.
    fn send_fifo(
        mut self,
        ids: FifoIds,
        bytes: u32,
        queue: QueueId,
        turn: &mut Turn<'_>,
    ) -> Result<SendMessageReply, SqsError> {
        ids.check_queue(queue, turn)?;
        let key = turn.new_key();
        let FifoIds { group, deduplication_id, .. } = ids;
        let id = self.reply.message_id;
        let message = FifoMessage { key, id, bytes, group, deduplication_id };
        let sequence = match turn.queue(queue)?.send_fifo(message, turn.now()) {
            FifoSend::Accepted { event, sequence } => {
                turn.commit_send(queue, event, (key, self.content))?;
                sequence
            }
            FifoSend::Duplicate(original) => {
                turn.count(queue, |tally| tally.deduplicated += 1);
                self.reply.message_id = original.id;
                original.sequence
            }
        };
        self.reply.sequence_number = Some(sequence.to_string());
        Ok(self.reply)
    }

    fn new(
        input: SendMessage,
        is_fifo: bool,
        ids: Option<FifoIds>,
        id: MessageId,
        caller: &Caller,
    ) -> Result<Self, SqsError> {
        check::body(&input.message_body)?;
        let attributes = check::message_attributes(&input.message_attributes)?;
        let delay = if is_fifo { None } else { check_standard(&input)? };
        let trace_header = check::system_attributes(&input.message_system_attributes)?;
        let reply = SendMessageReply {
            md5_of_message_body: digest::body(&input.message_body),
            md5_of_message_attributes: digest::attributes(&attributes),
            md5_of_message_system_attributes: trace_header.as_deref().map(digest::trace_header),
            message_id: id,
            sequence_number: None,
        };
        let group = input.message_group_id.clone().filter(|_| !is_fifo);
        let content = Content {
            body: input.message_body,
            body_md5: reply.md5_of_message_body.clone(),
            attributes,
            trace_header: trace_header.or_else(|| caller.trace_header.clone()),
            sender: caller.sender_id(),
            group: input.message_group_id,
            deduplication_id: ids.map(|ids| ids.deduplication_id),
        };
        Ok(Self { content: content.encode().into(), delay, group, reply })
    }
}

/// Checks the ids and the delay of a message for a standard queue, and answers its delay.
fn check_standard(input: &SendMessage) -> Result<Option<Duration>, SqsError> {
    check::message_group_id(input.message_group_id.as_deref())?;
    if input.message_deduplication_id.is_some() {
        return Err(SqsError::deduplication_id_on_standard_queue());
    }
    check::delay(input.delay_seconds.as_ref(), true)
}

/// The bytes that SQS counts, of a message that need not be right.
fn sent_bytes(body: &str, attributes: &BTreeMap<String, RawAttribute>) -> usize {
    let attribute_bytes = |(name, attribute): (&String, &RawAttribute)| {
        let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        let binary = attribute.binary_value.as_ref().map_or(0, Vec::len);
        name.len() + text(&attribute.data_type) + text(&attribute.string_value) + binary
    };
    body.len() + attributes.iter().map(attribute_bytes).sum::<usize>()
}
