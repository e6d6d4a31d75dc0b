//! Responses: replies and errors as SQS spells them, and plain sentences for what is not SQS.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};
use longshore_wire::query::{self, Format};
use longshore_wire::{Reply, SqsError};

use super::protocol::Protocol;
use super::refused::Refused;
use crate::bounds::Share;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
const RETRY_AFTER: HeaderName = HeaderName::from_static("x-amz-retry-after");
const RETRY_AFTER_MILLIS: HeaderValue = HeaderValue::from_static("1000");
const QUERY_ERROR: HeaderName = HeaderName::from_static("x-amzn-query-error");
const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");

/// A reply to `action`.
pub(super) fn reply(
    protocol: Protocol,
    action: &str,
    request_id: &str,
    reply: &Reply,
) -> Response<Full<Bytes>> {
    let body = protocol.encode(action, request_id, reply);
    sqs(StatusCode::OK, protocol.media_type(), request_id, body)
}

/// An error, as SQS spells it. In JSON the code that old clients know is in a header, and the shape's
/// name in another: some SDKs look there before they look into the body.
fn error(protocol: Protocol, request_id: &str, error: &SqsError) -> Response<Full<Bytes>> {
    let status = StatusCode::from_u16(error.spelling().status)
        .expect("every error is spelled with a valid status");
    let body = protocol.encode_error(request_id, error);
    let mut response = sqs(status, protocol.media_type(), request_id, body);
    if let Protocol::Json = protocol {
        let header = HeaderValue::try_from(error.query_error_header());
        let header = header.expect("an error's code is made of letters and full stops");
        response.headers_mut().insert(QUERY_ERROR, header);
        let shape = HeaderValue::from_static(error.spelling().shape);
        response.headers_mut().insert(ERROR_TYPE, shape);
    }
    response
}

/// To a request that gets no reply.
pub(super) fn refused(
    protocol: Protocol,
    request_id: &str,
    refused: &Refused,
) -> Response<Full<Bytes>> {
    match refused {
        Refused::Sqs(refusal) => error(protocol, request_id, refusal),
        Refused::NoAction => no_action(request_id),
        Refused::Plain(status, sentence) => plain(*status, sentence),
        Refused::Method(allowed, sentence) => method_not_allowed(allowed, sentence),
    }
}

/// To a Query that names no action, in XML whatever it accepts.
fn no_action(request_id: &str) -> Response<Full<Bytes>> {
    let body = query::NO_ACTION.as_bytes().to_vec();
    sqs(StatusCode::NOT_FOUND, Format::Xml.media_type(), request_id, body)
}

fn sqs(
    status: StatusCode,
    media_type: &'static str,
    request_id: &str,
    body: Vec<u8>,
) -> Response<Full<Bytes>> {
    let mut response = with_type(status, media_type, body);
    let id = HeaderValue::from_str(request_id).expect("a UUID is a valid header");
    response.headers_mut().insert(REQUEST_ID, id);
    response
}

/// To a method that is not one of those that are `allowed`.
pub(super) fn method_not_allowed(allowed: &'static str, sentence: &str) -> Response<Full<Bytes>> {
    let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, sentence);
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    response
}

/// A plain sentence to whoever does not speak SQS.
pub(super) fn plain(status: StatusCode, sentence: &str) -> Response<Full<Bytes>> {
    with_type(status, "text/plain; charset=utf-8", format!("{sentence}\n").into_bytes())
}

/// A response of some media type. One that says that the broker cannot answer now says when it is
/// worth asking again, which SDKs wait for.
pub(super) fn with_type(
    status: StatusCode,
    media_type: &'static str,
    body: Vec<u8>,
) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(RETRY_AFTER, RETRY_AFTER_MILLIS);
    }
    response
}

/// The response, whose body has `share` until the client has taken it.
pub(super) fn charged(response: Response<Full<Bytes>>, mut share: Share) -> Response<Full<Bytes>> {
    response.map(|body| {
        let bytes = body.into_inner().unwrap_or_default();
        share.settle(bytes.len() as u64);
        Full::new(Bytes::from_owner(Charged { bytes, _share: share }))
    })
}

/// Bytes on their way to a client: the connection drops them when it has written them.
struct Charged {
    bytes: Bytes,
    _share: Share,
}

impl AsRef<[u8]> for Charged {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn q3_whatever_cannot_be_answered_now_says_when_to_ask_again() {
        let full = SqsError::ServiceUnavailable("the disk is full".to_owned());
        for protocol in [Protocol::Json, Protocol::Query(Format::Xml)] {
            let response = error(protocol, "id", &full);
            assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
            assert_eq!(response.headers()[RETRY_AFTER], "1000");
            let refused = error(protocol, "id", &SqsError::QueueDoesNotExist);
            assert!(!refused.headers().contains_key(RETRY_AFTER));
        }
    }
}
