//! One request and its response.
//!
//! # Invariants
//!
//! - A request that bears an `Origin` comes from a web page and is refused: no page in a browser
//!   can reach a broker on the same machine.
//! - Bodies and secrets are never logged.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Body, Incoming};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderMap, HeaderName, ORIGIN};
use hyper::{Method, Request, Response, StatusCode};
use longshore_wire::{Reply, SqsError, json};

use super::{Shared, health, respond, scope};
use crate::caller::Caller;

const TARGET: HeaderName = HeaderName::from_static("x-amz-target");
const TRACE: HeaderName = HeaderName::from_static("x-amzn-trace-id");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Answers one HTTP request.
pub(super) async fn exchange(
    shared: &Shared,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    if request.headers().contains_key(ORIGIN) {
        return Ok(respond::refused(StatusCode::FORBIDDEN, respond::NO_WEB_PAGES));
    }
    if request.uri().path() == "/health" && request.method() == Method::GET {
        return Ok(health::health(&shared.broker));
    }
    if !is_json(request.headers()) {
        return Ok(respond::refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, respond::ONLY_JSON));
    }
    if request.method() != Method::POST {
        return Ok(respond::refused(StatusCode::METHOD_NOT_ALLOWED, respond::ONLY_POST));
    }
    Ok(sqs(shared, request).await)
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = text(headers, &CONTENT_TYPE).unwrap_or_default();
    let media_type = value.split(';').next().unwrap_or_default().trim();
    ["application/x-amz-json-1.0", "application/x-amz-json-1.1"]
        .iter()
        .any(|json| media_type.eq_ignore_ascii_case(json))
}

async fn sqs(shared: &Shared, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let started = tokio::time::Instant::now();
    let caller = caller(shared, request.headers());
    let target = text(request.headers(), &TARGET).map(ToOwned::to_owned);
    let outcome = answer(shared, &caller, target.as_deref(), request.into_body()).await;
    let request_id = shared.broker.new_message_id().to_string();
    log(&request_id, target.as_deref(), &outcome, started.elapsed());
    match outcome {
        Ok(reply) => respond::reply(&request_id, &reply),
        Err(Refused::Sqs(error)) => respond::error(&request_id, &error),
        Err(Refused::TooLarge) => {
            respond::refused(StatusCode::PAYLOAD_TOO_LARGE, respond::TOO_LARGE)
        }
        Err(Refused::TooSlow) => respond::refused(StatusCode::REQUEST_TIMEOUT, respond::TOO_SLOW),
    }
}

/// Why a request got no reply.
#[derive(Debug)]
enum Refused {
    Sqs(SqsError),
    TooLarge,
    TooSlow,
}

async fn answer(
    shared: &Shared,
    caller: &Caller,
    target: Option<&str>,
    body: Incoming,
) -> Result<Reply, Refused> {
    let body = read(shared, body).await?;
    let request = json::decode(target, &body).map_err(Refused::Sqs)?;
    shared.broker.call_as(caller, request).await.map_err(Refused::Sqs)
}

async fn read(shared: &Shared, body: Incoming) -> Result<Bytes, Refused> {
    if body.size_hint().lower() > shared.options.body_bytes_max as u64 {
        return Err(Refused::TooLarge);
    }
    let limited = Limited::new(body, shared.options.body_bytes_max).collect();
    match tokio::time::timeout(shared.options.body_timeout, limited).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(failure)) if failure.is::<LengthLimitError>() => Err(Refused::TooLarge),
        // The connection broke off: nobody will read what is answered.
        Ok(Err(_)) | Err(_) => Err(Refused::TooSlow),
    }
}

fn caller(shared: &Shared, headers: &HeaderMap) -> Caller {
    let place = scope::place(text(headers, &AUTHORIZATION), shared.broker.place());
    let mut caller = Caller::new(base_url(shared, headers), place);
    caller.trace_header = text(headers, &TRACE).map(ToOwned::to_owned);
    caller
}

/// The public URL, else what the client itself called the broker.
fn base_url(shared: &Shared, headers: &HeaderMap) -> String {
    if let Some(public_url) = &shared.options.public_url {
        return public_url.clone();
    }
    let scheme = match text(headers, &FORWARDED_PROTO) {
        Some("https") => "https",
        _ => "http",
    };
    match (text(headers, &HOST), shared.local) {
        (Some(host), _) => format!("{scheme}://{host}"),
        (None, Some(local)) => format!("{scheme}://{local}"),
        (None, None) => format!("{scheme}://localhost"),
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn log(request_id: &str, target: Option<&str>, outcome: &Result<Reply, Refused>, took: Duration) {
    let action = target.unwrap_or("-");
    let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    match outcome {
        Ok(_) => tracing::debug!(request_id, action, took_ms, "answered"),
        Err(Refused::Sqs(error)) => {
            let code = error.spelling().query_code;
            tracing::debug!(request_id, action, took_ms, code, "refused");
        }
        Err(refused) => tracing::debug!(request_id, action, took_ms, ?refused, "refused"),
    }
}
