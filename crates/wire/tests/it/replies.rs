//! The bytes of replies: every member that there is, and none that is empty.

use std::collections::BTreeMap;

use longshore_types::{
    AttributeName, AttributeValue, MessageAttribute, MessageAttributes, MessageId,
};
use longshore_wire::{
    BatchResultEntry, CancelMessageMoveTaskReply, ChangeMessageVisibilityBatchReply,
    CreateQueueReply, DeleteMessageBatchReply, GetQueueAttributesReply, GetQueueUrlReply,
    ListMessageMoveTasksReply, ListMessageMoveTasksResultEntry, ListQueueTagsReply,
    ListQueuesReply, ReceiveMessageReply, ReceivedMessage, Reply, SendMessageBatchReply,
    SendMessageBatchResultEntry, SendMessageReply, SqsError, StartMessageMoveTaskReply,
    SystemAttributeName, json,
};

use crate::{URL, list, move_task, texts};

const ID: &str = "abababab-abab-4bab-abab-abababababab";

#[track_caller]
fn assert_encodes(reply: &Reply, expected: &str) {
    assert_eq!(String::from_utf8(json::encode(reply)).unwrap(), expected);
}

fn sent() -> SendMessageReply {
    SendMessageReply {
        md5_of_message_body: "b0".to_owned(),
        md5_of_message_attributes: None,
        md5_of_message_system_attributes: None,
        message_id: MessageId::from_random([0xAB; 16]),
        sequence_number: None,
    }
}

#[test]
fn an_action_without_output_is_answered_with_an_empty_object() {
    assert_encodes(&Reply::Empty, "{}");
}

#[test]
fn the_url_of_a_queue_is_answered_as_it_is() {
    let expected = format!(r#"{{"QueueUrl":"{URL}"}}"#);
    let queue_url = URL.to_owned();
    let created = CreateQueueReply { queue_url: queue_url.clone() };
    assert_encodes(&Reply::CreateQueue(created), &expected);
    assert_encodes(&Reply::GetQueueUrl(GetQueueUrlReply { queue_url }), &expected);
}

#[test]
fn replies_without_anything_are_empty_objects() {
    let empty = [
        Reply::ListQueues(ListQueuesReply::default()),
        Reply::GetQueueAttributes(GetQueueAttributesReply::default()),
        Reply::SendMessageBatch(SendMessageBatchReply::default()),
        Reply::ReceiveMessage(ReceiveMessageReply::default()),
        Reply::DeleteMessageBatch(DeleteMessageBatchReply::default()),
        Reply::ChangeMessageVisibilityBatch(ChangeMessageVisibilityBatchReply::default()),
        Reply::ListQueueTags(ListQueueTagsReply::default()),
    ];
    for reply in empty {
        assert_encodes(&reply, "{}");
    }
}

#[test]
fn queues_are_listed_with_a_token_if_more_remain() {
    let page = ListQueuesReply { queue_urls: list([URL]), next_token: Some("t".to_owned()) };
    let expected = format!(r#"{{"QueueUrls":["{URL}"],"NextToken":"t"}}"#);
    assert_encodes(&Reply::ListQueues(page), &expected);
}

#[test]
fn attribute_values_are_text_even_if_they_are_numbers() {
    let attributes = BTreeMap::from([
        (AttributeName::ApproximateNumberOfMessages, "0".to_owned()),
        (AttributeName::SqsManagedSseEnabled, "true".to_owned()),
    ]);
    assert_encodes(
        &Reply::GetQueueAttributes(GetQueueAttributesReply { attributes }),
        r#"{"Attributes":{"ApproximateNumberOfMessages":"0","SqsManagedSseEnabled":"true"}}"#,
    );
}

#[test]
fn tags_are_listed_by_key() {
    let reply = ListQueueTagsReply { tags: texts([("Team", ""), ("team", "a")]) };
    assert_encodes(&Reply::ListQueueTags(reply), r#"{"Tags":{"Team":"","team":"a"}}"#);
}

#[test]
fn a_send_is_answered_with_the_digests_that_apply() {
    let plain = format!(r#"{{"MD5OfMessageBody":"b0","MessageId":"{ID}"}}"#);
    assert_encodes(&Reply::SendMessage(sent()), &plain);
    let full = SendMessageReply {
        md5_of_message_attributes: Some("a0".to_owned()),
        md5_of_message_system_attributes: Some("c0".to_owned()),
        sequence_number: Some("00000000000000000001".to_owned()),
        ..sent()
    };
    let expected = format!(
        r#"{{"MD5OfMessageBody":"b0","MD5OfMessageAttributes":"a0","MD5OfMessageSystemAttributes":"c0","MessageId":"{ID}","SequenceNumber":"00000000000000000001"}}"#
    );
    assert_encodes(&Reply::SendMessage(full), &expected);
}

#[test]
fn a_batch_of_sends_lists_what_was_sent_and_what_failed() {
    let reply = SendMessageBatchReply {
        successful: vec![SendMessageBatchResultEntry { id: "a".to_owned(), sent: sent() }],
        failed: vec![SqsError::InvalidMessageContents.into_entry("b")],
    };
    let text = SqsError::InvalidMessageContents.to_string();
    let expected = format!(
        r#"{{"Successful":[{{"Id":"a","MD5OfMessageBody":"b0","MessageId":"{ID}"}}],"Failed":[{{"Id":"b","SenderFault":true,"Code":"InvalidMessageContents","Message":"{text}"}}]}}"#
    );
    assert_encodes(&Reply::SendMessageBatch(reply), &expected);
}

#[test]
fn batches_of_deletes_and_of_visibility_changes_list_ids() {
    let successful = vec![BatchResultEntry { id: "a".to_owned() }];
    let failed = vec![SqsError::ReceiptHandleIsInvalid("bad".to_owned()).into_entry("b")];
    let expected = r#"{"Successful":[{"Id":"a"}],"Failed":[{"Id":"b","SenderFault":true,"Code":"ReceiptHandleIsInvalid","Message":"The input receipt handle \"bad\" is not a valid receipt handle."}]}"#;
    let deleted =
        DeleteMessageBatchReply { successful: successful.clone(), failed: failed.clone() };
    assert_encodes(&Reply::DeleteMessageBatch(deleted), expected);
    let changed = ChangeMessageVisibilityBatchReply { successful, failed };
    assert_encodes(&Reply::ChangeMessageVisibilityBatch(changed), expected);
}

fn received() -> ReceivedMessage {
    ReceivedMessage {
        message_id: MessageId::from_random([0xAB; 16]),
        receipt_handle: "h".to_owned(),
        md5_of_body: "b0".to_owned(),
        body: "hi\r\n\"é😀\"".to_owned(),
        attributes: BTreeMap::new(),
        md5_of_message_attributes: None,
        message_attributes: MessageAttributes::new(),
    }
}

#[test]
fn a_received_message_has_no_more_than_was_asked_for() {
    let reply = Reply::ReceiveMessage(ReceiveMessageReply { messages: vec![received()] });
    let expected = format!(
        r#"{{"Messages":[{{"MessageId":"{ID}","ReceiptHandle":"h","MD5OfBody":"b0","Body":"hi\r\n\"é😀\""}}]}}"#
    );
    assert_encodes(&reply, &expected);
}

#[test]
fn a_received_message_has_the_attributes_that_were_asked_for() {
    let binary = AttributeValue::Binary(vec![0, 1, 255]);
    let message = ReceivedMessage {
        attributes: BTreeMap::from([
            (SystemAttributeName::SentTimestamp, "1790000000000".to_owned()),
            (SystemAttributeName::AwsTraceHeader, "Root=1".to_owned()),
        ]),
        md5_of_message_attributes: Some("a0".to_owned()),
        message_attributes: MessageAttributes::from([
            ("b".to_owned(), MessageAttribute { data_type: "Binary".to_owned(), value: binary }),
            ("k".to_owned(), MessageAttribute::text("x")),
        ]),
        ..received()
    };
    let reply = Reply::ReceiveMessage(ReceiveMessageReply { messages: vec![message] });
    let expected = format!(
        r#"{{"Messages":[{{"MessageId":"{ID}","ReceiptHandle":"h","MD5OfBody":"b0","Body":"hi\r\n\"é😀\"","Attributes":{{"AWSTraceHeader":"Root=1","SentTimestamp":"1790000000000"}},"MD5OfMessageAttributes":"a0","MessageAttributes":{{"b":{{"BinaryValue":"AAH/","DataType":"Binary"}},"k":{{"StringValue":"x","DataType":"String"}}}}}}]}}"#
    );
    assert_encodes(&reply, &expected);
}

#[test]
fn a_move_task_has_numbers_and_only_what_is_said_of_it() {
    let running = ListMessageMoveTasksResultEntry {
        task_handle: Some("h".to_owned()),
        status: "RUNNING",
        destination_arn: Some("arn:d".to_owned()),
        max_number_of_messages_per_second: Some(5),
        ..move_task()
    };
    let reply = ListMessageMoveTasksReply { results: vec![running, move_task()] };
    let expected = r#"{"Results":[{"TaskHandle":"h","Status":"RUNNING","SourceArn":"arn:s","DestinationArn":"arn:d","MaxNumberOfMessagesPerSecond":5,"ApproximateNumberOfMessagesMoved":2,"ApproximateNumberOfMessagesToMove":3,"StartedTimestamp":1790000000000},{"Status":"COMPLETED","SourceArn":"arn:s","ApproximateNumberOfMessagesMoved":2,"ApproximateNumberOfMessagesToMove":3,"StartedTimestamp":1790000000000}]}"#;
    assert_encodes(&Reply::ListMessageMoveTasks(reply), expected);
    let none = ListMessageMoveTasksReply::default();
    assert_encodes(&Reply::ListMessageMoveTasks(none), r#"{"Results":[]}"#);
    let failed = ListMessageMoveTasksResultEntry { failure_reason: Some("gone"), ..move_task() };
    let reply = Reply::ListMessageMoveTasks(ListMessageMoveTasksReply { results: vec![failed] });
    assert!(String::from_utf8(json::encode(&reply)).unwrap().contains(r#""FailureReason":"gone""#));
}

#[test]
fn a_start_answers_a_handle_and_a_cancel_how_many_were_moved() {
    let started = StartMessageMoveTaskReply { task_handle: "h=".to_owned() };
    assert_encodes(&Reply::StartMessageMoveTask(started), r#"{"TaskHandle":"h="}"#);
    let cancelled = CancelMessageMoveTaskReply { approximate_number_of_messages_moved: 0 };
    let expected = r#"{"ApproximateNumberOfMessagesMoved":0}"#;
    assert_encodes(&Reply::CancelMessageMoveTask(cancelled), expected);
}
