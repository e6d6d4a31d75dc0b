//! Texts of SQS that are made from parts, each spelled once.

use std::fmt::Display;

use longshore_types::limits::VISIBILITY_TIMEOUT_MAX;

use super::SqsError;

/// The characters that a body and a `String` attribute can have, as SQS puts it.
pub(crate) const INVALID_CHARACTERS: &str = "Invalid characters found. Valid unicode characters \
     are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF";

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

    /// The visibility of a message that is gone, or no longer this handle's, cannot change.
    pub fn not_available_for_visibility_change(handle: impl Display) -> Self {
        let reason = "Message does not exist or is not available for visibility timeout change.";
        Self::invalid_value(handle, "ReceiptHandle", reason)
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
}
