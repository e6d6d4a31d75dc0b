//! Requests about messages, as SDKs send them: every member of every action.

use std::collections::BTreeMap;

use longshore_wire::{
    ChangeMessageVisibility, ChangeMessageVisibilityBatch, ChangeMessageVisibilityBatchEntry,
    DeleteMessage, DeleteMessageBatch, DeleteMessageBatchEntry, RawAttribute, ReceiveMessage,
    SendMessage, SendMessageBatch, SendMessageBatchEntry,
};

use crate::{URL, assert_decodes, decode, list};

fn string_attribute(value: &str) -> RawAttribute {
    RawAttribute {
        data_type: Some("String".to_owned()),
        string_value: Some(value.to_owned()),
        ..RawAttribute::default()
    }
}

#[test]
fn send_message_has_attributes_of_three_sorts_of_field() {
    let body = r#"{
        "QueueUrl":"jobs","MessageBody":"hi\r\n\u00e9\ud83d\ude00","DelaySeconds":5,
        "MessageAttributes":{
            "k":{"DataType":"String","StringValue":"x"},
            "b":{"DataType":"Binary.png","BinaryValue":"AAH/"},
            "l":{"DataType":"String","StringListValues":["a"],"BinaryListValues":["AA=="]}},
        "MessageSystemAttributes":{"AWSTraceHeader":{"DataType":"String","StringValue":"Root=1"}},
        "MessageDeduplicationId":"d","MessageGroupId":"g"}"#;
    let binary = RawAttribute {
        data_type: Some("Binary.png".to_owned()),
        binary_value: Some(vec![0, 1, 255]),
        ..RawAttribute::default()
    };
    let lists = RawAttribute {
        data_type: Some("String".to_owned()),
        string_list_values: list(["a"]),
        binary_list_values: vec![vec![0]],
        ..RawAttribute::default()
    };
    let expected = SendMessage {
        queue_url: "jobs".to_owned(),
        message_body: "hi\r\né😀".to_owned(),
        delay_seconds: Some(5.into()),
        message_attributes: BTreeMap::from([
            ("k".to_owned(), string_attribute("x")),
            ("b".to_owned(), binary),
            ("l".to_owned(), lists),
        ]),
        message_system_attributes: BTreeMap::from([(
            "AWSTraceHeader".to_owned(),
            string_attribute("Root=1"),
        )]),
        message_deduplication_id: Some("d".to_owned()),
        message_group_id: Some("g".to_owned()),
    };
    assert_decodes("SendMessage", body, expected);
}

#[test]
fn send_message_batch_has_the_members_of_a_send_and_an_id() {
    let body = r#"{"QueueUrl":"jobs","Entries":[
        {"Id":"a","MessageBody":"one","DelaySeconds":0,
         "MessageAttributes":{"k":{"DataType":"String","StringValue":"x"}},
         "MessageSystemAttributes":{"AWSTraceHeader":{"DataType":"String","StringValue":"r"}},
         "MessageDeduplicationId":"d","MessageGroupId":""},
        {}]}"#;
    let entry = SendMessageBatchEntry {
        id: Some("a".to_owned()),
        message_body: "one".to_owned(),
        delay_seconds: Some(0.into()),
        message_attributes: BTreeMap::from([("k".to_owned(), string_attribute("x"))]),
        message_system_attributes: BTreeMap::from([(
            "AWSTraceHeader".to_owned(),
            string_attribute("r"),
        )]),
        message_deduplication_id: Some("d".to_owned()),
        message_group_id: Some(String::new()),
    };
    let entries = vec![entry, SendMessageBatchEntry::default()];
    let queue_url = "jobs".to_owned();
    assert_decodes("SendMessageBatch", body, SendMessageBatch { queue_url, entries });
}

#[test]
fn an_entry_of_a_batch_is_a_send_of_its_own() {
    let send = r#"{"QueueUrl":"jobs","MessageBody":"b","DelaySeconds":1,"MessageGroupId":"g"}"#;
    let entry = SendMessageBatchEntry {
        id: Some("a".to_owned()),
        message_body: "b".to_owned(),
        delay_seconds: Some(1.into()),
        message_group_id: Some("g".to_owned()),
        ..SendMessageBatchEntry::default()
    };
    assert_decodes("SendMessage", send, entry.into_send("jobs".to_owned()));
}

#[test]
fn receive_message_has_both_lists_of_system_attributes() {
    assert_decodes(
        "ReceiveMessage",
        r#"{"QueueUrl":"jobs","AttributeNames":["All"],"MessageSystemAttributeNames":["SenderId"],
            "MessageAttributeNames":["k.*"],"MaxNumberOfMessages":10,"VisibilityTimeout":0,
            "WaitTimeSeconds":20,"ReceiveRequestAttemptId":"r"}"#,
        ReceiveMessage {
            queue_url: "jobs".to_owned(),
            attribute_names: list(["All"]),
            message_system_attribute_names: list(["SenderId"]),
            message_attribute_names: list(["k.*"]),
            max_number_of_messages: Some(10.into()),
            visibility_timeout: Some(0.into()),
            wait_time_seconds: Some(20.into()),
            receive_request_attempt_id: Some("r".to_owned()),
        },
    );
}

#[test]
fn delete_message_has_a_receipt_handle() {
    assert_decodes(
        "DeleteMessage",
        &format!(r#"{{"QueueUrl":"{URL}","ReceiptHandle":"h"}}"#),
        DeleteMessage { queue_url: URL.to_owned(), receipt_handle: "h".to_owned() },
    );
}

#[test]
fn delete_message_batch_has_ids_and_handles() {
    assert_decodes(
        "DeleteMessageBatch",
        r#"{"QueueUrl":"jobs","Entries":[{"Id":"a","ReceiptHandle":"h"},{"Id":""}]}"#,
        DeleteMessageBatch {
            queue_url: "jobs".to_owned(),
            entries: vec![
                DeleteMessageBatchEntry {
                    id: Some("a".to_owned()),
                    receipt_handle: "h".to_owned(),
                },
                DeleteMessageBatchEntry { id: Some(String::new()), ..Default::default() },
            ],
        },
    );
}

#[test]
fn change_message_visibility_has_a_timeout_that_can_be_zero() {
    assert_decodes(
        "ChangeMessageVisibility",
        r#"{"QueueUrl":"jobs","ReceiptHandle":"h","VisibilityTimeout":0}"#,
        ChangeMessageVisibility {
            queue_url: "jobs".to_owned(),
            receipt_handle: "h".to_owned(),
            visibility_timeout: 0.into(),
        },
    );
}

#[test]
fn change_message_visibility_batch_has_a_timeout_for_each_entry() {
    assert_decodes(
        "ChangeMessageVisibilityBatch",
        r#"{"QueueUrl":"jobs","Entries":[{"Id":"a","ReceiptHandle":"h","VisibilityTimeout":-1}]}"#,
        ChangeMessageVisibilityBatch {
            queue_url: "jobs".to_owned(),
            entries: vec![ChangeMessageVisibilityBatchEntry {
                id: Some("a".to_owned()),
                receipt_handle: "h".to_owned(),
                visibility_timeout: Some((-1).into()),
            }],
        },
    );
}

#[test]
fn unknown_members_are_ignored_and_null_is_absent() {
    let plain = decode("SendMessage", r#"{"QueueUrl":"jobs","MessageBody":"b"}"#);
    let body = r#"{"QueueUrl":"jobs","MessageBody":"b","New":{"a":[1,{"b":null}]},
        "DelaySeconds":null,"MessageAttributes":{"gone":null},"MessageGroupId":null}"#;
    assert!(plain.is_ok());
    assert_eq!(decode("SendMessage", body), plain);
}
