//! The errors of SQS: what each says, and the four ways in which it is spelled.
//!
//! [`SqsError`]'s `Display` is the text on the wire. [`SqsError::spelling`] is the one table that
//! knows an error's JSON shape, its Query code, whose fault it is, and the HTTP status. Texts
//! that are made from parts, or told by whoever knows queues, are made by the constructors in `text`,
//! `queue`, `redrive` and `access`.

mod access;
mod entry;
mod queue;
mod redrive;
mod signature;
mod spelling;
mod text;

pub use access::LabelFault;
pub use redrive::{RedriveAllowFault, RedriveFault};
pub use spelling::{Fault, Spelling};
pub(crate) use text::INVALID_CHARACTERS;
use text::NOT_AVAILABLE;

use longshore_types::limits::{BATCH_ENTRIES_MAX, MESSAGE_BYTES_MAX};
use thiserror::Error;

use crate::action::BatchKind;

/// An error that SQS answers. The text of a variant that carries a `String` named `message` is
/// that string; of the others it is SQS's own sentence.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SqsError {
    /// Who asks may not do this.
    #[error("{0}")]
    AccessDenied(String),
    /// Two entries of a batch have this id.
    #[error("Id {0} repeated.")]
    BatchEntryIdsNotDistinct(String),
    /// The entries of a batch have this many bytes together, which is too many.
    #[error(
        "Batch requests cannot be longer than {MESSAGE_BYTES_MAX} bytes. You have sent {0} bytes."
    )]
    BatchRequestTooLong(usize),
    /// A batch has no entries.
    #[error("There should be at least one {0} in the request.")]
    EmptyBatchRequest(BatchKind),
    /// What should be a signature lacks a part, cannot be read, or is of another sort.
    #[error("{0}")]
    IncompleteSignature(String),
    /// The broker failed, and says no more to the outside.
    #[error("We encountered an internal error. Please try again.")]
    InternalFailure,
    /// The queue URL names no queue of this endpoint.
    #[error("The address {0} is not valid for this endpoint.")]
    InvalidAddress(String),
    /// A queue or system attribute that there is not, or that cannot be set here.
    #[error("{0}")]
    InvalidAttributeName(String),
    /// A queue attribute's value that cannot be read or is out of range.
    #[error("{0}")]
    InvalidAttributeValue(String),
    /// An entry's id is not 1 to 80 letters, digits, hyphens and underscores.
    #[error(
        "A batch entry id can only contain alphanumeric characters, hyphens and underscores. \
         It can be at most 80 letters long."
    )]
    InvalidBatchEntryId,
    /// A body has a character that XML 1.0 does not allow.
    #[error("{INVALID_CHARACTERS}")]
    InvalidMessageContents,
    /// A parameter's value breaks a rule.
    #[error("{0}")]
    InvalidParameterValue(String),
    /// The request came over an insecure channel.
    #[error("{0}")]
    InvalidSecurity(String),
    /// The signature does not match the request.
    #[error("{0}")]
    InvalidSignature(String),
    /// The visibility of a message that is gone, or no longer this handle's, cannot change.
    #[error("Value {0} for parameter ReceiptHandle is invalid. Reason: {NOT_AVAILABLE}.")]
    NotAvailableForVisibilityChange(String),
    /// Body and attributes of a message have more bytes than the queue takes: this many.
    #[error("One or more parameters are invalid. Reason: Message must be shorter than {0} bytes.")]
    MessageTooLong(u32),
    /// The message is not in flight.
    #[error("The specified message isn't in flight.")]
    MessageNotInflight,
    /// The request is not signed.
    #[error("{0}")]
    MissingAuthenticationToken(String),
    /// The parameter of this name is absent or empty.
    #[error("The request must contain the parameter {0}.")]
    MissingParameter(String),
    /// The queue of this name was purged less than 60 seconds ago.
    #[error("Only one PurgeQueue operation on {0} is allowed every 60 seconds.")]
    PurgeQueueInProgress(String),
    /// A limit of the queue or the account is reached.
    #[error("{0}")]
    OverLimit(String),
    /// A queue of that name was deleted less than 60 seconds ago.
    #[error(
        "You must wait 60 seconds after deleting a queue before you can create another with the \
         same name."
    )]
    QueueDeletedRecently,
    /// There is no such queue.
    #[error("The specified queue does not exist.")]
    QueueDoesNotExist,
    /// A queue of that name has another value for the attribute of this name.
    #[error("A queue already exists with the same name and a different value for attribute {0}")]
    QueueNameExists(String),
    /// This is no receipt handle of the queue.
    #[error("The input receipt handle \"{0}\" is not a valid receipt handle.")]
    ReceiptHandleIsInvalid(String),
    /// Too many requests: the client should slow down.
    #[error("Rate exceeded")]
    RequestThrottled,
    /// What a request names beside its queue does not exist.
    #[error("{0}")]
    ResourceNotFound(String),
    /// The body cannot be read; the text says what stood where.
    #[error("{0}")]
    Serialization(String),
    /// The broker cannot answer now; a retry can succeed.
    #[error("{0}")]
    ServiceUnavailable(String),
    /// A batch has this many entries.
    #[error("Maximum number of entries per request are {BATCH_ENTRIES_MAX}. You have sent {0}.")]
    TooManyEntriesInBatchRequest(usize),
    /// There is no such action, or the request named none: [`SqsError::unknown_operation`].
    #[error("{0}")]
    UnknownOperation(String),
    /// The access key is not known.
    #[error("The security token included in the request is invalid.")]
    UnrecognizedClient,
    /// The model has it, SQS refuses it.
    #[error("{0}")]
    UnsupportedOperation(String),
}
