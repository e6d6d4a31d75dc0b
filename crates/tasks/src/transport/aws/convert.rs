//! Ours ⇄ what travels. No judgement here, and nothing that fails: what an answer leaves out
//! is reported as a fault of its entry.

use std::collections::HashMap;
use std::time::Duration;

use longshore_types::{MessageAttributes, Timestamp};

use super::shapes::{
    AttributeShape, Attributes, FailedEntry, ReceiptEntry, ReceivedShape, SendEntry, SentEntry,
};
use crate::transport::{EntryFault, EntryResult, OutgoingMessage, ReceivedMessage, SentMessage};

/// Whole seconds, rounded up: a lease is never shorter than was asked for.
pub(super) fn seconds(duration: Duration) -> i32 {
    let rounded_up = duration.as_secs() + u64::from(duration.subsec_nanos() > 0);
    i32::try_from(rounded_up).unwrap_or(i32::MAX)
}

/// A message as an entry of a batch, whose id is its place.
pub(super) fn send_entry((place, message): (usize, &OutgoingMessage)) -> SendEntry<'_> {
    SendEntry {
        id: place.to_string(),
        message_body: &message.body,
        delay_seconds: message.delay.map(seconds),
        message_attributes: Attributes(&message.attributes),
        message_group_id: message.group_id.as_deref(),
        message_deduplication_id: message.deduplication_id.as_deref(),
    }
}

/// A receipt as an entry of a batch, whose id is its place.
pub(super) fn delete_entry((place, receipt_handle): (usize, String)) -> ReceiptEntry {
    ReceiptEntry { id: place.to_string(), receipt_handle, visibility_timeout: None }
}

/// A receipt and how long its message shall stay in flight as an entry of a batch, whose id is its place.
pub(super) fn change_entry(
    (place, (receipt_handle, timeout)): (usize, (String, Duration)),
) -> ReceiptEntry {
    let visibility_timeout = Some(seconds(timeout));
    ReceiptEntry { id: place.to_string(), receipt_handle, visibility_timeout }
}

/// What became of an entry that was accepted, by its id.
pub(super) fn sent(entry: SentEntry) -> (String, SentMessage) {
    (entry.id, SentMessage { message_id: entry.message_id })
}

/// Answers for each of `count` entries in its place. One that the answer leaves out is a fault:
/// it is not known to be done, so it counts as not done.
pub(super) fn in_order<T>(
    count: usize,
    successful: impl Iterator<Item = (String, T)>,
    failed: Vec<FailedEntry>,
) -> Vec<EntryResult<T>> {
    let failed = failed.into_iter().map(|entry| (entry.id.clone(), Err(entry_fault(entry))));
    let successful = successful.map(|(id, done)| (id, Ok(done)));
    let mut answers: HashMap<String, EntryResult<T>> = failed.chain(successful).collect();
    let mut answer_for =
        |place: usize| answers.remove(&place.to_string()).unwrap_or(Err(left_out()));
    (0..count).map(&mut answer_for).collect()
}

fn entry_fault(entry: FailedEntry) -> EntryFault {
    EntryFault {
        code: entry.code,
        message: entry.message.unwrap_or_default(),
        sender_fault: entry.sender_fault.unwrap_or_default(),
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
pub(super) fn received(message: ReceivedShape) -> Option<ReceivedMessage> {
    let system = message.attributes.unwrap_or_default();
    let number = |text: Option<String>| text.and_then(|text| text.parse::<u64>().ok());
    let receive_count = number(system.approximate_receive_count).unwrap_or(1);
    Some(ReceivedMessage {
        message_id: message.message_id?,
        receipt_handle: message.receipt_handle?,
        body: message.body.unwrap_or_default(),
        attributes: message.message_attributes.map(attributes).unwrap_or_default(),
        receive_count: u32::try_from(receive_count).unwrap_or(u32::MAX),
        sent_at: number(system.sent_timestamp).map(Timestamp::from_millis),
        group_id: system.message_group_id,
        trace_header: system.trace_header,
    })
}

fn attributes(all: HashMap<String, AttributeShape>) -> MessageAttributes {
    all.into_iter().filter_map(|(name, shape)| Some((name, shape.into_attribute()?))).collect()
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
        let answers = in_order(2, [("1".to_owned(), ())].into_iter(), Vec::new());
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
