//! The trace that a message belongs to: W3C Trace Context, and what X-Ray says instead.
//!
//! `traceparent`, a message attribute, says it, and `tracestate` what the tracers on the way have noted beside it. Where
//! there is no `traceparent` or it makes no sense, `AWSTraceHeader` says it, the system attribute that AWS's own services
//! set. What makes no sense in any of them is as good as absent, and where a message has no room, it goes without: a
//! trace is no reason for a task not to be sent or run.
//!
//! With the feature `otlp`, sends, runs and the handling of replies have spans ([`spans`]), which a subscriber of
//! `tracing` with a layer of OpenTelemetry exports. What a message says is then where its span is in the trace.

#[cfg_attr(not(feature = "otlp"), path = "unexported.rs")]
mod exported;
mod parent;
pub mod spans;
mod state;

use longshore_types::limits;
pub use parent::TraceParent;
pub use state::TraceState;
use tracing::Span;

use crate::envelope::{TRACEPARENT, TRACESTATE};
use crate::transport::OutgoingMessage;

/// A place in a trace, and what the tracers on the way to it have noted.
///
/// ```
/// use longshore_tasks::TraceContext;
///
/// let sent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
/// let context = TraceContext::read(Some(sent), Some("vendor=1")).unwrap();
/// assert_eq!(context.parent.to_string(), sent);
/// assert_eq!(context.state.unwrap().as_str(), "vendor=1");
/// // What was noted belongs to a place: alone it says nothing.
/// assert_eq!(TraceContext::read(Some("nonsense"), Some("vendor=1")), None);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceContext {
    /// The place.
    pub parent: TraceParent,
    /// What was noted.
    pub state: Option<TraceState>,
}

impl TraceContext {
    /// Reads a `traceparent` and a `tracestate`; `None` where the first is none.
    pub fn read(parent: Option<&str>, state: Option<&str>) -> Option<Self> {
        let parent = TraceParent::parse(parent?)?;
        Some(Self { parent, state: state.and_then(TraceState::parse) })
    }

    /// Where `span` is in a trace, if it is exported.
    pub fn of(span: &Span) -> Option<Self> {
        exported::place_of(span)
    }

    /// Has `span` go on from this place, if it is exported, and nobody has asked yet where it is.
    pub fn continue_in(&self, span: &Span) {
        exported::continue_in(span, self);
    }

    /// Has `span`, if it is exported, name this place as one that its work comes from.
    pub(crate) fn link_to(&self, span: &Span) {
        exported::link(span, self);
    }
}

/// Takes from a message what of its trace it has no room for: first what was noted, then the place.
pub(crate) fn spare(message: &mut OutgoingMessage) {
    for name in [TRACESTATE, TRACEPARENT] {
        let too_many = message.attributes.len() > limits::MESSAGE_ATTRIBUTES_MAX;
        if too_many || message.bytes() > limits::MESSAGE_BYTES_MAX as usize {
            message.attributes.remove(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use longshore_types::{MessageAttribute, MessageAttributes};

    use super::*;

    fn spared(body_bytes: usize, others: usize) -> Vec<String> {
        let mut attributes: MessageAttributes =
            (0..others).map(|n| (format!("a{n}"), MessageAttribute::number(n))).collect();
        for name in [TRACEPARENT, TRACESTATE] {
            attributes.insert(name.to_owned(), MessageAttribute::text("v"));
        }
        let mut message = OutgoingMessage::new("x".repeat(body_bytes), attributes);
        spare(&mut message);
        let left = message.attributes.into_keys();
        left.filter(|name| name.starts_with("trace")).collect()
    }

    #[test]
    fn a_message_without_room_loses_of_its_trace_what_it_must_and_no_more() {
        let max = limits::MESSAGE_BYTES_MAX as usize;
        let bytes = TRACEPARENT.len() + "String".len() + "v".len();
        assert_eq!(spared(8, 8), [TRACEPARENT, TRACESTATE]);
        assert_eq!(spared(8, 9), [TRACEPARENT]);
        assert_eq!(spared(8, 10), Vec::<String>::new());
        assert_eq!(spared(max - bytes, 0), [TRACEPARENT]);
        assert_eq!(spared(max - bytes + 1, 0), Vec::<String>::new());
    }
}
