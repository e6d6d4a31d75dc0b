//! Texts of SQS that are made from parts, each spelled once.

use std::fmt::Display;

use longshore_types::limits::VISIBILITY_TIMEOUT_MAX;

use super::SqsError;

/// The characters that a body and a `String` attribute can have, as SQS puts it.
pub(crate) const INVALID_CHARACTERS: &str = "Invalid characters found. Valid unicode characters \
     are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF";

/// Why the visibility of a message cannot change; a single request's text has it with a full stop.
pub(super) const NOT_AVAILABLE: &str =
    "Message does not exist or is not available for visibility timeout change";

impl SqsError {
    /// `InvalidParameterValue` in its usual form: the value, the parameter, and the rule that the
    /// value breaks. The reason brings its own full stop.
    pub fn invalid_value(value: impl Display, parameter: &str, reason: &str) -> Self {
        Self::InvalidParameterValue(format!(
            "Value {value} for parameter {parameter} is invalid. Reason: {reason}"
        ))
    }

    /// `InvalidAttributeName` for a name that there is not, or that cannot be set.
    pub fn unknown_attribute(name: impl Display) -> Self {
        Self::InvalidAttributeName(format!("Unknown Attribute {name}."))
    }

    /// `InvalidAttributeValue` for a queue attribute that is out of range or cannot be read.
    pub fn invalid_attribute(name: impl Display) -> Self {
        Self::InvalidAttributeValue(format!("Invalid value for the parameter {name}."))
    }

    /// There is no action of this name; an empty name is that of a request that named none.
    pub fn unknown_operation(action: &str) -> Self {
        Self::UnknownOperation(if action.is_empty() {
            "The request names no action: send the header X-Amz-Target: AmazonSQS.<Action>."
                .to_owned()
        } else {
            format!("The action {action} is not valid for this endpoint.")
        })
    }

    /// The handle's receive is too long ago, or on a FIFO queue over.
    pub fn receipt_handle_expired(handle: impl Display) -> Self {
        Self::invalid_value(handle, "ReceiptHandle", "The receipt handle has expired.")
    }

    /// The message would be in flight for more than 12 hours since its receive. SQS refuses
    /// rather than shortens.
    pub fn visibility_beyond_limit(seconds: impl Display) -> Self {
        let reason = format!(
            "Total VisibilityTimeout for the message is beyond the limit [{} seconds]",
            VISIBILITY_TIMEOUT_MAX.as_secs()
        );
        Self::invalid_value(seconds, "VisibilityTimeout", &reason)
    }

    /// A standard queue has as many messages in flight as it can.
    pub fn too_many_in_flight() -> Self {
        let text = "Too many messages have been received without being deleted. Please delete \
                    your received messages or let them timeout before receiving more.";
        Self::OverLimit(text.to_owned())
    }

    /// A deduplication id was sent to a queue that is not FIFO.
    pub fn deduplication_id_on_standard_queue() -> Self {
        let text = "The request include parameter MessageDeduplicationId which is not valid for \
                    this queue type";
        Self::InvalidParameterValue(text.to_owned())
    }

    /// A FIFO queue does not deduplicate by content, and the send bears no deduplication id.
    pub fn deduplication_id_needed() -> Self {
        let text = "The queue should either have ContentBasedDeduplication enabled or \
                    MessageDeduplicationId provided explicitly";
        Self::InvalidParameterValue(text.to_owned())
    }

    /// A queue's ARN is none.
    pub fn no_arn(parameter: &str) -> Self {
        Self::InvalidParameterValue(format!(
            "You must use this format to specify the {parameter}: \
             arn:<partition>:<service>:<region>:<account-id>:<resource-id>"
        ))
    }

    /// The queue of an ARN does not exist.
    pub fn no_queue_of_arn(parameter: &str) -> Self {
        Self::ResourceNotFound(format!(
            "The resource that you specified for the {parameter} parameter doesn't exist."
        ))
    }

    /// Messages cannot be moved from a queue that no other one dead-letters to.
    pub fn source_is_no_dead_letter_queue() -> Self {
        let text = "Source queue must be configured as a Dead Letter Queue.";
        Self::InvalidParameterValue(text.to_owned())
    }

    /// Messages cannot be moved to where they are.
    pub fn source_is_destination() -> Self {
        let text = "Source queue arn and destination queue arn cannot be the same.";
        Self::InvalidParameterValue(text.to_owned())
    }

    /// Messages cannot be moved between a standard queue and a FIFO queue.
    pub fn destination_of_another_type() -> Self {
        let text = "The source queue and destination queue must be of the same queue type.";
        Self::InvalidParameterValue(text.to_owned())
    }

    /// A queue has one move task at a time.
    pub fn move_task_running() -> Self {
        let text = "There is already a task running. Only one active task is allowed for a source \
                    queue arn at a given time.";
        Self::InvalidParameterValue(text.to_owned())
    }

    /// An account has so many move tasks at a time. SQS documents the quota and no text.
    pub fn too_many_move_tasks(max: usize) -> Self {
        Self::OverLimit(format!(
            "There are already {max} active message move tasks. Wait until one of them has ended, \
             or cancel one."
        ))
    }

    /// This is no handle of a move task.
    pub fn invalid_task_handle() -> Self {
        Self::InvalidParameterValue("Value for parameter TaskHandle is invalid.".to_owned())
    }

    /// The move task of a handle is not known, or not any more.
    pub fn no_move_task() -> Self {
        Self::ResourceNotFound("Task does not exist.".to_owned())
    }

    /// A move task that has ended cannot be cancelled.
    pub fn move_task_ended() -> Self {
        Self::InvalidParameterValue("Only active tasks can be cancelled.".to_owned())
    }
}
