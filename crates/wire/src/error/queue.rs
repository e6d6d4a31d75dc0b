//! Texts of SQS about queues: their names, their attributes, their tags.

use std::fmt::Display;

use super::SqsError;

impl SqsError {
    /// A queue cannot be called so; the rule differs by what is asked for.
    pub fn invalid_queue_name(fifo: bool) -> Self {
        let text = if fifo {
            "The name of a FIFO queue can only include alphanumeric characters, hyphens, or \
             underscores, must end with .fifo suffix and be 1 to 80 in length."
        } else {
            "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"
        };
        Self::InvalidParameterValue(text.to_owned())
    }

    /// This is no token of a next page.
    pub fn invalid_next_token() -> Self {
        Self::InvalidParameterValue("Invalid or expired next token.".to_owned())
    }

    /// A queue would have more tags than it can.
    pub fn too_many_tags(queue: impl Display) -> Self {
        Self::InvalidParameterValue(format!("Too many tags added for queue {queue}."))
    }

    /// An attribute of FIFO queues was sent for a standard one.
    pub fn fifo_only(name: impl Display) -> Self {
        Self::InvalidAttributeName(format!(
            "You can specify the {name} only when FifoQueue is set to true."
        ))
    }

    /// A FIFO queue stays one.
    pub fn queue_type_stays() -> Self {
        let text = "Invalid value for the parameter FifoQueue. Reason: Modifying queue type is not \
                    supported.";
        Self::InvalidAttributeValue(text.to_owned())
    }

    /// A throughput limit for each message group needs deduplication within each.
    pub fn limit_without_its_scope() -> Self {
        let text = "The perMessageGroupId value is allowed only when the value for \
                    DeduplicationScope is messageGroup";
        Self::InvalidAttributeValue(text.to_owned())
    }

    /// Both sorts of encryption were asked for at once.
    pub fn two_encryptions() -> Self {
        let text = "You can use one type of server-side encryption (SSE) at one time. You can \
                    either enable KMS SSE or SQS SSE.";
        Self::InvalidAttributeName(text.to_owned())
    }
}
