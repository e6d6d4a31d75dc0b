//! Responses: replies and errors as SQS spells them, and plain sentences for what is not SQS.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};
use longshore_wire::query::{self, Format};
use longshore_wire::{Reply, SqsError};

use super::protocol::Protocol;
use super::refused::Refused;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
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

/// A plain sentence to whoever does not speak SQS.
pub(super) fn plain(status: StatusCode, sentence: &str) -> Response<Full<Bytes>> {
    with_type(status, "text/plain; charset=utf-8", format!("{sentence}\n").into_bytes())
}

/// A response of some media type.
pub(super) fn with_type(
    status: StatusCode,
    media_type: &'static str,
    body: Vec<u8>,
) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}
