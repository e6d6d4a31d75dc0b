//! How each error is spelled: its JSON shape, its Query code, its fault and its HTTP status.

use std::fmt;

use super::SqsError;

/// Who must act on an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The client: the same request will fail again.
    Sender,
    /// The broker: the same request can succeed later.
    Receiver,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sender => "Sender",
            Self::Receiver => "Receiver",
        })
    }
}

/// How SQS spells an error on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spelling {
    /// What precedes the shape in the JSON `__type`: SQS's own model, or the generic one.
    pub namespace: &'static str,
    /// The shape's name, which ends the JSON `__type`.
    pub shape: &'static str,
    /// The code in the Query protocol, in batch results, and in `x-amzn-query-error`.
    pub query_code: &'static str,
    /// Whose fault it is.
    pub fault: Fault,
    /// The HTTP status.
    pub status: u16,
}

impl Spelling {
    /// The JSON `__type`: `<namespace>#<shape>`.
    pub fn json_type(&self) -> String {
        format!("{}#{}", self.namespace, self.shape)
    }
}

/// A modelled shape whose Query code is its name with the service's in front.
macro_rules! long_code {
    ($shape:literal, $status:literal) => {
        modelled($shape, concat!("AWS.SimpleQueueService.", $shape), $status)
    };
}

impl SqsError {
    /// How SQS spells this error: the only place that knows.
    pub const fn spelling(&self) -> Spelling {
        match self {
            Self::AccessDenied(_) => generic("AccessDeniedException", "AccessDenied", 403),
            Self::BatchEntryIdsNotDistinct(_) => long_code!("BatchEntryIdsNotDistinct", 400),
            Self::BatchRequestTooLong(_) => long_code!("BatchRequestTooLong", 400),
            Self::EmptyBatchRequest(_) => long_code!("EmptyBatchRequest", 400),
            Self::IncompleteSignature(_) => {
                generic("IncompleteSignatureException", "IncompleteSignature", 403)
            }
            Self::InternalFailure => receiver("InternalFailure", "InternalError", 500),
            Self::InvalidAddress(_) => short_code("InvalidAddress", 404),
            Self::InvalidAttributeName(_) => short_code("InvalidAttributeName", 400),
            Self::InvalidAttributeValue(_) => short_code("InvalidAttributeValue", 400),
            Self::InvalidBatchEntryId => long_code!("InvalidBatchEntryId", 400),
            Self::InvalidMessageContents => short_code("InvalidMessageContents", 400),
            Self::InvalidParameterValue(_)
            | Self::MessageTooLong(_)
            | Self::NotAvailableForVisibilityChange(_) => {
                generic("InvalidParameterValueException", "InvalidParameterValue", 400)
            }
            Self::InvalidSecurity(_) => short_code("InvalidSecurity", 403),
            Self::InvalidSignature(_) => {
                generic("InvalidSignatureException", "SignatureDoesNotMatch", 403)
            }
            Self::MessageNotInflight => long_code!("MessageNotInflight", 400),
            // Query has no name of its own for a missing signature.
            Self::MissingAuthenticationToken(_) => {
                generic("MissingAuthenticationTokenException", "AccessDenied", 403)
            }
            Self::MissingParameter(_) => {
                generic("MissingRequiredParameterException", "MissingParameter", 400)
            }
            Self::PurgeQueueInProgress(_) => long_code!("PurgeQueueInProgress", 403),
            Self::OverLimit(_) => short_code("OverLimit", 403),
            Self::QueueDeletedRecently => long_code!("QueueDeletedRecently", 400),
            Self::QueueDoesNotExist => {
                modelled("QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue", 400)
            }
            Self::QueueNameExists(_) => modelled("QueueNameExists", "QueueAlreadyExists", 400),
            Self::ReceiptHandleIsInvalid(_) => short_code("ReceiptHandleIsInvalid", 404),
            Self::RequestThrottled => short_code("RequestThrottled", 403),
            Self::ResourceNotFound(_) => short_code("ResourceNotFoundException", 404),
            Self::Serialization(_) => generic("SerializationException", "MalformedInput", 400),
            Self::ServiceUnavailable(_) => {
                receiver("ServiceUnavailable", "ServiceUnavailable", 503)
            }
            Self::TooManyEntriesInBatchRequest(_) => {
                long_code!("TooManyEntriesInBatchRequest", 400)
            }
            Self::UnknownOperation(_) => generic("UnknownOperationException", "InvalidAction", 400),
            Self::UnrecognizedClient => {
                generic("UnrecognizedClientException", "InvalidClientTokenId", 403)
            }
            Self::UnsupportedOperation(_) => long_code!("UnsupportedOperation", 400),
        }
    }

    /// The value of the header `x-amzn-query-error`, sent with every error: SDKs take the code
    /// from it, and drop it unless it has exactly these two parts.
    pub fn query_error_header(&self) -> String {
        let spelling = self.spelling();
        format!("{};{}", spelling.query_code, spelling.fault)
    }
}

/// A modelled shape whose Query code is its name.
const fn short_code(shape: &'static str, status: u16) -> Spelling {
    modelled(shape, shape, status)
}

/// A shape of the SQS API's model.
const fn modelled(shape: &'static str, query_code: &'static str, status: u16) -> Spelling {
    let namespace = "com.amazonaws.sqs";
    Spelling { namespace, shape, query_code, fault: Fault::Sender, status }
}

/// A shape that all AWS services share.
const fn generic(shape: &'static str, query_code: &'static str, status: u16) -> Spelling {
    let namespace = "com.amazon.coral.service";
    Spelling { namespace, shape, query_code, fault: Fault::Sender, status }
}

/// A generic shape that is not the sender's fault.
const fn receiver(shape: &'static str, query_code: &'static str, status: u16) -> Spelling {
    let namespace = "com.amazon.coral.service";
    Spelling { namespace, shape, query_code, fault: Fault::Receiver, status }
}
