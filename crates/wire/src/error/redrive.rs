//! Texts of SQS about the two policies of dead-letter queues.

use thiserror::Error;

use super::SqsError;

/// What is wrong with a redrive policy, in the words of SQS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RedriveFault<'a> {
    /// It is no JSON object.
    #[error("Redrive policy is not a valid JSON map.")]
    NotAMap,
    /// It lacks the member of this name.
    #[error("Redrive policy does not contain mandatory attribute: {0}.")]
    Lacks(&'a str),
    /// It has members that there are not.
    #[error("Only following attributes are supported: [maxReceiveCount, deadLetterTargetArn].")]
    OtherMembers,
    /// This is no count, or none within the range.
    #[error(
        "Invalid value for maxReceiveCount: {0}, valid values are from 1 to 1000 both inclusive."
    )]
    Count(&'a str),
    /// Its target is no ARN.
    #[error("Dead-letter target ARN should be fully qualified ARN.")]
    NotAnArn,
    /// Its target is no queue.
    #[error("Only SQS queues are valid resources for deadLetterTargetArn.")]
    NotAQueue,
    /// Its target is another account's.
    #[error("Dead-letter target owner should be same as the source.")]
    OtherAccount,
    /// Its target does not exist.
    #[error("Dead letter target does not exist.")]
    NoTarget,
    /// Its target is standard and the queue is FIFO, or the other way round.
    #[error("Dead-letter queue must be same type of queue as the source..")]
    OtherType,
    /// Its target does not let this queue. SQS's text is not known.
    #[error("The dead-letter queue's redrive allow policy does not permit this source.")]
    NotPermitted,
}

/// What is wrong with a redrive allow policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RedriveAllowFault {
    /// It is none that SQS understands.
    Unsupported,
    /// It permits by queue, and names none.
    NoSources,
    /// It names queues, and does not permit by queue.
    Sources,
    /// It names more than ten queues.
    TooManySources,
}

impl SqsError {
    /// A text is no redrive policy of the queue.
    pub fn redrive_policy(policy: &str, fault: RedriveFault<'_>) -> Self {
        if fault == RedriveFault::NotAMap {
            let text = format!("Invalid value for the parameter RedrivePolicy. Reason: {fault}");
            return Self::InvalidParameterValue(text);
        }
        Self::invalid_value(policy, "RedrivePolicy", &fault.to_string())
    }

    /// A text is no redrive allow policy.
    pub fn redrive_allow_policy(policy: &str, fault: RedriveAllowFault) -> Self {
        let reason = match fault {
            RedriveAllowFault::Unsupported => {
                let text = "Invalid value for the parameter RedriveAllowPolicy. Reason: Amazon SQS \
                            can't create the redrive allow policy, as it\u{2019}s in an \
                            unsupported format.";
                return Self::InvalidParameterValue(text.to_owned());
            }
            RedriveAllowFault::NoSources => {
                "When you specify the byQueue permission type, you must also specify one or more \
                 sourceQueueArns values."
            }
            RedriveAllowFault::Sources => {
                "To specify one or more source queue ARNs, you must set redrivePermission to \
                 byQueue."
            }
            RedriveAllowFault::TooManySources => {
                "The maximum number of source queue ARNs you can specify is 10."
            }
        };
        let reason = format!("Amazon SQS can't create the redrive allow policy. {reason}");
        Self::invalid_value(policy, "RedriveAllowPolicy", &reason)
    }
}
