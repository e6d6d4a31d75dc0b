//! The bytes of errors, and the table of their spellings.

use longshore_wire::{BatchKind, Fault, SqsError, json};

const SQS: &str = "com.amazonaws.sqs";
const CORAL: &str = "com.amazon.coral.service";

#[track_caller]
fn assert_spelled(error: &SqsError, namespace: &str, shape: &str, query_code: &str, status: u16) {
    let spelling = error.spelling();
    let found = (spelling.namespace, spelling.shape, spelling.query_code, spelling.status);
    assert_eq!(found, (namespace, shape, query_code, status));
    let fault = if status < 500 { Fault::Sender } else { Fault::Receiver };
    assert_eq!(spelling.fault, fault);
    assert_eq!(error.query_error_header(), format!("{query_code};{fault}"));
}

#[test]
fn an_error_is_its_type_and_its_text() {
    let body = json::encode_error(&SqsError::QueueDoesNotExist);
    let expected = r#"{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"The specified queue does not exist."}"#;
    assert_eq!(String::from_utf8(body).unwrap(), expected);
    let header = SqsError::QueueDoesNotExist.query_error_header();
    assert_eq!(header, "AWS.SimpleQueueService.NonExistentQueue;Sender");
}

#[test]
fn errors_of_the_model_with_a_code_of_their_own_service() {
    let purge = SqsError::PurgeQueueInProgress("q".to_owned());
    let cases = [
        (SqsError::BatchEntryIdsNotDistinct("a".to_owned()), "BatchEntryIdsNotDistinct", 400),
        (SqsError::BatchRequestTooLong(1), "BatchRequestTooLong", 400),
        (SqsError::EmptyBatchRequest(BatchKind::Send), "EmptyBatchRequest", 400),
        (SqsError::InvalidBatchEntryId, "InvalidBatchEntryId", 400),
        (SqsError::TooManyEntriesInBatchRequest(11), "TooManyEntriesInBatchRequest", 400),
        (SqsError::MessageNotInflight, "MessageNotInflight", 400),
        (purge, "PurgeQueueInProgress", 403),
        (SqsError::QueueDeletedRecently, "QueueDeletedRecently", 400),
        (SqsError::UnsupportedOperation(String::new()), "UnsupportedOperation", 400),
    ];
    for (error, shape, status) in cases {
        let query_code = format!("AWS.SimpleQueueService.{shape}");
        assert_spelled(&error, SQS, shape, &query_code, status);
    }
}

#[test]
fn errors_of_the_model_with_a_plain_code() {
    let text = String::new;
    let exists = SqsError::QueueNameExists("DelaySeconds".to_owned());
    assert_spelled(&exists, SQS, "QueueNameExists", "QueueAlreadyExists", 400);
    let cases = [
        (SqsError::InvalidAddress(text()), "InvalidAddress", 404),
        (SqsError::InvalidAttributeName(text()), "InvalidAttributeName", 400),
        (SqsError::InvalidAttributeValue(text()), "InvalidAttributeValue", 400),
        (SqsError::InvalidMessageContents, "InvalidMessageContents", 400),
        (SqsError::InvalidSecurity(text()), "InvalidSecurity", 403),
        (SqsError::OverLimit(text()), "OverLimit", 403),
        (SqsError::ReceiptHandleIsInvalid(text()), "ReceiptHandleIsInvalid", 404),
        (SqsError::RequestThrottled, "RequestThrottled", 403),
        (SqsError::ResourceNotFound(text()), "ResourceNotFoundException", 404),
    ];
    for (error, shape, status) in cases {
        assert_spelled(&error, SQS, shape, shape, status);
    }
}

#[test]
fn errors_that_all_services_share() {
    let text = String::new;
    let value = "InvalidParameterValue";
    let cases = [
        (SqsError::InvalidParameterValue(text()), "InvalidParameterValueException", value, 400),
        (SqsError::MessageTooLong(1024), "InvalidParameterValueException", value, 400),
        (
            SqsError::MissingParameter(text()),
            "MissingRequiredParameterException",
            "MissingParameter",
            400,
        ),
        (SqsError::UnknownOperation(text()), "UnknownOperationException", "InvalidAction", 400),
        (SqsError::Serialization(text()), "SerializationException", "MalformedInput", 400),
        (SqsError::AccessDenied(text()), "AccessDeniedException", "AccessDenied", 403),
        (SqsError::UnrecognizedClient, "UnrecognizedClientException", "InvalidClientTokenId", 403),
        (
            SqsError::InvalidSignature(text()),
            "InvalidSignatureException",
            "SignatureDoesNotMatch",
            403,
        ),
        (
            SqsError::IncompleteSignature(text()),
            "IncompleteSignatureException",
            "IncompleteSignature",
            403,
        ),
        (
            SqsError::MissingAuthenticationToken(text()),
            "MissingAuthenticationTokenException",
            "AccessDenied",
            403,
        ),
        (SqsError::InternalFailure, "InternalFailure", "InternalError", 500),
        (SqsError::ServiceUnavailable(text()), "ServiceUnavailable", "ServiceUnavailable", 503),
    ];
    for (error, shape, query_code, status) in cases {
        assert_spelled(&error, CORAL, shape, query_code, status);
    }
}

#[test]
fn texts_are_those_of_sqs() {
    let cases = [
        (
            SqsError::BatchRequestTooLong(1_048_577),
            "Batch requests cannot be longer than 1048576 bytes. You have sent 1048577 bytes.",
        ),
        (
            SqsError::InvalidAddress("https://sqs.us-east-1.amazonaws.com/".to_owned()),
            "The address https://sqs.us-east-1.amazonaws.com/ is not valid for this endpoint.",
        ),
        (
            SqsError::MessageTooLong(1_048_576),
            "One or more parameters are invalid. \
             Reason: Message must be shorter than 1048576 bytes.",
        ),
        (
            SqsError::PurgeQueueInProgress("jobs".to_owned()),
            "Only one PurgeQueue operation on jobs is allowed every 60 seconds.",
        ),
        (
            SqsError::QueueDeletedRecently,
            "You must wait 60 seconds after deleting a queue before you can create another with \
             the same name.",
        ),
        (
            SqsError::QueueNameExists("DelaySeconds".to_owned()),
            "A queue already exists with the same name and a different value for attribute \
             DelaySeconds",
        ),
        (
            SqsError::ReceiptHandleIsInvalid("garbage".to_owned()),
            "The input receipt handle \"garbage\" is not a valid receipt handle.",
        ),
        (SqsError::unknown_attribute("Foobar"), "Unknown Attribute Foobar."),
        (
            SqsError::invalid_attribute("DelaySeconds"),
            "Invalid value for the parameter DelaySeconds.",
        ),
    ];
    for (error, text) in cases {
        assert_eq!(error.to_string(), text);
    }
}

#[test]
fn texts_about_handles_and_visibility_are_those_of_sqs() {
    let cases = [
        (
            SqsError::receipt_handle_expired("h"),
            "Value h for parameter ReceiptHandle is invalid. \
             Reason: The receipt handle has expired.",
        ),
        (
            SqsError::NotAvailableForVisibilityChange("h".to_owned()),
            "Value h for parameter ReceiptHandle is invalid. Reason: Message does not exist or is \
             not available for visibility timeout change.",
        ),
        (
            SqsError::visibility_beyond_limit(43_200),
            "Value 43200 for parameter VisibilityTimeout is invalid. Reason: Total \
             VisibilityTimeout for the message is beyond the limit [43200 seconds]",
        ),
        (
            SqsError::too_many_in_flight(),
            "Too many messages have been received without being deleted. Please delete your \
             received messages or let them timeout before receiving more.",
        ),
        (
            SqsError::deduplication_id_on_standard_queue(),
            "The request include parameter MessageDeduplicationId which is not valid for this \
             queue type",
        ),
        (
            SqsError::deduplication_id_needed(),
            "The queue should either have ContentBasedDeduplication enabled or \
             MessageDeduplicationId provided explicitly",
        ),
    ];
    for (error, text) in cases {
        assert_eq!(error.to_string(), text);
    }
}

#[test]
fn texts_about_move_tasks_are_those_of_sqs() {
    let format = "arn:<partition>:<service>:<region>:<account-id>:<resource-id>";
    let format = format!("You must use this format to specify the SourceArn: {format}");
    let cases = [
        (SqsError::no_arn("SourceArn"), &*format),
        (
            SqsError::no_queue_of_arn("DestinationArn"),
            "The resource that you specified for the DestinationArn parameter doesn't exist.",
        ),
        (
            SqsError::source_is_no_dead_letter_queue(),
            "Source queue must be configured as a Dead Letter Queue.",
        ),
        (
            SqsError::source_is_destination(),
            "Source queue arn and destination queue arn cannot be the same.",
        ),
        (
            SqsError::destination_of_another_type(),
            "The source queue and destination queue must be of the same queue type.",
        ),
        (
            SqsError::move_task_running(),
            "There is already a task running. Only one active task is allowed for a source queue arn at a given time.",
        ),
        (SqsError::invalid_task_handle(), "Value for parameter TaskHandle is invalid."),
        (SqsError::no_move_task(), "Task does not exist."),
        (SqsError::move_task_ended(), "Only active tasks can be cancelled."),
    ];
    for (error, text) in cases {
        assert_eq!(error.to_string(), text);
    }
}
