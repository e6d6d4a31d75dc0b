//! A message before it is sent: all that can be known of it without its queue.
//!
//! Digests and checks run over up to a mebibyte, so they are made before the turn; what they found
//! wrong is told only in it, because SQS looks the queue up first.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use longshore_engine::QueueId;
use longshore_storage::Record;
use longshore_types::MessageId;
use longshore_wire::{RawAttribute, SendMessage, SendMessageReply, SqsError, check, digest};

use crate::broker::Broker;
use crate::caller::Caller;
use crate::content::Content;
use crate::core::Turn;

/// Bytes of a send's event, at the most.
const EVENT_BYTES: usize = 128;

/// A message before it is sent.
#[derive(Debug)]
pub(super) struct Draft {
    /// The bytes that SQS counts.
    pub(super) bytes: usize,
    message: Result<Checked, SqsError>,
}

#[derive(Debug)]
struct Checked {
    content: Bytes,
    delay: Option<Duration>,
    reply: SendMessageReply,
}

impl Draft {
    pub(super) fn new(input: SendMessage, broker: &Broker, caller: &Caller) -> Self {
        let bytes = sent_bytes(&input.message_body, &input.message_attributes);
        let id = broker.new_message_id();
        Self { bytes, message: Checked::new(input, id, caller) }
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
        let send = longshore_engine::Send {
            key: turn.new_key(),
            id: message.reply.message_id,
            bytes: u32::try_from(self.bytes).expect("a message is at most a mebibyte"),
            delay: message.delay,
        };
        let event = turn.queue(queue)?.send(send, turn.now());
        turn.commit_send(queue, event, (send.key, message.content))?;
        Ok(message.reply)
    }
}

impl Checked {
    fn new(input: SendMessage, id: MessageId, caller: &Caller) -> Result<Self, SqsError> {
        check::body(&input.message_body)?;
        let attributes = check::message_attributes(&input.message_attributes)?;
        check::message_group_id(input.message_group_id.as_deref())?;
        if input.message_deduplication_id.is_some() {
            return Err(SqsError::deduplication_id_on_standard_queue());
        }
        let delay = check::delay(input.delay_seconds, true)?;
        let trace_header = check::system_attributes(&input.message_system_attributes)?;
        let reply = SendMessageReply {
            md5_of_message_body: digest::body(&input.message_body),
            md5_of_message_attributes: digest::attributes(&attributes),
            md5_of_message_system_attributes: trace_header.as_deref().map(digest::trace_header),
            message_id: id,
            sequence_number: None,
        };
        let content = Content {
            body: input.message_body,
            body_md5: reply.md5_of_message_body.clone(),
            attributes,
            trace_header: trace_header.or_else(|| caller.trace_header.clone()),
            sender: caller.place.account.to_string(),
            group: input.message_group_id,
        };
        Ok(Self { content: content.encode().into(), delay, reply })
    }
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
