//! What went wrong with a call of a transport, sorted by what its caller can conclude from it: was
//! it carried out, or not, or is that not known?
//!
//! # Invariants
//!
//! - A failure is certain only if the endpoint promises that nothing was done, or was never
//!   reached. Everything else may have been carried out.

use std::time::Duration;

use thiserror::Error;

use super::{Action, Cause};

/// What a call of a transport answers.
pub type Result<T> = std::result::Result<T, TransportError>;

/// What became of one entry of a batch.
pub type EntryResult<T> = std::result::Result<T, EntryFault>;

/// Codes of refusals that pass by themselves: too much is asked just now.
const THROTTLING: [&str; 6] = [
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestThrottled",
    "TooManyRequestsException",
    "OverLimit",
];

/// The code of a refusal before anything was written, such as that of a broker whose disk is full.
const UNAVAILABLE: &str = "ServiceUnavailable";

/// A code without what stands before it in one protocol or the other: a namespace, or `AWS.`.
fn short(code: &str) -> &str {
    code.rsplit(['#', '.']).next().unwrap_or(code)
}

/// Whether the code says that too much is asked just now, and nothing was done.
pub(super) fn is_throttling(code: &str) -> bool {
    THROTTLING.contains(&short(code))
}

/// Whether the code says that nothing can be done just now, and nothing was.
pub(super) fn is_unavailable(code: &str) -> bool {
    short(code) == UNAVAILABLE
}

/// Why one entry of a batch was not done, though the call was answered.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{code}: {message}")]
pub struct EntryFault {
    /// The error code, as SQS spells it, such as `ReceiptHandleIsInvalid`.
    pub code: String,
    /// What SQS says about it.
    pub message: String,
    /// Whether repeating the same request is pointless.
    pub sender_fault: bool,
}

impl EntryFault {
    /// The code, ours, of an entry that the answer to its batch leaves out.
    pub const UNANSWERED: &'static str = "Unanswered";

    /// Whether too much is asked just now: the entry was not done, and is worth another try, later.
    pub fn is_throttled(&self) -> bool {
        is_throttling(&self.code)
    }

    /// Whether it is certain that the entry was not done: it was refused, or nothing could be done
    /// just then. A failure within the endpoint, such as `InternalError`, may have come after it was.
    pub fn is_certain(&self) -> bool {
        self.sender_fault || is_throttling(&self.code) || is_unavailable(&self.code)
    }

    /// Whether the receipt that an entry of `action` names no longer stands for a message in flight:
    /// the message was deleted, or its lease ended and another delivery took it over. Which of these
    /// is not known. An action that names no receipt has none that could be stale.
    pub fn is_stale_receipt(&self, action: Action) -> bool {
        // SQS answers a receipt of the past with any of these; of a send, the last one means a
        // wrong attribute or delay.
        let codes = ["ReceiptHandleIsInvalid", "MessageNotInflight", "InvalidParameterValue"];
        action.names_receipts() && codes.contains(&short(&self.code))
    }
}

/// Why a call has no answer to give, sorted by what the caller can conclude from it.
///
/// What it says is without its cause, which its source says: [`error_chain`](crate::error_chain())
/// tells both.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TransportError {
    /// The request never reached the endpoint, so nothing was done: refused connection, unknown
    /// host, no credentials. Worth another try.
    #[error("{action} did not reach {target}")]
    NotSent {
        /// The call.
        action: Action,
        /// The queue or the endpoint.
        target: String,
        /// What went wrong.
        source: Cause,
    },
    /// The request was written and no answer came, or one that says nothing about it: it may have
    /// been done, and may not.
    #[error("no answer to {action} on {target}, which may or may not have been done")]
    Unknown {
        /// The call.
        action: Action,
        /// The queue or the endpoint.
        target: String,
        /// What went wrong.
        source: Cause,
    },
    /// The endpoint refused the request, so nothing was done, and would refuse it again.
    #[error("{target} refused {action} ({code}): {message}")]
    Refused {
        /// The call.
        action: Action,
        /// The queue or the endpoint.
        target: String,
        /// The error code, as SQS spells it, such as `QueueDoesNotExist`.
        code: String,
        /// What SQS says about it.
        message: String,
    },
    /// The endpoint has too many requests just now, or too many messages in flight; nothing was done. Worth
    /// another try, later.
    #[error("{target} throttled {action} ({code}): {message}{}", later(*retry_after))]
    Throttled {
        /// The call.
        action: Action,
        /// The queue or the endpoint.
        target: String,
        /// The error code, as SQS spells it, such as `RequestThrottled`, or `OverLimit` of a receive.
        code: String,
        /// What SQS says about it.
        message: String,
        /// How long nothing is to be asked, as the endpoint said it by `x-amz-retry-after`; clients and workers
        /// say here how long they ask nothing, which is that or more. `None`: nobody said it.
        retry_after: Option<Duration>,
    },
    /// The endpoint can do nothing of the kind just now, and nothing was done: its disk is full,
    /// say. Worth another try, later.
    #[error("{target} cannot do {action} now: {message}")]
    Unavailable {
        /// The call.
        action: Action,
        /// The queue or the endpoint.
        target: String,
        /// What SQS says about it.
        message: String,
    },
}

/// How long nothing is to be asked, in words.
fn later(retry_after: Option<Duration>) -> String {
    retry_after.map_or_else(String::new, |after| format!("; ask again in {after:?}"))
}

impl TransportError {
    /// How long nothing is to be asked after a call that was throttled, if that is known; `None` for one that
    /// failed otherwise.
    pub fn retry_after(&self) -> Option<Duration> {
        if let Self::Throttled { retry_after, .. } = self { *retry_after } else { None }
    }

    /// Whether the same call can succeed later without anyone changing anything.
    pub fn is_transient(&self) -> bool {
        !matches!(self, Self::Refused { .. })
    }

    /// Whether the endpoint answered that it has no such queue, however it spells that.
    pub fn is_missing_queue(&self) -> bool {
        let codes = ["QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue"];
        matches!(self, Self::Refused { code, .. } if codes.iter().any(|one| code.ends_with(one)))
    }

    /// Whether it is certain that the call changed nothing.
    pub fn is_certain(&self) -> bool {
        !matches!(self, Self::Unknown { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error_chain;

    fn fault(code: &str, sender_fault: bool) -> EntryFault {
        EntryFault { code: code.to_owned(), message: "no".to_owned(), sender_fault }
    }

    #[test]
    fn l5_an_entry_that_failed_within_the_endpoint_may_have_been_done() {
        for code in ["InternalError", "InternalFailure", "Surprise", EntryFault::UNANSWERED] {
            assert!(!fault(code, false).is_certain(), "{code}");
        }
    }

    #[test]
    fn l5_an_entry_that_was_refused_was_not_done() {
        for code in ["InvalidMessageContents", "AWS.SimpleQueueService.Whatever"] {
            assert!(fault(code, true).is_certain(), "{code}");
        }
        for code in ["ServiceUnavailable", "RequestThrottled", "com.amazonaws.sqs#OverLimit"] {
            assert!(fault(code, false).is_certain(), "{code}");
        }
    }

    #[test]
    fn l8_only_what_names_a_receipt_can_have_a_stale_one() {
        let codes = ["ReceiptHandleIsInvalid", "InvalidParameterValue", "AWS.MessageNotInflight"];
        for fault in codes.map(|code| fault(code, true)) {
            assert!(fault.is_stale_receipt(Action::DeleteMessageBatch));
            assert!(fault.is_stale_receipt(Action::ChangeMessageVisibilityBatch));
            assert!(!fault.is_stale_receipt(Action::SendMessageBatch));
        }
        assert!(!fault("OverLimit", true).is_stale_receipt(Action::DeleteMessageBatch));
    }

    #[test]
    fn l8_a_cause_is_told_by_the_source_and_not_twice() {
        let (action, target) = (Action::SendMessageBatch, "q".to_owned());
        let error = TransportError::NotSent { action, target, source: "refused".into() };
        assert_eq!(error_chain(&error), ["SendMessageBatch did not reach q", "refused"]);
        assert!(!error.to_string().contains("refused"));
    }

    #[test]
    fn l5_what_is_unavailable_is_worth_another_try_and_was_not_done() {
        let (action, target) = (Action::SendMessageBatch, "q".to_owned());
        let error = TransportError::Unavailable { action, target, message: "full".to_owned() };
        assert!(error.is_transient() && error.is_certain());
    }
}
