//! One request and its response.
//!
//! # Invariants
//!
//! - A request that a web page made is refused (`admission.rs`): no page in a browser can reach a
//!   broker on the same machine.
//! - Bodies and secrets are never logged.

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::{Body, Incoming};
use hyper::header::EXPECT;
use hyper::http::request::Parts;
use hyper::{Method, Request, Response, StatusCode};
use longshore_types::QueueName;
use longshore_wire::Reply;

use super::admission::KnownHost;
use super::answered::{self, Answered};
use super::protocol::Protocol;
use super::refused::Refused;
use super::{Service, admission, body, gate, health, peek, respond};
use crate::bounds::{Client, Share};
use crate::caller::Caller;
use crate::metrics::{PEEK_ACTION, UNKNOWN_ACTION};

/// Beyond this an answer is written on a thread of its own, because to write it takes so long that
/// others would wait for this one.
const INLINE_BYTES_MAX: u64 = 1 << 20;

/// One request as it came, with what it has of the budget.
struct Exchange<'a> {
    service: &'a Service,
    client: &'a Client,
    peer: IpAddr,
    share: Share,
    /// Whether reading the body has begun, and so a client that asked first was told to send it.
    has_read: bool,
}

/// Answers one HTTP request.
pub(super) async fn exchange(
    service: &Service,
    client: &Arc<Client>,
    known: &KnownHost,
    mut request: Request<Incoming>,
) -> Response<Full<Bytes>> {
    let hosts = (!service.options.require_signatures).then_some(&service.hosts);
    let let_in = admission::enter(&mut request, hosts, known);
    let (head, mut body) = request.into_parts();
    let share = service.budget.share(client);
    let peer = client.peer();
    let mut exchange = Exchange { service, client, peer, share, has_read: false };
    let response = match let_in {
        Err((status, sentence)) => exchange.turn_away(&head, status, sentence).await,
        Ok(()) if head.uri.path() == "/health" && is_read(&head.method) => {
            health::health(&service.broker, service.options.require_signatures)
        }
        Ok(()) if peek::is_at(head.uri.path()) => exchange.peek(&head).await,
        Ok(()) => exchange.sqs(&head, &mut body).await,
    };
    let answer_bytes = response.body().size_hint().lower();
    exchange.share.settle(answer_bytes);
    if exchange.has_read || !head.headers.contains_key(EXPECT) {
        body::discard(body, client).await;
    }
    respond::charged(response, exchange.share)
}

const fn is_read(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

/// What became of a request.
struct Outcome {
    /// What the request asked for, if that is something that there is.
    action: &'static str,
    queue: Option<QueueName>,
    result: Result<Reply, Refused>,
}

/// What is to be answered.
struct Answer {
    protocol: Protocol,
    /// The action whose reply it is.
    answers: &'static str,
    request_id: String,
    result: Result<Reply, Refused>,
}

impl Answer {
    fn render(self) -> Response<Full<Bytes>> {
        let Self { protocol, answers, request_id, result } = self;
        match result {
            Ok(reply) => respond::reply(protocol, answers, &request_id, &reply),
            Err(refused) => respond::refused(protocol, &request_id, &refused),
        }
    }
}

impl Exchange<'_> {
    async fn sqs(&mut self, head: &Parts, body: &mut Incoming) -> Response<Full<Bytes>> {
        let started = tokio::time::Instant::now();
        let protocol = Protocol::of(&head.headers);
        let outcome = self.answer(protocol, head, body).await;
        let answers = outcome.action;
        self.respond(started, protocol, outcome, answers).await
    }

    /// Answers what was not let in.
    async fn turn_away(
        &mut self,
        head: &Parts,
        status: StatusCode,
        sentence: &'static str,
    ) -> Response<Full<Bytes>> {
        let (started, protocol) = (tokio::time::Instant::now(), Protocol::of(&head.headers));
        let result = Err(Refused::Plain(status, sentence));
        let outcome = Outcome { action: UNKNOWN_ACTION, queue: None, result };
        self.respond(started, protocol, outcome, UNKNOWN_ACTION).await
    }

    async fn peek(&mut self, head: &Parts) -> Response<Full<Bytes>> {
        let started = tokio::time::Instant::now();
        let (queue, result) = peek::peek(self.service, self.peer, head, &mut self.share).await;
        let outcome = Outcome { action: PEEK_ACTION, queue, result };
        self.respond(started, peek::protocol(head), outcome, peek::ANSWERS).await
    }

    /// Writes what became of a request as the answer to `answers`, and keeps account of it.
    async fn respond(
        &mut self,
        started: tokio::time::Instant,
        protocol: Protocol,
        outcome: Outcome,
        answers: &'static str,
    ) -> Response<Full<Bytes>> {
        let Outcome { action, queue, result } = outcome;
        let request_id = &self.service.broker.new_request_id();
        let code = answered::code(&result);
        let answer = Answer { protocol, answers, request_id: request_id.clone(), result };
        let response = if self.share.bytes() > INLINE_BYTES_MAX {
            self.render_apart(answer).await
        } else {
            answer.render()
        };
        let (status, took) = (response.status(), started.elapsed());
        let answered = Answered { request_id, action, queue, protocol, status, code, took };
        answered.enter(self.service.broker.traffic());
        response
    }

    /// Writes an answer on a thread of its own. It has its share and its turn there until it is written,
    /// also if its client leaves.
    async fn render_apart(&mut self, answer: Answer) -> Response<Full<Bytes>> {
        let turns = Arc::clone(&self.service.large_answers);
        let turn = turns.acquire_owned().await.expect("turns are never closed");
        let share = std::mem::replace(&mut self.share, Share::uncounted());
        let write = move || {
            let _turn = turn;
            (answer.render(), share)
        };
        let written = tokio::task::spawn_blocking(write).await;
        let (response, share) = written.expect("writing an answer does not panic");
        self.share = share;
        response
    }

    async fn answer(&mut self, protocol: Protocol, head: &Parts, body: &mut Incoming) -> Outcome {
        match self.decode(protocol, head, body).await {
            Ok((caller, request)) => {
                let (action, queue) = (request.action(), answered::queue(request.queue()));
                let result = self.service.broker.call_within(&caller, request, &mut self.share);
                Outcome { action, queue, result: result.await.map_err(Refused::Sqs) }
            }
            Err(refused) => Outcome { action: UNKNOWN_ACTION, queue: None, result: Err(refused) },
        }
    }

    async fn decode(
        &mut self,
        protocol: Protocol,
        head: &Parts,
        body: &mut Incoming,
    ) -> Result<(Caller, longshore_wire::Request), Refused> {
        protocol.check_method(&head.method)?;
        gate::check_head(self.service, self.peer, head, body.size_hint().upper())?;
        let body = self.read(body).await?;
        let caller = gate::admit(self.service, self.peer, head, &body)?;
        let request = protocol.decode(head, &body, &caller.base_url)?;
        drop(body);
        if let longshore_wire::Request::ReceiveMessage(receive) = &request {
            // It may wait for long, and holds no more than this meanwhile.
            self.share.settle(receive.text_bytes() as u64);
        }
        Ok((caller, request))
    }

    async fn read(&mut self, body: &mut Incoming) -> Result<Vec<u8>, Refused> {
        let options = &self.service.options;
        // Of one that is announced as too large nothing is read.
        self.has_read = body.size_hint().lower() <= options.body_bytes_max as u64;
        let read = body::read(body, options.body_bytes_max, self.client, &mut self.share);
        let read = tokio::time::timeout(options.body_timeout, read).await;
        read.unwrap_or(Err(Refused::TOO_SLOW))
    }
}
