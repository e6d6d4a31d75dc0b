//! One request and its response.
//!
//! # Invariants
//!
//! - A request that a web page made is refused: no page in a browser can reach a broker on the same
//!   machine.
//! - Bodies and secrets are never logged.

use std::net::IpAddr;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Body, Incoming};
use hyper::{Method, Request, Response, StatusCode};
use longshore_types::QueueName;
use longshore_wire::Reply;

use super::answered::{self, Answered};
use super::protocol::Protocol;
use super::refused::{self, Refused};
use super::{Shared, gate, health, peek, respond, web_page};
use crate::caller::Caller;
use crate::metrics::UNKNOWN_ACTION;

/// Answers one HTTP request.
pub(super) async fn exchange(
    shared: &Shared,
    peer: Option<IpAddr>,
    request: Request<Incoming>,
) -> Response<Full<Bytes>> {
    if web_page::made(request.method(), request.headers(), shared.local) {
        return respond::plain(StatusCode::FORBIDDEN, refused::NO_WEB_PAGES);
    }
    if request.uri().path() == "/health" && request.method() == Method::GET {
        return health::health(&shared.broker);
    }
    if peek::is_at(request.uri().path()) {
        return peek::peek(shared, peer, request).await;
    }
    sqs(shared, peer, request).await
}

async fn sqs(
    shared: &Shared,
    peer: Option<IpAddr>,
    request: Request<Incoming>,
) -> Response<Full<Bytes>> {
    let started = tokio::time::Instant::now();
    let protocol = Protocol::of(request.headers());
    let Outcome { action, queue, result } = answer(shared, protocol, peer, request).await;
    let request_id = shared.broker.new_request_id();
    let code = answered::code(&result);
    let response = match result {
        Ok(reply) => respond::reply(protocol, action, &request_id, &reply),
        Err(refused) => respond::refused(protocol, &request_id, &refused),
    };
    let (status, took) = (response.status(), started.elapsed());
    let request_id = &request_id;
    let answered = Answered { request_id, action, queue, protocol, status, code, took };
    answered.enter(shared.broker.traffic());
    response
}

/// What became of a request.
struct Outcome {
    /// What the request asked for, if that is an action that there is.
    action: &'static str,
    queue: Option<QueueName>,
    result: Result<Reply, Refused>,
}

async fn answer(
    shared: &Shared,
    protocol: Protocol,
    peer: Option<IpAddr>,
    request: Request<Incoming>,
) -> Outcome {
    match decode(shared, protocol, peer, request).await {
        Ok((caller, request)) => {
            let (action, queue) = (request.action(), answered::queue(&request));
            let result = shared.broker.call_as(&caller, request).await.map_err(Refused::Sqs);
            Outcome { action, queue, result }
        }
        Err(refused) => Outcome { action: UNKNOWN_ACTION, queue: None, result: Err(refused) },
    }
}

async fn decode(
    shared: &Shared,
    protocol: Protocol,
    peer: Option<IpAddr>,
    request: Request<Incoming>,
) -> Result<(Caller, longshore_wire::Request), Refused> {
    protocol.check_method(request.method())?;
    let (head, body) = request.into_parts();
    gate::check_head(shared, &head, body.size_hint().upper())?;
    let body = read(shared, body).await?;
    let caller = gate::admit(shared, peer, &head, &body)?;
    let request = protocol.decode(&head, &body, &caller.base_url)?;
    Ok((caller, request))
}

async fn read(shared: &Shared, body: Incoming) -> Result<Bytes, Refused> {
    if body.size_hint().lower() > shared.options.body_bytes_max as u64 {
        return Err(Refused::TOO_LARGE);
    }
    let limited = Limited::new(body, shared.options.body_bytes_max).collect();
    match tokio::time::timeout(shared.options.body_timeout, limited).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(failure)) if failure.is::<LengthLimitError>() => Err(Refused::TOO_LARGE),
        // The connection broke off: nobody will read what is answered.
        Ok(Err(_)) | Err(_) => Err(Refused::TOO_SLOW),
    }
}
