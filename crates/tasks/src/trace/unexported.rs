//! In place of `exported.rs`, without the feature `otlp`: nothing is known of any span, and nothing is done.

use tracing::Span;

use super::TraceContext;

pub(super) const fn place_of(_: &Span) -> Option<TraceContext> {
    None
}

pub(super) const fn continue_in(_: &Span, _: &TraceContext) {}

pub(super) const fn link(_: &Span, _: &TraceContext) {}
