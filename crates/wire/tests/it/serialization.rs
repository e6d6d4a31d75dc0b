//! Bodies that cannot be read, each with SQS's own text.

use longshore_wire::query::Parameters;
use longshore_wire::{Request, SentInteger, SqsError, check};

use crate::decode;

const MAP_FOUND: &str = "Start of structure or map found where not expected.";
const LIST_FOUND: &str = "Start of list found where not expected";
const NO_COLLECTION: &str = "Unrecognized collection type class java.lang.String";

/// Asserts how a member's value is refused.
#[track_caller]
fn assert_refused(action: &str, member: &str, value: &str, text: &str) {
    let body = format!(r#"{{"QueueUrl":"q","{member}":{value}}}"#);
    assert_eq!(decode(action, &body), Err(SqsError::Serialization(text.to_owned())), "{body}");
}

#[test]
fn what_is_no_string_is_named() {
    let cases = [
        ("5", "NUMBER_VALUE can not be converted to a String"),
        ("1.5", "NUMBER_VALUE can not be converted to a String"),
        ("true", "TRUE_VALUE can not be converted to a String"),
        ("false", "FALSE_VALUE can not be converted to a String"),
        ("{}", MAP_FOUND),
        ("[]", LIST_FOUND),
    ];
    for (value, text) in cases {
        assert_refused("SendMessage", "MessageBody", value, text);
        assert_refused("SetQueueAttributes", "Attributes", &format!(r#"{{"a":{value}}}"#), text);
        assert_refused("UntagQueue", "TagKeys", &format!("[{value}]"), text);
    }
}

#[test]
fn what_is_no_integer_is_named() {
    let cases = [
        (r#""5""#, "STRING_VALUE can not be converted to an Integer"),
        ("1.5", "NUMBER_VALUE can not be converted to an Integer"),
        ("true", "TRUE_VALUE can not be converted to an Integer"),
        (r#"{"a":1}"#, MAP_FOUND),
        ("[1]", LIST_FOUND),
    ];
    for (value, text) in cases {
        assert_refused("SendMessage", "DelaySeconds", value, text);
        assert_refused("ReceiveMessage", "VisibilityTimeout", value, text);
    }
}

#[test]
fn what_is_no_list_is_named() {
    for value in [r#""a""#, "5", "true"] {
        assert_refused("ReceiveMessage", "AttributeNames", value, NO_COLLECTION);
        assert_refused("SendMessageBatch", "Entries", value, NO_COLLECTION);
    }
    assert_refused("DeleteMessageBatch", "Entries", "{}", MAP_FOUND);
}

#[test]
fn what_is_no_map_or_structure_is_named() {
    for value in [r#""a""#, "5", "true"] {
        assert_refused("SendMessage", "MessageAttributes", value, MAP_FOUND);
        assert_refused(
            "SendMessage",
            "MessageAttributes",
            &format!(r#"{{"a":{value}}}"#),
            MAP_FOUND,
        );
        assert_refused("SendMessageBatch", "Entries", &format!("[{value}]"), MAP_FOUND);
    }
    assert_refused("TagQueue", "Tags", "[]", LIST_FOUND);
    assert_refused("DeleteMessageBatch", "Entries", "[[]]", LIST_FOUND);
}

#[test]
fn a_body_that_is_no_object_is_refused() {
    let cases = [("[]", LIST_FOUND), (r#""a""#, MAP_FOUND), ("5", MAP_FOUND)];
    for (body, text) in cases {
        assert_eq!(decode("ListQueues", body), Err(SqsError::Serialization(text.to_owned())));
    }
}

#[test]
fn a_body_that_is_no_json_is_refused_with_the_position() {
    let bodies =
        ["{", r#"{"QueueUrl":"q"} x"#, r#"{"QueueUrl":"\x"}"#, "{\"QueueUrl\":\"\n\"}", "<xml/>"];
    for body in bodies {
        let refused = decode("DeleteQueue", body).unwrap_err();
        assert!(matches!(refused, SqsError::Serialization(_)), "{body}");
        assert!(refused.to_string().contains("line"), "{refused}");
    }
}

#[test]
fn a_body_nested_too_deeply_is_refused() {
    let list = "[".repeat(200);
    let refused = decode("SendMessageBatch", &format!(r#"{{"QueueUrl":"q","Entries":{list}"#));
    assert!(matches!(refused, Err(SqsError::Serialization(_))));
}

#[test]
fn a_binary_value_that_is_not_base64_is_refused() {
    for value in ["*", "AAA", "AA", "AA-_", "AA==\\n"] {
        let body = format!(
            r#"{{"QueueUrl":"q","MessageBody":"b",
                "MessageAttributes":{{"k":{{"DataType":"Binary","BinaryValue":"{value}"}}}}}}"#
        );
        let refused = decode("SendMessage", &body).unwrap_err();
        assert!(refused.to_string().starts_with("A binary value is not base64: "), "{value}");
        assert!(!refused.to_string().contains("line"), "{refused}");
    }
}

#[test]
fn a_float_that_is_whole_is_an_integer() {
    let cases = [("10.0", 10), ("-1.0", -1), ("1e1", 10), ("9223372036854775807", i64::MAX)];
    for (value, expected) in cases {
        assert_eq!(sent(value), SentInteger::from(expected), "{value}");
    }
}

#[test]
fn q11_a_number_beyond_every_range_is_named_as_it_was_sent() {
    for value in ["18446744073709551616", "-9223372036854775809", "1e300", "1e400", "-1e400"] {
        assert_eq!(sent(value).to_string(), value);
        let body = format!(r#"{{"QueueUrl":"q","MaxNumberOfMessages":{value}}}"#);
        let Ok(Request::ReceiveMessage(receive)) = decode("ReceiveMessage", &body) else {
            panic!("{value} was refused")
        };
        let text = format!(
            "Value {value} for parameter MaxNumberOfMessages is invalid. \
             Reason: Must be between 1 and 10, if provided."
        );
        assert_eq!(check::receive(&receive), Err(SqsError::InvalidParameterValue(text)));
    }
}

#[test]
fn q11_a_form_names_it_so_too() {
    let form = "Action=SendMessage&QueueUrl=q&MessageBody=b&DelaySeconds=18446744073709551616";
    let parameters = Parameters::parse("", form.as_bytes()).unwrap();
    let Ok(Request::SendMessage(send)) = parameters.request("http://localhost", "/") else {
        panic!("its range is looked at once the queue is known")
    };
    let refused = check::delay(send.delay_seconds.as_ref(), true).unwrap_err();
    assert!(refused.to_string().starts_with("Value 18446744073709551616 for"), "{refused}");
}

#[test]
fn q11_no_number_has_the_parsers_words() {
    let number = "NUMBER_VALUE can not be converted to a String";
    assert_refused("SendMessage", "MessageBody", "1e400", number);
    assert_refused("SendMessage", "MessageBody", "18446744073709551616", number);
    let body = r#"{"QueueUrl":"q","MaxResults":1e400}"#;
    let Ok(Request::ListDeadLetterSourceQueues(list)) = decode("ListDeadLetterSourceQueues", body)
    else {
        panic!("its range is looked at once the queue is known")
    };
    assert!(check::max_results(list.max_results).is_err());
}

/// A number as a receive holds it.
fn sent(value: &str) -> SentInteger {
    let body = format!(r#"{{"QueueUrl":"q","MaxNumberOfMessages":{value}}}"#);
    match decode("ReceiveMessage", &body) {
        Ok(Request::ReceiveMessage(receive)) => receive.max_number_of_messages.unwrap(),
        other => panic!("{value}: {other:?}"),
    }
}
