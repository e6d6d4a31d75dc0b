//! Which of the two protocols a request is in, and what that changes.
//!
//! The media type decides: a JSON body is the JSON protocol's, and everything else is Query, which
//! also comes as a GET.

use hyper::Method;
use hyper::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName};
use hyper::http::request::Parts;
use longshore_wire::query::{Format, Parameters};
use longshore_wire::{Reply, Request, SqsError, json};

use super::header::text;
use super::refused::Refused;

const TARGET: HeaderName = HeaderName::from_static("x-amz-target");

/// The protocol of a request, in which it is also answered.
#[derive(Clone, Copy, Debug)]
pub(super) enum Protocol {
    /// AWS JSON 1.0.
    Json,
    /// Query, answered in this format.
    Query(Format),
}

impl Protocol {
    /// The protocol of the request that has these headers.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        if is_json(headers) {
            Self::Json
        } else {
            Self::Query(Format::accepted(text(headers, &ACCEPT)))
        }
    }

    /// What the protocol is called in metrics and in the log.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Query(_) => "query",
        }
    }

    /// Refuses a method that the protocol does not use.
    pub(super) fn check_method(self, method: &Method) -> Result<(), Refused> {
        match (self, method) {
            (_, &Method::POST) | (Self::Query(_), &Method::GET) => Ok(()),
            (Self::Json, _) => Err(Refused::ONLY_POST),
            (Self::Query(_), _) => Err(Refused::ONLY_POST_OR_GET),
        }
    }

    /// The request that head and body make; it was sent to `base_url`.
    pub(super) fn decode(
        self,
        head: &Parts,
        body: &[u8],
        base_url: &str,
    ) -> Result<Request, Refused> {
        match self {
            Self::Json => json::decode(text(&head.headers, &TARGET), body).map_err(Refused::Sqs),
            Self::Query(_) => decode_query(head, body, base_url),
        }
    }

    /// The media type of replies and errors.
    pub(super) const fn media_type(self) -> &'static str {
        match self {
            Self::Json => json::CONTENT_TYPE,
            Self::Query(format) => format.media_type(),
        }
    }

    /// The body of a reply to `action`.
    pub(super) fn encode(self, action: &str, request_id: &str, reply: &Reply) -> Vec<u8> {
        match self {
            Self::Json => json::encode(reply),
            Self::Query(format) => format.encode(action, request_id, reply),
        }
    }

    /// The body of an error.
    pub(super) fn encode_error(self, request_id: &str, error: &SqsError) -> Vec<u8> {
        match self {
            Self::Json => json::encode_error(error),
            Self::Query(format) => format.encode_error(request_id, error),
        }
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = text(headers, &CONTENT_TYPE).unwrap_or_default();
    let media_type = value.split(';').next().unwrap_or_default().trim();
    ["application/x-amz-json-1.0", "application/x-amz-json-1.1"]
        .iter()
        .any(|json| media_type.eq_ignore_ascii_case(json))
}

fn decode_query(head: &Parts, body: &[u8], base_url: &str) -> Result<Request, Refused> {
    let parameters = Parameters::parse(head.uri.query().unwrap_or_default(), body);
    let parameters = parameters.map_err(Refused::Sqs)?;
    if parameters.action().is_none() {
        return Err(Refused::NoAction);
    }
    parameters.request(base_url, head.uri.path()).map_err(Refused::Sqs)
}
