//! Responses: replies and errors as SQS spells them, and plain sentences for what is not SQS.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};
use longshore_wire::{Reply, SqsError, json};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
const QUERY_ERROR: HeaderName = HeaderName::from_static("x-amzn-query-error");

pub(super) const NO_WEB_PAGES: &str =
    "requests of web pages are refused: call the broker from a program, without an Origin header";
pub(super) const ONLY_JSON: &str = "this broker speaks the AWS JSON protocol: send a body of Content-Type application/x-amz-json-1.0, as every current AWS SDK does";
pub(super) const ONLY_POST: &str = "an SQS request is a POST";
pub(super) const TOO_LARGE: &str =
    "the request is larger than this broker reads: a batch is at most 1048576 bytes";
pub(super) const TOO_SLOW: &str = "the request's body did not come in time: send it again";

/// A reply.
pub(super) fn reply(request_id: &str, reply: &Reply) -> Response<Full<Bytes>> {
    sqs(StatusCode::OK, request_id, json::encode(reply))
}

/// An error, as SQS spells it: in the body for new clients, in a header for old ones.
pub(super) fn error(request_id: &str, error: &SqsError) -> Response<Full<Bytes>> {
    let status = StatusCode::from_u16(error.spelling().status)
        .expect("every error is spelled with a valid status");
    let mut response = sqs(status, request_id, json::encode_error(error));
    let header = HeaderValue::try_from(error.query_error_header());
    let header = header.expect("an error's code is made of letters and full stops");
    response.headers_mut().insert(QUERY_ERROR, header);
    response
}

fn sqs(status: StatusCode, request_id: &str, body: Vec<u8>) -> Response<Full<Bytes>> {
    let mut response = with_type(status, json::CONTENT_TYPE, body);
    let id = HeaderValue::from_str(request_id).expect("a UUID is a valid header");
    response.headers_mut().insert(REQUEST_ID, id);
    response
}

/// A plain sentence to whoever does not speak SQS.
pub(super) fn refused(status: StatusCode, sentence: &str) -> Response<Full<Bytes>> {
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
