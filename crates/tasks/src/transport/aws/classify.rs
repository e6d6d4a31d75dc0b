//! What can be concluded from an error of the SDK: was the request carried out, or not, or is
//! that not known?

use std::error::Error;
use std::io;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sqs::config::http::HttpResponse;
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};

use crate::aws::words::{causes, in_words, is_throttling, short_code};
use crate::transport::{Action, Cause, TransportError};

/// Which call it was, for its errors.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) action: Action,
    target: String,
}

impl Call {
    pub(super) fn new(action: Action, target: &str) -> Self {
        Self { action, target: target.to_owned() }
    }

    /// The call was answered, without something that every answer has.
    pub(super) fn without(&self, what: &str) -> TransportError {
        self.unknown(format!("the answer is without {what}").into())
    }

    fn not_sent(&self, source: Cause) -> TransportError {
        TransportError::NotSent { action: self.action, target: self.target.clone(), source }
    }

    fn unknown(&self, source: Cause) -> TransportError {
        TransportError::Unknown { action: self.action, target: self.target.clone(), source }
    }

    /// What the endpoint itself says against it. An error of the server's own (5xx) may have come
    /// after the request was carried out.
    fn answered(&self, status: u16, error: &dyn ProvideErrorMetadata) -> TransportError {
        let code = error.code().unwrap_or("an unnamed error");
        let message = error.message().unwrap_or_default().to_owned();
        let (action, target) = (self.action, self.target.clone());
        if is_throttling(short_code(code)) || status == 429 {
            return TransportError::Throttled { action, target, message };
        }
        if status >= 500 {
            return self.unknown(format!("{status} {code}: {message}").into());
        }
        TransportError::Refused { action, target, code: code.to_owned(), message }
    }
}

/// Sorts an error by what can be concluded from it.
pub(super) fn classify<E>(call: &Call, error: &SdkError<E, HttpResponse>) -> TransportError
where
    E: Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    if let SdkError::ServiceError(answer) = error {
        return call.answered(answer.raw().status().as_u16(), answer.err());
    }
    let never_left = matches!(error, SdkError::ConstructionFailure(_)) || never_left(error);
    let text = Cause::from(in_words(error));
    if never_left { call.not_sent(text) } else { call.unknown(text) }
}

/// Whether one of the causes says that there was no connection, or nothing to sign with.
fn never_left(error: &(dyn Error + 'static)) -> bool {
    causes(error).any(|cause| {
        // The HTTP client's own error type is not public; its text for a failure to connect (DNS,
        // TCP or TLS, a timeout of these included) is.
        cause.is::<CredentialsError>()
            || cause.downcast_ref::<io::Error>().is_some_and(is_without_connection)
            || cause.to_string().starts_with("client error (Connect)")
    })
}

fn is_without_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionRefused, HostUnreachable, NetworkUnreachable};
    matches!(error.kind(), ConnectionRefused | HostUnreachable | NetworkUnreachable)
}
