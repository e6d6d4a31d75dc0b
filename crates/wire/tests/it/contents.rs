//! The characters of bodies and the letters of ids.

use longshore_wire::{Request, SqsError, check};

use crate::decode;

#[test]
fn a_body_has_the_characters_of_xml() {
    for body in ["\t\n\r", " ", "\u{D7FF}\u{E000}", "\u{FFFD}", "\u{10000}\u{10FFFF}", "\u{7F}"] {
        assert_eq!(check::body(body), Ok(()), "{body:?}");
    }
    for c in ['\0', '\u{8}', '\u{B}', '\u{C}', '\u{1F}', '\u{FFFE}', '\u{FFFF}'] {
        for body in [format!("a{c}b"), format!("é{c}")] {
            assert_eq!(check::body(&body), Err(SqsError::InvalidMessageContents), "{body:?}");
        }
    }
    let text = "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | \
                #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF";
    assert_eq!(SqsError::InvalidMessageContents.to_string(), text);
}

#[test]
fn a_lone_surrogate_fails_the_check_of_its_body_and_not_the_request() {
    let body = r#"{"QueueUrl":"q","Entries":[
        {"Id":"a","MessageBody":"x\ud800y"},{"Id":"b","MessageBody":"\ud83d\ude00 \\ud800"}]}"#;
    let Ok(Request::SendMessageBatch(batch)) = decode("SendMessageBatch", body) else {
        panic!("the batch was refused");
    };
    let bodies = batch.entries.iter().map(|entry| check::body(&entry.message_body));
    assert!(bodies.eq([Err(SqsError::InvalidMessageContents), Ok(())]));
    assert_eq!(batch.entries[1].message_body, "😀 \\ud800");
}

#[test]
fn ids_have_1_to_128_letters_digits_and_punctuation_marks() {
    let marks = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";
    let long = "a".repeat(128);
    for id in [None, Some("aZ0"), Some(marks), Some(long.as_str())] {
        assert_eq!(check::message_group_id(id), Ok(()));
        assert_eq!(check::message_deduplication_id(id), Ok(()));
    }
    let longer = "a".repeat(129);
    for id in ["", "a b", "é", "\t", longer.as_str()] {
        let text = |parameter: &str| {
            format!(
                "Value {id} for parameter {parameter} is invalid. Reason: {parameter} can only \
                 include alphanumeric and punctuation characters. 1 to 128 in length."
            )
        };
        let group = check::message_group_id(Some(id)).unwrap_err();
        assert_eq!(group.to_string(), text("MessageGroupId"));
        let deduplication = check::message_deduplication_id(Some(id)).unwrap_err();
        assert_eq!(deduplication.to_string(), text("MessageDeduplicationId"));
    }
}
