//! The AWS JSON 1.0 protocol: the action is in a header, the members in a JSON object.
//!
//! The HTTP around it is not here: the caller passes the value of `X-Amz-Target` and the body,
//! and sends what comes back with [`CONTENT_TYPE`], an `x-amzn-RequestId`, and for an error its
//! status and [`SqsError::query_error_header`](crate::SqsError::query_error_header).

mod decode;
mod encode;
mod surrogate;

pub use decode::decode;
pub use encode::{encode, encode_error};

/// The media type of every reply, errors included.
pub const CONTENT_TYPE: &str = "application/x-amz-json-1.0";
