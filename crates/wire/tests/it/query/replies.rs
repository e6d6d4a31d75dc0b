//! The bytes of replies, as XML and as JSON.

use std::collections::BTreeMap;

use longshore_types::{
    AttributeName, AttributeValue, MessageAttribute, MessageAttributes, MessageId,
};
use longshore_wire::query::Format;
use longshore_wire::{
    BatchResultEntry, ChangeMessageVisibilityBatchReply, CreateQueueReply, DeleteMessageBatchReply,
    GetQueueAttributesReply, GetQueueUrlReply, ListMessageMoveTasksReply, ListQueueTagsReply,
    ListQueuesReply, ReceiveMessageReply, ReceivedMessage, Reply, SendMessageBatchReply,
    SendMessageBatchResultEntry, SendMessageReply, SqsError, SystemAttributeName,
};

use crate::{URL, list, move_task, texts};

const ID: &str = "abababab-abab-4bab-abab-abababababab";
const METADATA: &str = "<ResponseMetadata><RequestId>id</RequestId></ResponseMetadata>";

/// Asserts what stands between the response's tags and before its metadata.
#[track_caller]
fn assert_encodes(action: &str, reply: &Reply, result: &str) {
    let expected = format!(
        r#"<?xml version="1.0"?><{action}Response xmlns="http://queue.amazonaws.com/doc/2012-11-05/">{result}{METADATA}</{action}Response>"#
    );
    let encoded = Format::Xml.encode(action, "id", reply);
    assert_eq!(String::from_utf8(encoded).unwrap(), expected);
}

#[track_caller]
fn assert_encodes_as_json(action: &str, reply: &Reply, expected: &str) {
    let encoded = Format::Json.encode(action, "id", reply);
    assert_eq!(String::from_utf8(encoded).unwrap(), expected);
}

fn sent() -> SendMessageReply {
    SendMessageReply {
        md5_of_message_body: "b0".to_owned(),
        md5_of_message_attributes: Some("a0".to_owned()),
        md5_of_message_system_attributes: None,
        message_id: MessageId::from_random([0xAB; 16]),
        sequence_number: None,
    }
}

fn received() -> ReceivedMessage {
    let binary = AttributeValue::Binary(vec![0, 1, 255]);
    ReceivedMessage {
        message_id: MessageId::from_random([0xAB; 16]),
        receipt_handle: "h".to_owned(),
        md5_of_body: "b0".to_owned(),
        body: "<a&\"\r\n\té😀>".to_owned(),
        attributes: BTreeMap::from([
            (SystemAttributeName::SentTimestamp, "1790000000000".to_owned()),
            (SystemAttributeName::AwsTraceHeader, "Root=1".to_owned()),
        ]),
        md5_of_message_attributes: Some("a0".to_owned()),
        message_attributes: MessageAttributes::from([
            ("b".to_owned(), MessageAttribute { data_type: "Binary".to_owned(), value: binary }),
            ("k".to_owned(), MessageAttribute::text("x")),
        ]),
    }
}

#[test]
fn an_action_without_output_has_no_result() {
    let without = [
        "DeleteQueue",
        "SetQueueAttributes",
        "DeleteMessage",
        "ChangeMessageVisibility",
        "PurgeQueue",
        "TagQueue",
        "UntagQueue",
        "AddPermission",
        "RemovePermission",
    ];
    for action in without {
        assert_encodes(action, &Reply::Empty, "");
    }
    let json = r#"{"PurgeQueueResponse":{"ResponseMetadata":{"RequestId":"id"}}}"#;
    assert_encodes_as_json("PurgeQueue", &Reply::Empty, json);
}

#[test]
fn a_result_without_anything_is_an_empty_element() {
    let empty = [
        ("ListQueues", Reply::ListQueues(ListQueuesReply::default())),
        ("GetQueueAttributes", Reply::GetQueueAttributes(GetQueueAttributesReply::default())),
        ("ReceiveMessage", Reply::ReceiveMessage(ReceiveMessageReply::default())),
        ("ListQueueTags", Reply::ListQueueTags(ListQueueTagsReply::default())),
    ];
    for (action, reply) in empty {
        assert_encodes(action, &reply, &format!("<{action}Result/>"));
    }
}

#[test]
fn the_url_of_a_queue_is_answered_as_it_is() {
    let queue_url = URL.to_owned();
    let reply = Reply::CreateQueue(CreateQueueReply { queue_url: queue_url.clone() });
    let result = format!("<CreateQueueResult><QueueUrl>{URL}</QueueUrl></CreateQueueResult>");
    assert_encodes("CreateQueue", &reply, &result);
    let reply = Reply::GetQueueUrl(GetQueueUrlReply { queue_url });
    let result = format!("<GetQueueUrlResult><QueueUrl>{URL}</QueueUrl></GetQueueUrlResult>");
    assert_encodes("GetQueueUrl", &reply, &result);
}

#[test]
fn queues_are_listed_one_by_one() {
    let page = ListQueuesReply { queue_urls: list(["u", "v"]), next_token: Some("t".to_owned()) };
    let result = "<ListQueuesResult><NextToken>t</NextToken><QueueUrl>u</QueueUrl><QueueUrl>v</QueueUrl></ListQueuesResult>";
    assert_encodes("ListQueues", &Reply::ListQueues(page), result);
}

#[test]
fn attributes_are_entries_of_name_and_value() {
    let attributes = BTreeMap::from([
        (AttributeName::DelaySeconds, "0".to_owned()),
        (AttributeName::RedrivePolicy, r#"{"maxReceiveCount":3}"#.to_owned()),
    ]);
    let reply = Reply::GetQueueAttributes(GetQueueAttributesReply { attributes });
    let result = "<GetQueueAttributesResult><Attribute><Name>DelaySeconds</Name><Value>0</Value></Attribute><Attribute><Name>RedrivePolicy</Name><Value>{&quot;maxReceiveCount&quot;:3}</Value></Attribute></GetQueueAttributesResult>";
    assert_encodes("GetQueueAttributes", &reply, result);
    let json = r#"{"GetQueueAttributesResponse":{"GetQueueAttributesResult":{"Attributes":[{"Name":"DelaySeconds","Value":"0"},{"Name":"RedrivePolicy","Value":"{\"maxReceiveCount\":3}"}]},"ResponseMetadata":{"RequestId":"id"}}}"#;
    assert_encodes_as_json("GetQueueAttributes", &reply, json);
}

#[test]
fn tags_are_entries_of_key_and_value() {
    let reply =
        Reply::ListQueueTags(ListQueueTagsReply { tags: texts([("Attributes", ""), ("b", "c")]) });
    let result = "<ListQueueTagsResult><Tag><Key>Attributes</Key><Value></Value></Tag><Tag><Key>b</Key><Value>c</Value></Tag></ListQueueTagsResult>";
    assert_encodes("ListQueueTags", &reply, result);
}

#[test]
fn a_send_is_answered_with_the_digests_that_apply() {
    let result = format!(
        "<SendMessageResult><MD5OfMessageAttributes>a0</MD5OfMessageAttributes><MD5OfMessageBody>b0</MD5OfMessageBody><MessageId>{ID}</MessageId></SendMessageResult>"
    );
    assert_encodes("SendMessage", &Reply::SendMessage(sent()), &result);
}

#[test]
fn a_batch_of_sends_lists_its_entries_by_what_became_of_them() {
    let reply = Reply::SendMessageBatch(SendMessageBatchReply {
        successful: vec![SendMessageBatchResultEntry { id: "a".to_owned(), sent: sent() }],
        failed: vec![SqsError::InvalidMessageContents.into_entry("b")],
    });
    let text = SqsError::InvalidMessageContents;
    let result = format!(
        "<SendMessageBatchResult><BatchResultErrorEntry><Code>InvalidMessageContents</Code><Id>b</Id><Message>{text}</Message><SenderFault>true</SenderFault></BatchResultErrorEntry><SendMessageBatchResultEntry><Id>a</Id><MD5OfMessageAttributes>a0</MD5OfMessageAttributes><MD5OfMessageBody>b0</MD5OfMessageBody><MessageId>{ID}</MessageId></SendMessageBatchResultEntry></SendMessageBatchResult>"
    );
    assert_encodes("SendMessageBatch", &reply, &result);
}

#[test]
fn batches_of_deletes_and_of_visibility_changes_list_ids() {
    let entries = ["a", "b"].map(|id| BatchResultEntry { id: id.to_owned() });
    let result = |action: &str| {
        let entry = format!("{action}ResultEntry");
        format!(
            "<{action}Result><{entry}><Id>a</Id></{entry}><{entry}><Id>b</Id></{entry}></{action}Result>"
        )
    };
    let (successful, failed) = (Vec::from(entries), Vec::new());
    let deleted =
        DeleteMessageBatchReply { successful: successful.clone(), failed: failed.clone() };
    let reply = Reply::DeleteMessageBatch(deleted);
    assert_encodes("DeleteMessageBatch", &reply, &result("DeleteMessageBatch"));
    let changed = ChangeMessageVisibilityBatchReply { successful, failed };
    let reply = Reply::ChangeMessageVisibilityBatch(changed);
    let action = "ChangeMessageVisibilityBatch";
    assert_encodes(action, &reply, &result(action));
}

#[test]
fn a_received_message_is_escaped_and_flattened() {
    let reply = Reply::ReceiveMessage(ReceiveMessageReply { messages: vec![received()] });
    let result = format!(
        "<ReceiveMessageResult><Message><Attribute><Name>AWSTraceHeader</Name><Value>Root=1</Value></Attribute><Attribute><Name>SentTimestamp</Name><Value>1790000000000</Value></Attribute><Body>&lt;a&amp;&quot;&#xD;\n\té😀&gt;</Body><MD5OfBody>b0</MD5OfBody><MD5OfMessageAttributes>a0</MD5OfMessageAttributes><MessageAttribute><Name>b</Name><Value><BinaryValue>AAH/</BinaryValue><DataType>Binary</DataType></Value></MessageAttribute><MessageAttribute><Name>k</Name><Value><DataType>String</DataType><StringValue>x</StringValue></Value></MessageAttribute><MessageId>{ID}</MessageId><ReceiptHandle>h</ReceiptHandle></Message></ReceiveMessageResult>"
    );
    assert_encodes("ReceiveMessage", &reply, &result);
}

#[test]
fn received_messages_are_in_lower_case_in_json() {
    let message = ReceivedMessage {
        attributes: BTreeMap::new(),
        md5_of_message_attributes: None,
        message_attributes: MessageAttributes::new(),
        ..received()
    };
    let reply = Reply::ReceiveMessage(ReceiveMessageReply { messages: vec![message] });
    let expected = format!(
        r#"{{"ReceiveMessageResponse":{{"ReceiveMessageResult":{{"messages":[{{"Body":"<a&\"\r\n\té😀>","MD5OfBody":"b0","MessageId":"{ID}","ReceiptHandle":"h"}}]}},"ResponseMetadata":{{"RequestId":"id"}}}}}}"#
    );
    assert_encodes_as_json("ReceiveMessage", &reply, &expected);
}

#[test]
fn json_is_written_only_to_who_accepts_it_first() {
    for accept in ["application/json", "Application/JSON;q=1", "application/json, */*"] {
        assert_eq!(Format::accepted(Some(accept)), Format::Json, "{accept}");
    }
    for accept in [None, Some("*/*"), Some("text/xml, application/json"), Some("application/jsonp")]
    {
        assert_eq!(Format::accepted(accept), Format::Xml, "{accept:?}");
    }
    assert_eq!(Format::Xml.media_type(), "text/xml");
    assert_eq!(Format::Json.media_type(), "application/json");
}

#[test]
fn move_tasks_are_flattened_entries_with_numbers() {
    let reply = ListMessageMoveTasksReply { results: vec![move_task(), move_task()] };
    let entry = "<ListMessageMoveTasksResultEntry><ApproximateNumberOfMessagesMoved>2</ApproximateNumberOfMessagesMoved><ApproximateNumberOfMessagesToMove>3</ApproximateNumberOfMessagesToMove><SourceArn>arn:s</SourceArn><StartedTimestamp>1790000000000</StartedTimestamp><Status>COMPLETED</Status></ListMessageMoveTasksResultEntry>";
    let result = format!("<ListMessageMoveTasksResult>{entry}{entry}</ListMessageMoveTasksResult>");
    assert_encodes("ListMessageMoveTasks", &Reply::ListMessageMoveTasks(reply), &result);
    let none = Reply::ListMessageMoveTasks(ListMessageMoveTasksReply::default());
    let result = "<ListMessageMoveTasksResult></ListMessageMoveTasksResult>";
    assert_encodes("ListMessageMoveTasks", &none, result);
}
