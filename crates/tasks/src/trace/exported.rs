//! Spans of `tracing` as OpenTelemetry knows them, through the layer that exports them. Of a span that no such layer has
//! seen, nothing is known, and nothing is done.

use opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState as Noted,
};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use super::{TraceContext, TraceParent, TraceState};

pub(super) fn place_of(span: &Span) -> Option<TraceContext> {
    if span.is_disabled() {
        return None;
    }
    let context = span.context();
    let span = context.span();
    let place = span.span_context();
    let trace = u128::from_be_bytes(place.trace_id().to_bytes());
    let own = u64::from_be_bytes(place.span_id().to_bytes());
    let parent = TraceParent::new(trace, own, place.trace_flags().to_u8())?;
    Some(TraceContext { parent, state: TraceState::parse(&place.trace_state().header()) })
}

pub(super) fn continue_in(span: &Span, place: &TraceContext) {
    if span.is_disabled() {
        return;
    }
    let parent = opentelemetry::Context::new().with_remote_span_context(remote(place));
    // A span that nobody exports has no parent to be given.
    let _not_exported = span.set_parent(parent);
}

pub(super) fn link(span: &Span, place: &TraceContext) {
    if !span.is_disabled() {
        span.add_link(remote(place));
    }
}

fn remote(place: &TraceContext) -> SpanContext {
    let noted = place.state.as_ref().and_then(|state| state.as_str().parse::<Noted>().ok());
    SpanContext::new(
        TraceId::from(place.parent.trace_id()),
        SpanId::from(place.parent.span_id()),
        TraceFlags::new(place.parent.flags()),
        true,
        noted.unwrap_or_default(),
    )
}
