//! Actions that there are not, and required members that are missing.

use longshore_wire::{Request, SqsError, json};

use crate::{decode, with_queue_url};

#[track_caller]
fn assert_missing(action: &str, body: &str, parameter: &str) {
    let expected = SqsError::MissingParameter(parameter.to_owned());
    assert_eq!(decode(action, body), Err(expected.clone()), "{action} {body}");
    let text = format!("The request must contain the parameter {parameter}.");
    assert_eq!(expected.to_string(), text);
}

#[test]
fn every_action_requires_a_queue_url_unless_it_names_a_queue_otherwise_or_none() {
    for action in with_queue_url() {
        for body in ["", " \n", "{}", "null", r#"{"QueueUrl":""}"#, r#"{"QueueUrl":null}"#] {
            assert_missing(action, body, "QueueUrl");
        }
    }
}

#[test]
fn required_members_are_asked_for_by_name() {
    let cases = [
        ("SendMessage", r#"{"QueueUrl":"q"}"#, "MessageBody"),
        ("SendMessage", r#"{"QueueUrl":"q","MessageBody":""}"#, "MessageBody"),
        ("DeleteMessage", r#"{"QueueUrl":"q","ReceiptHandle":""}"#, "ReceiptHandle"),
        ("ChangeMessageVisibility", r#"{"QueueUrl":"q"}"#, "ReceiptHandle"),
        ("ChangeMessageVisibility", r#"{"QueueUrl":"q","ReceiptHandle":"h"}"#, "VisibilityTimeout"),
        ("SetQueueAttributes", r#"{"QueueUrl":"q","Attributes":{}}"#, "Attribute.Name"),
        ("TagQueue", r#"{"QueueUrl":"q","Tags":{}}"#, "Tags"),
        ("UntagQueue", r#"{"QueueUrl":"q"}"#, "TagKeys"),
        ("AddPermission", r#"{"QueueUrl":"q"}"#, "Label"),
        ("AddPermission", r#"{"QueueUrl":"q","Label":"l"}"#, "AWSAccountIds"),
        (
            "AddPermission",
            r#"{"QueueUrl":"q","Label":"l","AWSAccountIds":["1"],"Actions":[]}"#,
            "ActionName",
        ),
        ("RemovePermission", r#"{"QueueUrl":"q","Label":""}"#, "Label"),
        ("StartMessageMoveTask", r#"{"SourceArn":""}"#, "SourceArn"),
        ("CancelMessageMoveTask", "{}", "TaskHandle"),
        ("ListMessageMoveTasks", r#"{"MaxResults":1}"#, "SourceArn"),
    ];
    for (action, body, parameter) in cases {
        assert_missing(action, body, parameter);
    }
}

#[test]
fn q19_a_queue_name_that_is_absent_or_empty_is_refused_in_each_actions_words() {
    let absent = "Value for parameter QueueName is invalid. Reason: Must specify a queue name.";
    let cases = [
        ("CreateQueue", "{}", absent),
        ("CreateQueue", r#"{"QueueName":""}"#, "Queue name cannot be empty"),
        ("GetQueueUrl", "{}", absent),
        ("GetQueueUrl", r#"{"QueueName":""}"#, absent),
    ];
    for (action, body, text) in cases {
        let refused = decode(action, body);
        assert_eq!(refused, Err(SqsError::InvalidParameterValue(text.to_owned())), "{action}");
    }
}

#[test]
fn q19_a_batch_lacks_its_entries_or_has_none_which_is_not_the_same() {
    for action in ["SendMessageBatch", "DeleteMessageBatch", "ChangeMessageVisibilityBatch"] {
        assert_missing(action, r#"{"QueueUrl":"q"}"#, "Entries");
        assert_missing(action, r#"{"QueueUrl":"q","Entries":null}"#, "Entries");
        // The queue is looked up before an empty list is refused.
        assert!(decode(action, r#"{"QueueUrl":"q","Entries":[]}"#).is_ok(), "{action}");
    }
}

#[test]
fn every_action_is_known_by_its_exact_name() {
    for action in Request::ACTIONS {
        let refused = decode(action, "[]").unwrap_err();
        assert!(matches!(refused, SqsError::Serialization(_)), "{action}");
    }
    let cases = [
        (Some("AmazonSQS.FooBar"), "The action FooBar is not valid for this endpoint."),
        (Some("AmazonSQS.sendMessage"), "The action sendMessage is not valid for this endpoint."),
        (
            Some("amazonsqs.SendMessage"),
            "The action amazonsqs.SendMessage is not valid for this endpoint.",
        ),
        (None, "The request names no action: send the header X-Amz-Target: AmazonSQS.<Action>."),
    ];
    for (target, text) in cases {
        let refused = json::decode(target, b"{}").unwrap_err();
        assert_eq!(refused, SqsError::UnknownOperation(text.to_owned()));
    }
}
