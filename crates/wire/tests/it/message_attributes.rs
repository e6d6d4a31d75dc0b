//! Message attributes that SQS takes, and each rule that one can break.

use std::collections::BTreeMap;

use longshore_types::{AttributeValue, MessageAttribute};
use longshore_wire::{RawAttribute, SqsError, check};

fn raw(data_type: &str, text: Option<&str>, bytes: Option<&[u8]>) -> RawAttribute {
    RawAttribute {
        data_type: Some(data_type.to_owned()),
        string_value: text.map(str::to_owned),
        binary_value: bytes.map(<[u8]>::to_vec),
        ..RawAttribute::default()
    }
}

fn text(value: &str) -> RawAttribute {
    raw("String", Some(value), None)
}

fn refused(name: &str, attribute: RawAttribute) -> SqsError {
    check::message_attributes(&BTreeMap::from([(name.to_owned(), attribute)])).unwrap_err()
}

#[track_caller]
fn assert_refused(name: &str, attribute: RawAttribute, text: &str) {
    assert_eq!(refused(name, attribute), SqsError::InvalidParameterValue(text.to_owned()));
}

#[test]
fn valid_attributes_are_kept_as_they_were_sent() {
    let long = "n".repeat(256);
    let cases = [
        ("k", raw("String", Some("x"), None)),
        ("attr1.1øßä", raw("String.custom.type", Some(" \r\n\t "), None)),
        ("n-_", raw("Number.java.lang.Long", Some("+0012.50"), None)),
        ("b", raw("Binary.png", None, Some(&[0, 1, 255]))),
        ("empty-fields", raw("Binary", Some(""), Some(b"x"))),
        (long.as_str(), raw("String", Some("x"), Some(&[]))),
        ("aws", text("x")),
        ("AmazonPrime", text("x")),
    ];
    for (name, attribute) in cases {
        let sent = BTreeMap::from([(name.to_owned(), attribute.clone())]);
        let kept = check::message_attributes(&sent).unwrap();
        let value = match (attribute.string_value, attribute.binary_value) {
            (_, Some(bytes)) if !bytes.is_empty() => AttributeValue::Binary(bytes),
            (text, _) => AttributeValue::Text(text.unwrap()),
        };
        let data_type = attribute.data_type.unwrap();
        assert_eq!(kept[name], MessageAttribute { data_type, value }, "{name}");
    }
}

#[test]
fn a_message_has_at_most_ten_attributes() {
    let sent = |count: usize| -> BTreeMap<_, _> {
        (0..count).map(|number| (format!("a{number}"), text("x"))).collect()
    };
    assert_eq!(check::message_attributes(&sent(0)).unwrap().len(), 0);
    assert_eq!(check::message_attributes(&sent(10)).unwrap().len(), 10);
    let refused = check::message_attributes(&sent(11)).unwrap_err().to_string();
    assert_eq!(refused, "Number of message attributes [11] exceeds the allowed maximum [10].");
}

#[test]
fn a_name_keeps_its_rules() {
    let reserved = "You can't use message attribute names beginning with 'AWS.' or 'Amazon'. \
                    These strings are reserved for internal use.";
    let long = "n".repeat(257);
    let cases = [
        ("", "The request must contain non-empty message (user) attribute names."),
        (long.as_str(), "Message (user) attribute name must be shorter than 256 bytes."),
        ("AWS.x", reserved),
        ("aws.x", reserved),
        ("amazon.x", reserved),
        (".x", "Message (user) attribute name must not begin with character '.'."),
        ("x.", "Message (user) attribute name must not end with character '.'."),
        ("x..y", "Message (user) attribute name must not have successive '.' characters."),
    ];
    for (name, expected) in cases {
        assert_refused(name, text("x"), expected);
    }
    for name in ["a!", "a\"", "§", "a(b", "a?", "a b", "a/b", "a:b"] {
        let expected = format!(
            "The message attribute name '{name}' is invalid. Attribute name can contain A-Z, a-z, \
             0-9, underscore (_), hyphen (-), and period (.) characters."
        );
        assert_refused(name, text("x"), &expected);
    }
}

#[test]
fn a_data_type_is_one_of_three_with_an_optional_suffix() {
    let missing =
        "The message (user) attribute 'x' must contain a non-empty message attribute type.";
    assert_refused("x", RawAttribute { data_type: None, ..text("v") }, missing);
    assert_refused("x", raw("", Some("v"), None), missing);
    for data_type in ["string", "Strings", "Float", "StringList", ".String", "Int.String"] {
        let expected = "The type of message (user) attribute 'x' is invalid. You must use only \
                        the following supported type prefixes: Binary, Number, String.";
        assert_refused("x", raw(data_type, Some("v"), None), expected);
    }
    let long = format!("String.{}", "t".repeat(250));
    let expected = "Message (user) attribute type must be shorter than 256 bytes.";
    assert_refused("x", raw(&long, Some("v"), None), expected);
}

#[test]
fn a_value_is_there_once_and_in_the_field_of_its_type() {
    let empty = |data_type: &str| {
        format!(
            "Message (user) attribute 'x' must contain a non-empty value of type '{data_type}'."
        )
    };
    for data_type in ["String", "Number", "Binary", "String.custom"] {
        assert_refused("x", raw(data_type, None, None), &empty(data_type));
        assert_refused("x", raw(data_type, Some(""), Some(&[])), &empty(data_type));
    }
    let several = "Message (user) attribute 'x' must have a single value.";
    assert_refused("x", raw("String", Some("v"), Some(b"v")), several);
    let field = |data_type: &str, field: &str| {
        format!("Message (user) attribute 'x' with type '{data_type}' must use field '{field}'.")
    };
    assert_refused("x", raw("String", None, Some(b"v")), &field("String", "String"));
    assert_refused("x", raw("Number.int", None, Some(b"1")), &field("Number.int", "String"));
    assert_refused("x", raw("Binary", Some("v"), None), &field("Binary", "Binary"));
}

#[test]
fn a_string_has_the_characters_of_a_body_and_a_number_is_one() {
    let contents = SqsError::InvalidMessageContents.to_string();
    assert_refused("x", text("a\u{1}"), &contents);
    assert_refused("x", text("\u{FFFF}"), &contents);
    let cast = "Can't cast the value of message (user) attribute 'x' to a number.";
    for value in ["abc", "1,5", "0x1", " 1", "1e127"] {
        assert_refused("x", raw("Number", Some(value), None), cast);
    }
}

#[test]
fn list_values_are_an_operation_that_is_not_supported() {
    let texts = RawAttribute { string_list_values: vec!["a".to_owned()], ..text("x") };
    let bytes = RawAttribute { binary_list_values: vec![vec![0]], ..text("x") };
    for attribute in [texts, bytes] {
        let expected = "Message attribute list values in SendMessage operation are not supported.";
        let expected = SqsError::UnsupportedOperation(expected.to_owned());
        assert_eq!(refused("x", attribute), expected);
    }
}

#[test]
fn the_trace_header_is_the_only_system_attribute() {
    let sent = |name: &str, raw| BTreeMap::from([(name.to_owned(), raw)]);
    assert_eq!(check::system_attributes(&BTreeMap::new()), Ok(None));
    let header = check::system_attributes(&sent("AWSTraceHeader", text("Root=1")));
    assert_eq!(header, Ok(Some("Root=1".to_owned())));
    let refused = check::system_attributes(&sent("Other", text("x"))).unwrap_err();
    let expected = "Message system attribute name 'Other' is invalid.";
    assert_eq!(refused, SqsError::InvalidParameterValue(expected.to_owned()));
}

#[test]
fn a_trace_header_is_text_that_is_not_empty() {
    let sent = |raw| BTreeMap::from([("AWSTraceHeader".to_owned(), raw)]);
    let refused = |raw| check::system_attributes(&sent(raw)).unwrap_err().to_string();
    assert_eq!(
        refused(text("")),
        "Message (system) attribute 'AWSTraceHeader' must contain a non-empty value of type \
         'String'."
    );
    let expected = "Message (system) attribute 'AWSTraceHeader' must have type 'String'.";
    assert_eq!(refused(raw("Binary", None, Some(b"x"))), expected);
    assert_eq!(refused(raw("Number", Some("1"), None)), expected);
}

#[test]
fn q20_lists_are_refused_before_anything_else_of_any_attribute() {
    let list = RawAttribute {
        data_type: Some("StringList".to_owned()),
        string_list_values: vec!["a".to_owned()],
        ..RawAttribute::default()
    };
    let unnamed = (String::new(), text("x"));
    let sent = BTreeMap::from([unnamed, ("list".to_owned(), list)]);
    let refused = check::message_attributes(&sent).unwrap_err();
    assert!(matches!(refused, SqsError::UnsupportedOperation(_)), "{refused}");
}

#[test]
fn q20_an_attribute_that_is_empty_lacks_its_value_first() {
    assert_refused(
        "a",
        RawAttribute::default(),
        "The message (user) attribute 'a' must contain a non-empty message attribute value.",
    );
}
