//! What can be concluded from how a call ended: was the request carried out, or not, or is
//! that not known?

use std::time::Duration;

use ::http::StatusCode;
use serde::Deserialize;
use serde_json::Value;

use super::channel::{Answer, NoAnswer};
use crate::transport::failure::{is_throttling, is_unavailable};
use crate::transport::{Action, Cause, Result, TransportError};

/// The header by which SQS says after how many milliseconds to ask again.
const RETRY_AFTER: &str = "x-amz-retry-after";
/// The header by which SQS names an error as its first protocol did, and whose fault it is.
const QUERY_ERROR: &str = "x-amzn-query-error";
/// The header that names an error, where the body does not.
const ERROR_TYPE: &str = "x-amzn-errortype";

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

    /// The queue.
    pub(super) fn target(&self) -> &str {
        &self.target
    }

    /// The call was answered, without something that every answer has.
    pub(super) fn without(&self, what: &str) -> TransportError {
        self.unknown(format!("the answer is without {what}").into())
    }

    /// There is no answer.
    pub(super) fn unanswered(&self, error: NoAnswer) -> TransportError {
        if error.never_left() {
            let (action, target) = (self.action, self.target.clone());
            return TransportError::NotSent { action, target, source: error.into() };
        }
        self.unknown(error.into())
    }

    /// What an answer says to a call that was carried out; else what it says against it.
    pub(super) fn read<T: for<'de> Deserialize<'de>>(&self, answer: &Answer) -> Result<T> {
        if !answer.status.is_success() {
            return Err(self.refused(answer.status, &Refusal::of(answer)));
        }
        let body = if answer.body.is_empty() { b"{}" } else { &*answer.body };
        serde_json::from_slice(body).map_err(|error| self.unknown(error.into()))
    }

    fn unknown(&self, source: Cause) -> TransportError {
        TransportError::Unknown { action: self.action, target: self.target.clone(), source }
    }

    /// What the endpoint itself says against it. An error of the server's own (5xx) may have come
    /// after the request was carried out, unless its code says that nothing can be done just now, or it says
    /// when to ask again. A status of 503 alone says nothing: whoever stands in between may have waited in vain.
    fn refused(&self, status: StatusCode, refusal: &Refusal) -> TransportError {
        let Refusal { code, message, retry_after } = refusal.clone();
        let (action, target) = (self.action, self.target.clone());
        let unavailable = status == StatusCode::SERVICE_UNAVAILABLE;
        let asks_later = unavailable && retry_after.is_some();
        if is_throttling(&code) || status == StatusCode::TOO_MANY_REQUESTS || asks_later {
            return TransportError::Throttled { action, target, code, message, retry_after };
        }
        if unavailable && is_unavailable(&code) {
            return TransportError::Unavailable { action, target, message };
        }
        if status.is_server_error() {
            return self.unknown(format!("{} {code}: {message}", status.as_u16()).into());
        }
        TransportError::Refused { action, target, code, message }
    }
}

/// An error in the endpoint's words.
#[derive(Clone, Debug)]
struct Refusal {
    code: String,
    message: String,
    retry_after: Option<Duration>,
}

impl Refusal {
    fn of(answer: &Answer) -> Self {
        let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let text = |names: &[&str]| {
            names.iter().find_map(|name| body.get(name)?.as_str()).map(str::to_owned)
        };
        let header = |name: &str| answer.headers.get(name)?.to_str().ok();
        let query_code = header(QUERY_ERROR).and_then(|value| value.split(';').next());
        let code = query_code.map(str::to_owned).or_else(|| text(&["__type", "code"]));
        let code = code.or_else(|| header(ERROR_TYPE).map(str::to_owned));
        Self {
            code: code.as_deref().map_or("an unnamed error", without_namespace).to_owned(),
            message: text(&["message", "Message"]).unwrap_or_default(),
            retry_after: header(RETRY_AFTER).and_then(milliseconds),
        }
    }
}

/// An error's code as the protocol wants it read: without what stands before `#` and after `:`.
fn without_namespace(code: &str) -> &str {
    let code = code.split(':').next().unwrap_or(code);
    code.rsplit('#').next().unwrap_or(code)
}

/// What the header says; `None` if that is no number.
fn milliseconds(text: &str) -> Option<Duration> {
    text.trim().parse().ok().map(Duration::from_millis)
}

#[cfg(test)]
mod tests {
    use ::http::HeaderMap;
    use bytes::Bytes;

    use super::*;

    fn answer(status: u16, headers: &[(&'static str, &str)], body: &str) -> Answer {
        let headers = headers
            .iter()
            .map(|(name, value)| (::http::HeaderName::from_static(name), value.parse().unwrap()));
        Answer {
            status: StatusCode::from_u16(status).unwrap(),
            headers: headers.collect::<HeaderMap>(),
            body: Bytes::copy_from_slice(body.as_bytes()),
        }
    }

    fn read(answer: &Answer) -> Result<Value> {
        Call::new(Action::SendMessageBatch, "q").read(answer)
    }

    fn answered(status: u16, code: &str) -> TransportError {
        let body = format!(r#"{{"__type":"{code}","message":"no"}}"#);
        read(&answer(status, &[], &body)).unwrap_err()
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
        let body = r#"{"__type":"ServiceUnavailable","message":"draining"}"#;
        let error = read(&answer(503, &[(RETRY_AFTER, " 2500 ")], body)).unwrap_err();
        assert!(error.is_certain() && error.is_transient(), "{error:?}");
        assert_eq!(error.retry_after(), Some(Duration::from_millis(2500)));
        assert_eq!(milliseconds("soon"), None);
    }

    #[test]
    fn a_refusal_is_named_by_the_first_of_three_places() {
        let query = (QUERY_ERROR, "AWS.SimpleQueueService.NonExistentQueue;Sender");
        let kind = (ERROR_TYPE, "QueueDoesNotExist:http://internal.amazon.com/");
        let body = r#"{"__type":"com.amazonaws.sqs#QueueDoesNotExist","Message":"none"}"#;
        for (headers, body, wanted) in [
            (vec![query, kind], body, "AWS.SimpleQueueService.NonExistentQueue"),
            (vec![kind], body, "QueueDoesNotExist"),
            (vec![kind], "<html>", "QueueDoesNotExist"),
            (vec![], "", "an unnamed error"),
        ] {
            let error = read(&answer(400, &headers, body)).unwrap_err();
            let TransportError::Refused { code, .. } = &error else { panic!("{error:?}") };
            assert_eq!(code, wanted);
        }
    }

    #[test]
    fn an_answer_without_a_body_says_nothing_and_one_that_is_none_leaves_it_open() {
        assert_eq!(read(&answer(200, &[], "")).unwrap(), serde_json::json!({}));
        let error = read(&answer(200, &[], "<html>")).unwrap_err();
        assert!(matches!(error, TransportError::Unknown { .. }), "{error:?}");
    }
}
