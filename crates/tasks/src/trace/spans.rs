//! The spans of what happens to messages, by OpenTelemetry's conventions for messaging.
//!
//! ```text
//! send Tasks ──▶ process Tasks (each attempt) ──▶ process Replies
//!                     ▲ ⋯ link ⋯ process Tasks (a batch)
//! ```
//!
//! They bear names, ids and how it ended, and nothing of bodies, replies or the reasons of failures, which may tell
//! of them. Without the feature `otlp` there are none, and where nobody exports them they cost a look at a flag.
//!
//! # Invariants
//!
//! - Their target is [`TARGET`], by which a log leaves them out.

use tracing::field::Empty;
use tracing::{Span, info_span};

use super::TraceContext;
use crate::id::TaskId;
use crate::worker::Outcome;

/// The target of the spans that are for export and for no log.
pub const TARGET: &str = "longshore_span";

/// Whether spans can be exported at all, as this is built.
pub const fn are_built() -> bool {
    cfg!(feature = "otlp")
}

/// Marks a span as one of what failed, with a word that says how.
pub fn fail(span: &Span, how: &str) {
    span.record("error.type", how);
    span.record("otel.status_code", "ERROR");
}

/// The span of a send, which goes on from `parent`, else from the span that this is called in.
pub(crate) fn send(queue: &str, task: &TaskId, name: &str, parent: Option<&TraceContext>) -> Span {
    if !are_built() {
        return Span::none();
    }
    let span = info_span!(
        target: TARGET,
        "send",
        otel.name = %format_args!("send {queue}"),
        otel.kind = "producer",
        otel.status_code = Empty,
        error.type = Empty,
        messaging.system = "aws_sqs",
        messaging.operation.name = "send",
        messaging.operation.type = "send",
        messaging.destination.name = queue,
        messaging.message.id = Empty,
        longshore.task.id = task.as_str(),
        longshore.task.name = name,
    );
    if let Some(parent) = parent {
        parent.continue_in(&span);
    }
    span
}

/// Notes what the endpoint calls the message.
pub(crate) fn sent(span: &Span, message: &str) {
    span.record("messaging.message.id", message);
}

/// Whose message a span is about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AboutMessage<'a> {
    pub(crate) queue: &'a str,
    pub(crate) message: &'a str,
    pub(crate) task: &'a TaskId,
    pub(crate) parent: Option<&'a TraceContext>,
}

/// A span of what is done with messages of a queue. What stays empty is not exported.
fn process(queue: &str) -> Span {
    info_span!(
        target: TARGET,
        "process",
        otel.name = %format_args!("process {queue}"),
        otel.kind = "consumer",
        otel.status_code = Empty,
        error.type = Empty,
        messaging.system = "aws_sqs",
        messaging.operation.name = "process",
        messaging.operation.type = "process",
        messaging.destination.name = queue,
        messaging.message.id = Empty,
        messaging.batch.message_count = Empty,
        longshore.task.id = Empty,
        longshore.task.name = Empty,
        longshore.task.attempt = Empty,
        longshore.task.outcome = Empty,
        longshore.reply.status = Empty,
    )
}

/// The span of a message that is handled.
fn handled(about: AboutMessage<'_>) -> Span {
    let span = process(about.queue);
    if let Some(parent) = about.parent {
        parent.continue_in(&span);
    }
    span.record("messaging.message.id", about.message);
    span.record("longshore.task.id", about.task.as_str());
    span
}

/// The span of a reply that is taken in.
pub(crate) fn take_in(about: AboutMessage<'_>, status: &str) -> Span {
    if !are_built() {
        return Span::none();
    }
    let span = handled(about);
    span.record("longshore.reply.status", status);
    span
}

/// The span of a run. Dropped before the run has ended, it is one that was given up.
#[derive(Debug)]
pub(crate) struct RunSpan {
    span: Span,
    has_ended: bool,
}

impl RunSpan {
    pub(crate) fn begin(about: AboutMessage<'_>, name: &str, attempt: u32) -> Self {
        if !are_built() {
            return Self { span: Span::none(), has_ended: true };
        }
        let span = handled(about);
        span.record("longshore.task.name", name);
        span.record("longshore.task.attempt", i64::from(attempt));
        Self { span, has_ended: false }
    }

    pub(crate) fn span(&self) -> &Span {
        &self.span
    }

    /// Notes how the run ended.
    pub(crate) fn end(mut self, outcome: &Outcome) {
        self.has_ended = true;
        let word = word_of(outcome);
        self.span.record("longshore.task.outcome", word);
        if !matches!(outcome, Outcome::Done { .. } | Outcome::Snooze { .. }) {
            fail(&self.span, word);
        }
    }
}

impl Drop for RunSpan {
    fn drop(&mut self) {
        if !self.has_ended {
            fail(&self.span, "given_up");
        }
    }
}

/// The span of a batch handler's call, which belongs to no one trace: it names where each of its tasks is in one.
pub(crate) fn batch<'a>(
    queue: &str,
    name: &str,
    places: impl ExactSizeIterator<Item = Option<&'a TraceContext>>,
) -> Span {
    if !are_built() {
        return Span::none();
    }
    let span = process(queue);
    let count = i64::try_from(places.len()).unwrap_or(i64::MAX);
    span.record("messaging.batch.message_count", count);
    span.record("longshore.task.name", name);
    places.flatten().for_each(|place| place.link_to(&span));
    span
}

const fn word_of(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Done { .. } => "done",
        Outcome::Retry { .. } => "retry",
        Outcome::Dead { .. } => "dead",
        Outcome::Discard { .. } => "discard",
        Outcome::Snooze { .. } => "snooze",
        Outcome::Unknown { .. } => "unknown",
    }
}
