//! What can be concluded from an error of the SDK: was the request carried out, or not, or is
//! that not known?

use std::error::Error;
use std::io;
use std::time::Duration;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sqs::config::http::HttpResponse;
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};

use crate::error_chain::{causes, copied};
use crate::transport::failure::{is_throttling, is_unavailable};
use crate::transport::{Action, Cause, TransportError};

/// The header by which SQS says after how many milliseconds to ask again.
const RETRY_AFTER: &str = "x-amz-retry-after";

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
    /// after the request was carried out, unless its code says that nothing can be done just now, or it says
    /// when to ask again. A status of 503 alone says nothing: whoever stands in between may have waited in vain.
    fn answered(
        &self,
        status: u16,
        retry_after: Option<Duration>,
        error: &dyn ProvideErrorMetadata,
    ) -> TransportError {
        let code = error.code().unwrap_or("an unnamed error");
        let message = error.message().unwrap_or_default().to_owned();
        let (action, target) = (self.action, self.target.clone());
        let asks_later = status == 503 && retry_after.is_some();
        if is_throttling(code) || status == 429 || asks_later {
            let code = code.to_owned();
            return TransportError::Throttled { action, target, code, message, retry_after };
        }
        if status == 503 && is_unavailable(code) {
            return TransportError::Unavailable { action, target, message };
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
        let raw = answer.raw();
        let retry_after = raw.headers().get(RETRY_AFTER).and_then(milliseconds);
        return call.answered(raw.status().as_u16(), retry_after, answer.err());
    }
    let never_left = matches!(error, SdkError::ConstructionFailure(_)) || never_left(error);
    // The SDK's own error would show the whole response, headers and body, in its `Debug`.
    let words = copied(error);
    if never_left { call.not_sent(words) } else { call.unknown(words) }
}

/// What the header says; `None` if that is no number.
fn milliseconds(text: &str) -> Option<Duration> {
    text.trim().parse().ok().map(Duration::from_millis)
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

#[cfg(test)]
mod tests {
    use aws_sdk_sqs::error::ErrorMetadata;

    use super::*;

    fn answered(status: u16, code: &str) -> TransportError {
        let error = ErrorMetadata::builder().code(code).message("no").build();
        Call::new(Action::SendMessageBatch, "q").answered(status, None, &error)
    }

    #[test]
    fn l5_a_full_disk_is_known_to_have_kept_nothing() {
        for code in ["ServiceUnavailable", "com.amazonaws.sqs#ServiceUnavailable"] {
            let error = answered(503, code);
            assert!(matches!(error, TransportError::Unavailable { .. }), "{error:?}");
        }
    }

    #[test]
    fn l5_any_other_error_of_the_servers_own_means_that_nobody_knows() {
        let others = [
            (500, "InternalFailure"),
            (500, "InternalError"),
            (500, "ServiceUnavailable"),
            (502, "BadGateway"),
            (503, "Unreadable"),
            (504, "GatewayTimeout"),
        ];
        for (status, code) in others {
            let error = answered(status, code);
            assert!(matches!(error, TransportError::Unknown { .. }), "{error:?}");
        }
    }

    #[test]
    fn throttling_is_told_by_its_code_or_its_status() {
        for (status, code) in
            [(400, "RequestThrottled"), (403, "OverLimit"), (503, "Throttling"), (429, "Whatever")]
        {
            let error = answered(status, code);
            assert!(matches!(error, TransportError::Throttled { .. }), "{error:?}");
        }
    }

    #[test]
    fn who_says_when_to_ask_again_has_done_nothing() {
        let error = ErrorMetadata::builder().code("ServiceUnavailable").message("draining").build();
        let call = Call::new(Action::SendMessageBatch, "q");
        let error = call.answered(503, milliseconds(" 2500 "), &error);
        assert!(error.is_certain() && error.is_transient(), "{error:?}");
        assert_eq!(error.retry_after(), Some(Duration::from_millis(2500)));
        assert_eq!(milliseconds("soon"), None);
    }
}
