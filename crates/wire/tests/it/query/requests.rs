//! Forms of every action, each read as the JSON that says the same.

use longshore_wire::query::Parameters;
use longshore_wire::{Request, SqsError};

use super::{BASE, decode, decode_at};

/// Asserts that a form, given a parameter a word, is read as a body of JSON.
#[track_caller]
fn assert_reads(action: &str, parameters: &str, json: &str) {
    let form = format!("Action={action}&Version=2012-11-05&{}", form(parameters));
    let expected = crate::decode(action, json);
    assert!(expected.is_ok(), "{expected:?}");
    assert_eq!(decode(&form), expected, "{form}");
}

/// Parameters that are separated by white space, as a form.
fn form(parameters: &str) -> String {
    parameters.split_whitespace().collect::<Vec<_>>().join("&")
}

/// An action, its parameters, and what they are in JSON.
const FORMS: [(&str, &str, &str); 23] = [
    (
        "CreateQueue",
        "QueueName=jobs Attribute.1.Name=DelaySeconds Attribute.1.Value=5 \
         Attribute.2.Name=Policy Attribute.2.Value= Tag.1.Key=team Tag.1.Value=a+b \
         Tag.2.Key=Team Tag.2.Value=",
        r#"{"QueueName":"jobs","Attributes":{"DelaySeconds":"5","Policy":""},
            "tags":{"team":"a b","Team":""}}"#,
    ),
    ("DeleteQueue", "QueueUrl=q", r#"{"QueueUrl":"q"}"#),
    (
        "GetQueueUrl",
        "QueueName=jobs QueueOwnerAWSAccountId=123456789012",
        r#"{"QueueName":"jobs","QueueOwnerAWSAccountId":"123456789012"}"#,
    ),
    (
        "ListQueues",
        "QueueNamePrefix=j NextToken=t MaxResults=10",
        r#"{"QueueNamePrefix":"j","NextToken":"t","MaxResults":10}"#,
    ),
    (
        "ListDeadLetterSourceQueues",
        "QueueUrl=q NextToken=t MaxResults=10",
        r#"{"QueueUrl":"q","NextToken":"t","MaxResults":10}"#,
    ),
    (
        "GetQueueAttributes",
        "QueueUrl=q AttributeName.1=QueueArn AttributeName.2=Policy",
        r#"{"QueueUrl":"q","AttributeNames":["QueueArn","Policy"]}"#,
    ),
    (
        "SetQueueAttributes",
        "QueueUrl=q Attribute.Name=DelaySeconds Attribute.Value=5",
        r#"{"QueueUrl":"q","Attributes":{"DelaySeconds":"5"}}"#,
    ),
    (
        "SendMessage",
        "QueueUrl=q MessageBody=a%0D%0Ab%26%3C DelaySeconds=5 MessageGroupId=g \
         MessageDeduplicationId=d \
         MessageAttribute.1.Name=k MessageAttribute.1.Value.DataType=String \
         MessageAttribute.1.Value.StringValue=x \
         MessageAttribute.2.Name=b MessageAttribute.2.Value.DataType=Binary \
         MessageAttribute.2.Value.BinaryValue=AAH%2F \
         MessageAttribute.3.Name=l MessageAttribute.3.Value.StringListValue.1=y \
         MessageAttribute.3.Value.BinaryListValue.1=AA%3D%3D \
         MessageSystemAttribute.1.Name=AWSTraceHeader \
         MessageSystemAttribute.1.Value.DataType=String \
         MessageSystemAttribute.1.Value.StringValue=Root",
        r#"{"QueueUrl":"q","MessageBody":"a\r\nb&<","DelaySeconds":5,"MessageGroupId":"g",
            "MessageDeduplicationId":"d",
            "MessageAttributes":{"k":{"DataType":"String","StringValue":"x"},
                "b":{"DataType":"Binary","BinaryValue":"AAH/"},
                "l":{"StringListValues":["y"],"BinaryListValues":["AA=="]}},
            "MessageSystemAttributes":
                {"AWSTraceHeader":{"DataType":"String","StringValue":"Root"}}}"#,
    ),
    (
        "SendMessageBatch",
        "QueueUrl=q SendMessageBatchRequestEntry.1.Id=a \
         SendMessageBatchRequestEntry.1.MessageBody=x \
         SendMessageBatchRequestEntry.1.DelaySeconds=0 \
         SendMessageBatchRequestEntry.1.MessageAttribute.1.Name=k \
         SendMessageBatchRequestEntry.1.MessageAttribute.1.Value.DataType=Number \
         SendMessageBatchRequestEntry.1.MessageAttribute.1.Value.StringValue=1 \
         SendMessageBatchRequestEntry.2.Id=b SendMessageBatchRequestEntry.2.MessageGroupId=g \
         SendMessageBatchRequestEntry.2.MessageDeduplicationId=d \
         SendMessageBatchRequestEntry.2.MessageSystemAttribute.1.Name=AWSTraceHeader \
         SendMessageBatchRequestEntry.2.MessageSystemAttribute.1.Value.StringValue=Root",
        r#"{"QueueUrl":"q","Entries":[{"Id":"a","MessageBody":"x","DelaySeconds":0,
                "MessageAttributes":{"k":{"DataType":"Number","StringValue":"1"}}},
            {"Id":"b","MessageGroupId":"g","MessageDeduplicationId":"d",
                "MessageSystemAttributes":{"AWSTraceHeader":{"StringValue":"Root"}}}]}"#,
    ),
    (
        "ReceiveMessage",
        "QueueUrl=q AttributeName.1=All MessageSystemAttributeName.1=SenderId \
         MessageAttributeName.1=k MessageAttributeName.2=Hel.* MaxNumberOfMessages=10 \
         VisibilityTimeout=0 WaitTimeSeconds=20 ReceiveRequestAttemptId=r",
        r#"{"QueueUrl":"q","AttributeNames":["All"],"MessageSystemAttributeNames":["SenderId"],
            "MessageAttributeNames":["k","Hel.*"],"MaxNumberOfMessages":10,"VisibilityTimeout":0,
            "WaitTimeSeconds":20,"ReceiveRequestAttemptId":"r"}"#,
    ),
    ("DeleteMessage", "QueueUrl=q ReceiptHandle=h", r#"{"QueueUrl":"q","ReceiptHandle":"h"}"#),
    (
        "DeleteMessageBatch",
        "QueueUrl=q DeleteMessageBatchRequestEntry.1.Id=a \
         DeleteMessageBatchRequestEntry.1.ReceiptHandle=h",
        r#"{"QueueUrl":"q","Entries":[{"Id":"a","ReceiptHandle":"h"}]}"#,
    ),
    (
        "ChangeMessageVisibility",
        "QueueUrl=q ReceiptHandle=h VisibilityTimeout=-1",
        r#"{"QueueUrl":"q","ReceiptHandle":"h","VisibilityTimeout":-1}"#,
    ),
    (
        "ChangeMessageVisibilityBatch",
        "QueueUrl=q ChangeMessageVisibilityBatchRequestEntry.1.Id=a \
         ChangeMessageVisibilityBatchRequestEntry.1.ReceiptHandle=h \
         ChangeMessageVisibilityBatchRequestEntry.1.VisibilityTimeout=7",
        r#"{"QueueUrl":"q","Entries":[{"Id":"a","ReceiptHandle":"h","VisibilityTimeout":7}]}"#,
    ),
    ("PurgeQueue", "QueueUrl=q", r#"{"QueueUrl":"q"}"#),
    (
        "TagQueue",
        "QueueUrl=q Tag.1.Key=team Tag.1.Value=a",
        r#"{"QueueUrl":"q","Tags":{"team":"a"}}"#,
    ),
    (
        "UntagQueue",
        "QueueUrl=q TagKey.1=team TagKey.2=Team",
        r#"{"QueueUrl":"q","TagKeys":["team","Team"]}"#,
    ),
    ("ListQueueTags", "QueueUrl=q", r#"{"QueueUrl":"q"}"#),
    (
        "AddPermission",
        "QueueUrl=q Label=l AWSAccountId.1=111111111111 AWSAccountId.2=222222222222 \
         ActionName.1=SendMessage ActionName.2=*",
        r#"{"QueueUrl":"q","Label":"l","AWSAccountIds":["111111111111","222222222222"],
            "Actions":["SendMessage","*"]}"#,
    ),
    ("RemovePermission", "QueueUrl=q Label=l", r#"{"QueueUrl":"q","Label":"l"}"#),
    (
        "StartMessageMoveTask",
        "SourceArn=arn%3As DestinationArn=arn%3Ad MaxNumberOfMessagesPerSecond=5",
        r#"{"SourceArn":"arn:s","DestinationArn":"arn:d","MaxNumberOfMessagesPerSecond":5}"#,
    ),
    ("CancelMessageMoveTask", "TaskHandle=h%3D", r#"{"TaskHandle":"h="}"#),
    (
        "ListMessageMoveTasks",
        "SourceArn=arn%3As MaxResults=10",
        r#"{"SourceArn":"arn:s","MaxResults":10}"#,
    ),
];

#[test]
fn every_action_is_read_as_in_json() {
    assert_eq!(FORMS.map(|(action, ..)| action), Request::ACTIONS);
    for (action, parameters, json) in FORMS {
        assert_reads(action, parameters, json);
    }
}

#[test]
fn every_form_is_read_the_same_from_the_query_string_of_a_get() {
    for (action, parameters, json) in FORMS {
        let query = format!("Action={action}&{}", form(parameters));
        let request = Parameters::parse(&query, b"").unwrap().request(BASE, "/");
        assert_eq!(request, crate::decode(action, json), "{query}");
    }
}

#[test]
fn url_and_body_are_merged_and_the_body_counts() {
    let parameters = Parameters::parse("Action=DeleteQueue&QueueUrl=a", b"QueueUrl=b&X=1");
    let request = parameters.unwrap().request(BASE, "/");
    assert_eq!(request, crate::decode("DeleteQueue", r#"{"QueueUrl":"b"}"#));
}

#[test]
fn indexes_are_an_order_with_gaps() {
    let parameters = "QueueUrl=q TagKey.10=c TagKey.9=b TagKey.4000000000=d TagKey.2=a";
    assert_reads("UntagQueue", parameters, r#"{"QueueUrl":"q","TagKeys":["a","b","c","d"]}"#);
}

#[test]
fn a_name_without_an_index_is_the_first() {
    assert_reads("UntagQueue", "QueueUrl=q TagKey=a", r#"{"QueueUrl":"q","TagKeys":["a"]}"#);
    let entry = "DeleteMessageBatchRequestEntry";
    let parameters = format!("QueueUrl=q {entry}.Id=a {entry}.ReceiptHandle=h");
    let json = r#"{"QueueUrl":"q","Entries":[{"Id":"a","ReceiptHandle":"h"}]}"#;
    assert_reads("DeleteMessageBatch", &parameters, json);
}

#[test]
fn an_empty_value_is_an_empty_list_and_an_absent_number() {
    let parameters = "QueueUrl=q AttributeName= MessageAttributeName= VisibilityTimeout=";
    assert_reads("ReceiveMessage", parameters, r#"{"QueueUrl":"q"}"#);
    assert_reads("GetQueueAttributes", "QueueUrl=q AttributeName=", r#"{"QueueUrl":"q"}"#);
    assert_reads(
        "SendMessageBatch",
        "QueueUrl=q SendMessageBatchRequestEntry=",
        r#"{"QueueUrl":"q","Entries":[]}"#,
    );
    assert_reads(
        "SendMessage",
        "QueueUrl=q MessageBody=x MessageAttribute= MessageGroupId=",
        r#"{"QueueUrl":"q","MessageBody":"x","MessageGroupId":""}"#,
    );
}

#[test]
fn an_entry_of_a_map_without_a_key_or_a_value_has_empty_ones() {
    assert_reads("TagQueue", "QueueUrl=q Tag.1.Value=a", r#"{"QueueUrl":"q","Tags":{"":"a"}}"#);
    assert_reads("TagQueue", "QueueUrl=q Tag.1.Key=a", r#"{"QueueUrl":"q","Tags":{"a":""}}"#);
    assert_reads(
        "SendMessage",
        "QueueUrl=q MessageBody=x MessageAttribute.1.Name=k",
        r#"{"QueueUrl":"q","MessageBody":"x","MessageAttributes":{"k":{}}}"#,
    );
}

#[test]
fn parameters_that_no_action_has_are_ignored() {
    let parameters = "QueueUrl=q AWSAccessKeyId=x X-Amz-Signature=y Strange.1.Name=z .=1 ..1=2 \
                      QueueUrl.a.b.c.d.e.f.g.h=9";
    assert_reads("PurgeQueue", parameters, r#"{"QueueUrl":"q"}"#);
}

#[test]
fn the_queue_is_the_parameter_else_the_path() {
    let by_path = format!(r#"{{"QueueUrl":"{BASE}/000000000000/jobs"}}"#);
    for form in ["Action=PurgeQueue", "Action=PurgeQueue&QueueUrl="] {
        let decoded = decode_at("/000000000000/jobs", form);
        assert_eq!(decoded, crate::decode("PurgeQueue", &by_path), "{form}");
    }
    let decoded = decode_at("/000000000000/jobs", "Action=PurgeQueue&QueueUrl=other");
    assert_eq!(decoded, crate::decode("PurgeQueue", r#"{"QueueUrl":"other"}"#));
    let decoded = decode_at("/000000000000/jobs", "Action=GetQueueUrl&QueueName=other");
    assert_eq!(decoded, crate::decode("GetQueueUrl", r#"{"QueueName":"other"}"#));
}

#[test]
fn the_number_of_parameters_is_bounded() {
    assert!(Parameters::parse("", "a=1&".repeat(5_000).as_bytes()).is_ok());
    let refused = Parameters::parse("a=1", "a=1&".repeat(5_000).as_bytes()).unwrap_err();
    let text = "A request can have at most 5000 parameters.";
    assert_eq!(refused, SqsError::Serialization(text.to_owned()));
}

#[test]
fn a_name_of_very_many_parts_is_no_burden() {
    let name = "a.".repeat(1 << 20);
    assert!(Parameters::parse("", format!("{name}=1").as_bytes()).is_ok());
}
