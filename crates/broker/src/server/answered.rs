//! What is kept of a request that was answered: numbers, and a line in the log if that is wanted.
//!
//! The line is an event of the target `longshore_broker::request` at the level debug, which is off
//! unless the log's filter names it.
//!
//! # Invariants
//!
//! - What a client wrote is in no line, but for a queue's name that is a valid one: no body, no
//!   attribute, no receipt handle and no signature.

use std::time::Duration;

use hyper::StatusCode;
use longshore_types::{QueueArn, QueueName};
use longshore_wire::{Named, Reply};

use super::protocol::Protocol;
use super::refused::Refused;
use crate::metrics::Traffic;
use crate::queue_url::QueueAddress;

/// The target of the log's lines on requests.
const TARGET: &str = "longshore_broker::request";

/// A request that was answered.
#[derive(Debug)]
pub(super) struct Answered<'a> {
    pub(super) request_id: &'a str,
    pub(super) action: &'static str,
    /// The queue that it was for, if somebody wants to know.
    pub(super) queue: Option<QueueName>,
    pub(super) protocol: Protocol,
    pub(super) status: StatusCode,
    /// Why it got no reply.
    pub(super) code: Option<&'static str>,
    pub(super) took: Duration,
}

impl Answered<'_> {
    /// Counts the request, and logs it.
    pub(super) fn enter(&self, traffic: &Traffic) {
        traffic.count(self.action, self.protocol.name(), self.code, self.took);
        tracing::debug!(
            target: TARGET,
            request_id = self.request_id,
            action = self.action,
            queue = self.queue.as_ref().map(QueueName::as_str),
            protocol = self.protocol.name(),
            status = self.status.as_u16(),
            code = self.code,
            took_us = u64::try_from(self.took.as_micros()).unwrap_or(u64::MAX),
            "answered"
        );
    }
}

/// The code of a refusal: SQS's, or the reason phrase of a status.
pub(super) fn code(outcome: &Result<Reply, Refused>) -> Option<&'static str> {
    match outcome {
        Ok(_) => None,
        Err(Refused::Sqs(error)) => Some(error.spelling().query_code),
        Err(Refused::NoAction) => Some("MissingAction"),
        Err(Refused::Plain(status, _)) => Some(status.canonical_reason().unwrap_or("refused")),
        Err(Refused::Method(..)) => Some("Method Not Allowed"),
    }
}

/// The queue that a request is for, if its line is wanted and names one.
pub(super) fn queue(named: Named<'_>) -> Option<QueueName> {
    if !tracing::enabled!(target: TARGET, tracing::Level::DEBUG) {
        return None;
    }
    match named {
        Named::Url(url) => QueueAddress::parse(url).map(|address| address.name),
        Named::Name(name) => QueueName::parse(name).ok(),
        Named::Arn(arn) => QueueArn::parse(arn).ok().map(|arn| arn.name),
        Named::None => None,
    }
}
