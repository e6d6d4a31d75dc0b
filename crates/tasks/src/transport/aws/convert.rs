//! The SDK's types ⇄ ours. No judgement here, and nothing that fails: what an answer leaves out
//! is reported as a fault of its entry.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_sqs::primitives::Blob;
use aws_sdk_sqs::types::{
    BatchResultErrorEntry, Message, MessageAttributeValue, MessageSystemAttributeName,
    SendMessageBatchRequestEntry, SendMessageBatchResultEntry,
};
use longshore_types::{AttributeValue, MessageAttribute, MessageAttributes, Timestamp};

use crate::transport::{EntryFault, EntryResult, OutgoingMessage, ReceivedMessage, SentMessage};

/// Whole seconds, rounded up: a lease is never shorter than was asked for.
pub(super) fn seconds(duration: Duration) -> i32 {
    let rounded_up = duration.as_secs() + u64::from(duration.subsec_nanos() > 0);
    i32::try_from(rounded_up).unwrap_or(i32::MAX)
}

/// A message as an entry of a batch, whose id is its place.
pub(super) fn send_entry(
    (place, message): (usize, OutgoingMessage),
) -> SendMessageBatchRequestEntry {
    let attributes =
        message.attributes.into_iter().map(|(name, attribute)| (name, attribute_value(attribute)));
    SendMessageBatchRequestEntry::builder()
        .id(place.to_string())
        .message_body(message.body)
        .set_delay_seconds(message.delay.map(seconds))
        .set_message_attributes(Some(attributes.collect()))
        .set_message_group_id(message.group_id)
        .set_message_deduplication_id(message.deduplication_id)
        .build()
        .expect("id and body are given")
}

fn attribute_value(attribute: MessageAttribute) -> MessageAttributeValue {
    let value = MessageAttributeValue::builder().data_type(attribute.data_type);
    let value = match attribute.value {
        AttributeValue::Text(text) => value.string_value(text),
        AttributeValue::Binary(bytes) => value.binary_value(Blob::new(bytes)),
    };
    value.build().expect("the data type is given")
}

/// What became of an entry that was accepted, by its id.
pub(super) fn sent(entry: &SendMessageBatchResultEntry) -> (String, SentMessage) {
    (entry.id().to_owned(), SentMessage { message_id: entry.message_id().to_owned() })
}

/// Answers for each of `count` entries in its place. One that the answer leaves out is a fault:
/// it is not known to be done, so it counts as not done.
pub(super) fn in_order<T>(
    count: usize,
    successful: impl Iterator<Item = (String, T)>,
    failed: &[BatchResultErrorEntry],
) -> Vec<EntryResult<T>> {
    let mut successful: HashMap<String, T> = successful.collect();
    let mut answer_for = |place: usize| {
        let id = place.to_string();
        if let Some(done) = successful.remove(&id) {
            return Ok(done);
        }
        let fault = failed.iter().find(|entry| entry.id() == id);
        Err(fault.map_or_else(left_out, entry_fault))
    };
    (0..count).map(&mut answer_for).collect()
}

fn entry_fault(entry: &BatchResultErrorEntry) -> EntryFault {
    EntryFault {
        code: entry.code().to_owned(),
        message: entry.message().unwrap_or_default().to_owned(),
        sender_fault: entry.sender_fault(),
    }
}

fn left_out() -> EntryFault {
    EntryFault {
        code: EntryFault::UNANSWERED.to_owned(),
        message: "the answer to the batch leaves this entry out".to_owned(),
        sender_fault: false,
    }
}

/// A message, unless it lacks what it can be answered for by.
pub(super) fn received(message: &Message) -> Option<ReceivedMessage> {
    let system = |name| message.attributes().and_then(|all| all.get(&name));
    let number = |name| system(name).and_then(|text| text.parse::<u64>().ok());
    let receive_count = number(MessageSystemAttributeName::ApproximateReceiveCount).unwrap_or(1);
    Some(ReceivedMessage {
        message_id: message.message_id()?.to_owned(),
        receipt_handle: message.receipt_handle()?.to_owned(),
        body: message.body().unwrap_or_default().to_owned(),
        attributes: attributes(message),
        receive_count: u32::try_from(receive_count).unwrap_or(u32::MAX),
        sent_at: number(MessageSystemAttributeName::SentTimestamp).map(Timestamp::from_millis),
        group_id: system(MessageSystemAttributeName::MessageGroupId).cloned(),
        trace_header: system(MessageSystemAttributeName::AwsTraceHeader).cloned(),
    })
}

fn attributes(message: &Message) -> MessageAttributes {
    let all = message.message_attributes().into_iter().flatten();
    all.filter_map(|(name, value)| Some((name.clone(), attribute(value)?))).collect()
}

fn attribute(value: &MessageAttributeValue) -> Option<MessageAttribute> {
    let text = value.string_value().map(|text| AttributeValue::Text(text.to_owned()));
    let binary = || value.binary_value().map(|blob| AttributeValue::Binary(blob.as_ref().to_vec()));
    let data_type = value.data_type().to_owned();
    Some(MessageAttribute { data_type, value: text.or_else(binary)? })
}

/// The dead-letter queue's name and `maxReceiveCount` in a redrive policy, whose number some
/// endpoints write as a string.
pub(super) fn redrive_policy(text: &str) -> Option<(String, u32)> {
    let policy: serde_json::Value = serde_json::from_str(text).ok()?;
    let name = policy.get("deadLetterTargetArn")?.as_str()?.rsplit(':').next()?.to_owned();
    let count = policy.get("maxReceiveCount")?;
    let count = count.as_u64().or_else(|| count.as_str()?.parse().ok())?;
    Some((name, u32::try_from(count).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_is_rounded_up_to_whole_seconds() {
        assert_eq!(seconds(Duration::ZERO), 0);
        assert_eq!(seconds(Duration::from_millis(1)), 1);
        assert_eq!(seconds(Duration::from_secs(43_200)), 43_200);
    }

    #[test]
    fn an_entry_that_the_answer_leaves_out_is_not_done() {
        let answers = in_order(2, [("1".to_owned(), ())].into_iter(), &[]);
        assert_eq!(answers, [Err(left_out()), Ok(())]);
    }

    #[test]
    fn a_redrive_policy_names_its_queue_by_arn() {
        let number =
            r#"{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:1:dead","maxReceiveCount":5}"#;
        let string =
            r#"{"maxReceiveCount":"5","deadLetterTargetArn":"arn:aws:sqs:us-east-1:1:dead"}"#;
        for text in [number, string] {
            assert_eq!(redrive_policy(text), Some(("dead".to_owned(), 5)));
        }
        assert_eq!(redrive_policy("{}"), None);
    }
}
