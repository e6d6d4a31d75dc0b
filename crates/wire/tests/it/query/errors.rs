//! What is refused, and the bytes of errors.

use longshore_wire::SqsError;
use longshore_wire::query::{Format, NO_ACTION, Parameters};

use super::{BASE, decode, decode_at};
use crate::with_queue_url;

#[track_caller]
fn assert_refused(form: &str, code: &str, status: u16, text: &str) {
    let refused = decode(form).unwrap_err();
    let spelling = refused.spelling();
    assert_eq!((spelling.query_code, spelling.status), (code, status), "{form}");
    assert_eq!(refused.to_string(), text, "{form}");
}

#[test]
fn an_error_is_its_fault_its_code_its_text_and_an_empty_detail() {
    let handle = SqsError::ReceiptHandleIsInvalid("<a&\"b\r\u{1}>".to_owned());
    let xml = Format::Xml.encode_error("id", &handle);
    let expected = r#"<?xml version="1.0"?><ErrorResponse xmlns="http://queue.amazonaws.com/doc/2012-11-05/"><Error><Type>Sender</Type><Code>ReceiptHandleIsInvalid</Code><Message>The input receipt handle &quot;&lt;a&amp;&quot;b&#xD;�&gt;&quot; is not a valid receipt handle.</Message><Detail/></Error><RequestId>id</RequestId></ErrorResponse>"#;
    assert_eq!(String::from_utf8(xml).unwrap(), expected);
}

#[test]
fn an_error_of_the_broker_is_not_the_senders() {
    let xml = String::from_utf8(Format::Xml.encode_error("id", &SqsError::InternalFailure));
    let begin = "<Error><Type>Receiver</Type><Code>InternalError</Code>";
    assert!(xml.unwrap().contains(begin));
}

#[test]
fn a_queue_that_does_not_exist_is_missed_in_words_of_its_own() {
    let text = "The specified queue does not exist for this wsdl version.";
    let xml = Format::Xml.encode_error("id", &SqsError::QueueDoesNotExist);
    let expected = format!(
        "<Code>AWS.SimpleQueueService.NonExistentQueue</Code><Message>{text}</Message><Detail/>"
    );
    assert!(String::from_utf8(xml).unwrap().contains(&expected));
    let json = Format::Json.encode_error("id", &SqsError::QueueDoesNotExist);
    let expected = format!(
        r#"{{"Error":{{"Code":"AWS.SimpleQueueService.NonExistentQueue","Message":"{text}","Type":"Sender"}},"RequestId":"id"}}"#
    );
    assert_eq!(String::from_utf8(json).unwrap(), expected);
}

#[test]
fn no_code_bears_the_name_of_an_exception() {
    let refused = [
        SqsError::AccessDenied(String::new()),
        SqsError::InvalidParameterValue(String::new()),
        SqsError::MissingParameter(String::new()),
        SqsError::Serialization(String::new()),
        SqsError::UnknownOperation(String::new()),
    ];
    for error in refused {
        let xml = String::from_utf8(Format::Xml.encode_error("id", &error)).unwrap();
        assert!(!xml.contains("Exception"), "{xml}");
    }
}

#[test]
fn an_action_that_there_is_not_is_refused_at_any_address() {
    let text = "The action FooBar is not valid for this endpoint.";
    assert_refused("Action=FooBar", "InvalidAction", 400, text);
    let at_a_queue = decode_at("/000000000000/jobs", "Action=FooBar");
    assert_eq!(at_a_queue, Err(SqsError::UnknownOperation(text.to_owned())));
}

#[test]
fn an_action_on_no_queue_is_not_served_at_a_queues_address() {
    for action in ["CreateQueue", "ListQueues"] {
        let form = format!("Action={action}&QueueName=jobs");
        assert!(decode(&form).is_ok());
        let text = format!("The action {action} is not valid for this endpoint.");
        let refused = decode_at("/000000000000/jobs", &form);
        assert_eq!(refused, Err(SqsError::UnknownOperation(text)));
    }
}

#[test]
fn a_request_without_an_action_is_known_as_such() {
    for form in ["", "Version=2012-11-05", "Action=", "action=ListQueues"] {
        assert_eq!(Parameters::parse("", form.as_bytes()).unwrap().action(), None, "{form}");
    }
    assert_eq!(NO_ACTION, "<UnknownOperationException/>");
}

#[test]
fn a_required_parameter_that_is_missing_is_named() {
    let cases = [
        ("SendMessage&QueueUrl=q", "MessageBody"),
        ("SendMessage&QueueUrl=q&MessageBody=", "MessageBody"),
        ("DeleteMessage&QueueUrl=q", "ReceiptHandle"),
        ("ChangeMessageVisibility&QueueUrl=q&ReceiptHandle=h", "VisibilityTimeout"),
        ("SetQueueAttributes&QueueUrl=q", "Attribute.Name"),
        ("StartMessageMoveTask", "SourceArn"),
        ("CancelMessageMoveTask", "TaskHandle"),
    ];
    for (form, parameter) in cases {
        let text = format!("The request must contain the parameter {parameter}.");
        assert_refused(&format!("Action={form}"), "MissingParameter", 400, &text);
    }
}

#[test]
fn without_a_queue_the_address_is_refused() {
    for action in with_queue_url() {
        let text = format!("The address {BASE}/ is not valid for this endpoint.");
        assert_refused(&format!("Action={action}"), "InvalidAddress", 404, &text);
    }
}

#[test]
fn a_value_of_another_sort_is_malformed() {
    let number = "STRING_VALUE can not be converted to an Integer";
    let form = "Action=SendMessage&QueueUrl=q&MessageBody=x&DelaySeconds=soon";
    assert_refused(form, "MalformedInput", 400, number);
    let form = "Action=SendMessage&QueueUrl=q&MessageBody=x&MessageAttribute.1.Name=k\
                &MessageAttribute.1.Value.BinaryValue=!";
    let refused = decode(form).unwrap_err();
    assert_eq!(refused.spelling().query_code, "MalformedInput");
}

#[test]
fn q19_a_batch_without_parameters_of_entries_has_an_empty_list() {
    for action in ["SendMessageBatch", "DeleteMessageBatch", "ChangeMessageVisibilityBatch"] {
        assert!(decode(&format!("Action={action}&QueueUrl=q")).is_ok(), "{action}");
    }
}
