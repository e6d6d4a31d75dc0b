//! Batches: each entry has its own fate, and a batch of a wrong shape has none.

use anyhow::Result;
use aws_sdk_sqs::operation::send_message_batch::SendMessageBatchError;
use aws_sdk_sqs::types::{
    BatchResultErrorEntry, ChangeMessageVisibilityBatchRequestEntry,
    DeleteMessageBatchRequestEntry, Message, SendMessageBatchRequestEntry,
};

use crate::expect::{refused, same};
use crate::messages::{md5, md5_of_attributes, text};
use crate::wire::{Wire, bodies};

/// An entry with a body.
pub fn entry(id: &str, body: &str) -> SendMessageBatchRequestEntry {
    let entry = SendMessageBatchRequestEntry::builder().id(id).message_body(body);
    entry.build().expect("id and body are given")
}

pub async fn a_batch_fails_entry_by_entry(wire: &Wire) -> Result<()> {
    let url = wire.queue(&[]).await?;
    let number = [("n".to_owned(), text("Number", "1"))].into();
    let mut good = entry("good", "ěšč");
    good.message_attributes = Some(number);
    let mut wrong = entry("number", "x");
    wrong.message_attributes = Some([("n".to_owned(), text("Number", "one"))].into());
    let entries =
        vec![good.clone(), entry("characters", "bell \u{7}"), wrong, entry("fine", "second")];
    let call = wire.sqs.send_message_batch().queue_url(&url).set_entries(Some(entries));
    let sent = call.send().await?;
    same(sent.successful.iter().map(|each| each.id()).collect::<Vec<_>>(), ["good", "fine"])?;
    same(sent.successful[0].md5_of_message_body(), md5("ěšč".as_bytes()))?;
    let digest = good.message_attributes.as_ref().map(md5_of_attributes);
    same(&sent.successful[0].md5_of_message_attributes, &digest)?;
    let wanted = [("characters", "InvalidMessageContents"), ("number", "InvalidParameterValue")];
    same(failures(&sent.failed), wanted)?;
    let received = wire.receive(&url).await?;
    same(bodies(&received), ["ěšč", "second"])?;
    receipts_fail_one_by_one(wire, &url, &received).await
}

async fn receipts_fail_one_by_one(wire: &Wire, url: &str, received: &[Message]) -> Result<()> {
    let handle = |index: usize| received[index].receipt_handle().unwrap_or_default();
    let mut change = wire.sqs.change_message_visibility_batch().queue_url(url);
    for (id, handle, seconds) in
        [("shown", handle(0), 0), ("garbage", "garbage", 0), ("long", handle(1), 43_201)]
    {
        let entry =
            ChangeMessageVisibilityBatchRequestEntry::builder().id(id).receipt_handle(handle);
        change = change.entries(entry.visibility_timeout(seconds).build()?);
    }
    let changed = change.send().await?;
    let wanted = [("garbage", "ReceiptHandleIsInvalid"), ("long", "InvalidParameterValue")];
    same(failures(&changed.failed), wanted)?;
    same(wire.counts(url).await?, [1, 1, 0])?;
    let mut delete = wire.sqs.delete_message_batch().queue_url(url);
    for (id, handle) in [("garbage", "garbage"), ("a", handle(0)), ("b", handle(1))] {
        let entry = DeleteMessageBatchRequestEntry::builder().id(id).receipt_handle(handle);
        delete = delete.entries(entry.build()?);
    }
    let deleted = delete.send().await?;
    same((changed.successful.len(), deleted.successful.len()), (1, 2))?;
    same(failures(&deleted.failed), [("garbage", "ReceiptHandleIsInvalid")])?;
    same(wire.counts(url).await?, [0, 0, 0])
}

/// Ids and codes of the entries that failed by the sender's fault.
fn failures(failed: &[BatchResultErrorEntry]) -> Vec<(&str, &str)> {
    let at_fault = failed.iter().filter(|each| each.sender_fault);
    at_fault.map(|each| (each.id(), each.code())).collect()
}

pub async fn a_batch_of_a_wrong_shape_is_refused_whole(wire: &Wire) -> Result<()> {
    let url = wire.queue(&[]).await?;
    let entries = |names: &[&str]| names.iter().map(|name| entry(name, "x")).collect::<Vec<_>>();
    let eleven: Vec<_> = "a b c d e f g h i j k".split(' ').collect();
    let half = "x".repeat(512 * 1024);
    let long = vec![entry("a", &half), entry("b", &(half + "x"))];
    type Is = fn(&SendMessageBatchError) -> bool;
    let wrong: [(_, Is, _); 5] = [
        (vec![], |e| e.is_empty_batch_request(), "EmptyBatchRequest"),
        (
            entries(&eleven),
            |e| e.is_too_many_entries_in_batch_request(),
            "TooManyEntriesInBatchRequest",
        ),
        (
            entries(&["a", "b", "a"]),
            |e| e.is_batch_entry_ids_not_distinct(),
            "BatchEntryIdsNotDistinct",
        ),
        (entries(&["not:one"]), |e| e.is_invalid_batch_entry_id(), "InvalidBatchEntryId"),
        (long, |e| e.is_batch_request_too_long(), "BatchRequestTooLong"),
    ];
    for (entries, is, code) in wrong {
        let call = wire.sqs.send_message_batch().queue_url(&url).set_entries(Some(entries));
        refused(call.send().await, is, &format!("AWS.SimpleQueueService.{code}"), 400)?;
    }
    let none = wire.sqs.delete_message_batch().queue_url(&url).set_entries(Some(vec![]));
    let code = "AWS.SimpleQueueService.EmptyBatchRequest";
    refused(none.send().await, |e| e.is_empty_batch_request(), code, 400)?;
    same(wire.counts(&url).await?, [0, 0, 0])
}
