//! What calls of SQS are for.

use std::fmt;

use serde::Serialize;

use super::Action;

/// What a call of SQS is for, or an entry of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Purpose {
    /// A client sends a task.
    Task,
    /// A worker receives tasks.
    Receive,
    /// A receive, of tasks or of replies, that brought nothing.
    EmptyReceive,
    /// A worker deletes the message of a task.
    Delete,
    /// The heartbeat renews the lease on the message of a task.
    Renew,
    /// A worker hands a message back: for a further attempt, or because it runs nothing just now.
    HandBack,
    /// A worker sends a reply.
    Reply,
    /// An app receives replies.
    ReplyReceive,
    /// An app deletes replies that it has kept.
    ReplyDelete,
    /// What failed is copied to a dead-letter queue.
    DeadLetter,
    /// A worker sends a task anew, whose message has hardly a receive left.
    Resend,
    /// A queue is looked for, or asked for its attributes.
    Look,
    /// Something else: a call that the framework did not make.
    Other,
}

impl Purpose {
    /// Every purpose.
    pub const ALL: [Self; 13] = [
        Self::Task,
        Self::Receive,
        Self::EmptyReceive,
        Self::Delete,
        Self::Renew,
        Self::HandBack,
        Self::Reply,
        Self::ReplyReceive,
        Self::ReplyDelete,
        Self::DeadLetter,
        Self::Resend,
        Self::Look,
        Self::Other,
    ];

    /// Its name as a label.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Task => "task",
            Self::Receive => "receive",
            Self::EmptyReceive => "empty_receive",
            Self::Delete => "delete",
            Self::Renew => "renew",
            Self::HandBack => "hand_back",
            Self::Reply => "reply",
            Self::ReplyReceive => "reply_receive",
            Self::ReplyDelete => "reply_delete",
            Self::DeadLetter => "dead_letter",
            Self::Resend => "resend",
            Self::Look => "look",
            Self::Other => "other",
        }
    }

    /// What a call is for of which nobody said it.
    pub(super) const fn of(action: Action) -> Self {
        match action {
            Action::GetQueueUrl | Action::GetQueueAttributes => Self::Look,
            Action::SendMessageBatch
            | Action::ReceiveMessage
            | Action::DeleteMessageBatch
            | Action::ChangeMessageVisibilityBatch => Self::Other,
        }
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
