//! The shape of a batch, and the results of its entries.

use longshore_wire::check::batch_shape;
use longshore_wire::{BatchKind, BatchResultErrorEntry, SqsError};

fn shape(ids: &[Option<&str>]) -> Result<(), SqsError> {
    batch_shape(ids.iter().copied(), BatchKind::Send)
}

#[test]
fn a_batch_has_one_to_ten_entries() {
    let ids: Vec<String> = (0..20).map(|number| format!("id_{number}")).collect();
    let ids: Vec<Option<&str>> = ids.iter().map(|id| Some(id.as_str())).collect();
    assert_eq!(shape(&ids[..1]), Ok(()));
    assert_eq!(shape(&ids[..10]), Ok(()));
    let refused = shape(&ids).unwrap_err();
    assert_eq!(refused, SqsError::TooManyEntriesInBatchRequest(20));
    let text = "Maximum number of entries per request are 10. You have sent 20.";
    assert_eq!(refused.to_string(), text);
}

#[test]
fn a_batch_without_entries_is_named_after_its_action() {
    let cases = [
        (BatchKind::Send, "SendMessageBatchRequestEntry"),
        (BatchKind::Delete, "DeleteMessageBatchRequestEntry"),
        (BatchKind::ChangeVisibility, "ChangeMessageVisibilityBatchRequestEntry"),
    ];
    for (kind, entry) in cases {
        let refused = batch_shape([], kind).unwrap_err();
        assert_eq!(refused, SqsError::EmptyBatchRequest(kind));
        let text = format!("There should be at least one {entry} in the request.");
        assert_eq!(refused.to_string(), text);
    }
}

#[test]
fn an_absent_id_is_named_by_its_place() {
    let refused = shape(&[Some("a"), None]).unwrap_err();
    let text = "The request must contain the parameter SendMessageBatchRequestEntry.2.Id.";
    assert_eq!(refused.to_string(), text);
}

#[test]
fn an_id_has_1_to_80_letters_digits_hyphens_and_underscores() {
    let long = "a".repeat(80);
    for id in ["a", "A-z_0", long.as_str()] {
        assert_eq!(shape(&[Some(id)]), Ok(()), "{id}");
    }
    let longer = "a".repeat(81);
    for id in ["", "invalid:id", "é", "a b", longer.as_str()] {
        assert_eq!(shape(&[Some(id)]), Err(SqsError::InvalidBatchEntryId), "{id}");
    }
    let text = "A batch entry id can only contain alphanumeric characters, hyphens and \
                underscores. It can be at most 80 letters long.";
    assert_eq!(SqsError::InvalidBatchEntryId.to_string(), text);
}

#[test]
fn ids_are_distinct_and_the_first_repetition_is_named() {
    let ids = [Some("id_1"), Some("id_2"), Some("id_2"), Some("id_1")];
    let refused = shape(&ids).unwrap_err();
    assert_eq!(refused.to_string(), "Id id_2 repeated.");
    assert_eq!(shape(&[Some("a"), Some("A")]), Ok(()));
}

#[test]
fn count_goes_before_ids_and_a_malformed_id_before_a_repeated_one() {
    assert_eq!(shape(&[None; 11]), Err(SqsError::TooManyEntriesInBatchRequest(11)));
    let absent = shape(&[Some("!"), None]).unwrap_err();
    assert!(matches!(absent, SqsError::MissingParameter(_)));
    assert_eq!(shape(&[Some("!"), Some("!")]), Err(SqsError::InvalidBatchEntryId));
}

#[test]
fn a_failed_entry_bears_the_query_code_and_the_text_of_the_error() {
    let handle = SqsError::ReceiptHandleIsInvalid("x".to_owned());
    let expected = BatchResultErrorEntry {
        id: "b".to_owned(),
        sender_fault: true,
        code: "ReceiptHandleIsInvalid".to_owned(),
        message: "The input receipt handle \"x\" is not a valid receipt handle.".to_owned(),
    };
    assert_eq!(handle.into_entry("b"), expected);
    let internal = SqsError::InternalFailure.into_entry("b");
    assert_eq!((internal.sender_fault, internal.code.as_str()), (false, "InternalError"));
}

#[test]
fn a_failed_entry_that_is_too_long_cannot_be_validated() {
    let entry = SqsError::MessageTooLong(1024).into_entry("a");
    assert_eq!(entry.code, "InvalidParameterValue");
    let text = "One or more parameters cannot be validated. \
                Reason: Message must be shorter than 1024 bytes.";
    assert_eq!(entry.message, text);
}

#[test]
fn a_failed_entry_whose_message_is_gone_has_an_invalid_handle_by_its_code() {
    let gone = SqsError::NotAvailableForVisibilityChange("h".to_owned());
    assert_eq!(gone.spelling().query_code, "InvalidParameterValue");
    let entry = gone.into_entry("a");
    let text = "Message does not exist or is not available for visibility timeout change";
    assert_eq!((entry.code.as_str(), entry.message.as_str()), ("ReceiptHandleIsInvalid", text));
    assert!(entry.sender_fault);
}

#[test]
fn a_failed_entry_without_a_body_has_a_code_of_its_own() {
    let refused = longshore_wire::check::body("").unwrap_err();
    assert_eq!(refused.clone().into_entry("a").code, "EmptyValue");
    assert_eq!(refused.spelling().query_code, "MissingParameter");
    let handle = SqsError::MissingParameter("ReceiptHandle".to_owned());
    assert_eq!(handle.into_entry("a").code, "MissingParameter");
}
