//! Where a request is in a trace: what its headers say by W3C Trace Context, and the span of its answer.
//!
//! # Invariants
//!
//! - A span names the route, and never the path or the query: ids of tasks are in one, and anything in the other.
//! - What reads the headers of a request in a span is told the place of that span, as if the request had named it.

use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderMap, HeaderValue, Method};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use longshore_tasks::TraceContext;
use longshore_tasks::trace::spans::{self, TARGET};
use tracing::field::Empty;
use tracing::{Instrument as _, Span, info_span};

/// The headers of W3C Trace Context.
const TRACEPARENT: &str = "traceparent";
const TRACESTATE: &str = "tracestate";
/// What a method is called that somebody made up.
const OTHER: &str = "_OTHER";

/// The trace that a request continues, if it says one.
pub(crate) fn trace_of(headers: &HeaderMap) -> Option<TraceContext> {
    let parent = headers.get(TRACEPARENT)?.to_str().ok();
    // A list may come in several headers, which are one list in their order.
    let lists: Result<Vec<_>, _> =
        headers.get_all(TRACESTATE).iter().map(HeaderValue::to_str).collect();
    let state = lists.ok().map(|lists| lists.join(","));
    TraceContext::read(parent, state.as_deref())
}

/// Has each request of `router` answered in a span of its own, which goes on from the trace that the request names; where
/// spans are exported, and longshore is built with the feature `otlp`. Tasks that are sent meanwhile go on from there.
///
/// ```
/// use axum::{Router, routing::get};
/// use longshore_gateway::traced;
///
/// let router: Router = traced(Router::new().route("/", get(async || "hello")));
/// ```
pub fn traced(router: Router) -> Router {
    if spans::are_built() { router.layer(from_fn(in_span)) } else { router }
}

async fn in_span(mut request: Request, next: Next) -> Response {
    let span = span_of(&request);
    let Some(place) = TraceContext::of(&span) else { return next.run(request).await };
    tell(request.headers_mut(), &place);
    let answering = Answering { span: span.clone(), is_answered: false };
    let response = next.run(request).instrument(span).await;
    answering.end(&response);
    response
}

fn span_of(request: &Request) -> Span {
    let route = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    let method = name_of(request.method());
    let name = if method == OTHER { "HTTP" } else { method };
    let of_route = route.map(|route| format!("{name} {route}"));
    let span = info_span!(
        target: TARGET,
        "request",
        otel.name = of_route.as_deref().unwrap_or(name),
        otel.kind = "server",
        otel.status_code = Empty,
        error.type = Empty,
        http.request.method = method,
        http.route = route,
        http.response.status_code = Empty,
    );
    if !span.is_disabled()
        && let Some(trace) = trace_of(request.headers())
    {
        trace.continue_in(&span);
    }
    span
}

/// A method that somebody made up would make a span's name of its own.
fn name_of(method: &Method) -> &str {
    let known = [
        Method::GET,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
        Method::HEAD,
        Method::OPTIONS,
        Method::TRACE,
        Method::CONNECT,
    ];
    if known.contains(method) { method.as_str() } else { OTHER }
}

/// Names `place` as the one that a request comes from.
fn tell(headers: &mut HeaderMap, place: &TraceContext) {
    let value = |text: String| HeaderValue::try_from(text).expect("it has plain characters only");
    headers.insert(TRACEPARENT, value(place.parent.to_string()));
    headers.remove(TRACESTATE);
    if let Some(state) = &place.state {
        headers.insert(TRACESTATE, value(state.to_string()));
    }
}

/// A request on its way to an answer. Dropped before, it has failed: its time was over, or whoever asked has gone.
struct Answering {
    span: Span,
    is_answered: bool,
}

impl Answering {
    fn end(mut self, response: &Response) {
        self.is_answered = true;
        let status = response.status();
        self.span.record("http.response.status_code", i64::from(status.as_u16()));
        if status.is_server_error() {
            spans::fail(&self.span, status.as_str());
        }
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        if !self.is_answered {
            spans::fail(&self.span, "given_up");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn read(headers: &[(&'static str, &'static [u8])]) -> Option<(String, Option<String>)> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_bytes(value).unwrap());
        }
        let trace = trace_of(&map)?;
        Some((trace.parent.to_string(), trace.state.map(|state| state.to_string())))
    }

    #[test]
    fn several_lists_are_one_and_one_that_cannot_be_read_leaves_the_place() {
        let parent = (TRACEPARENT, PARENT.as_bytes());
        let said = |state: Option<&str>| Some((PARENT.to_owned(), state.map(ToOwned::to_owned)));
        assert_eq!(read(&[parent]), said(None));
        let lists = [parent, (TRACESTATE, b"a=1, b=2"), (TRACESTATE, b"c=3")];
        assert_eq!(read(&lists), said(Some("a=1,b=2,c=3")));
        assert_eq!(read(&[parent, (TRACESTATE, b"a=1"), (TRACESTATE, b"\xff")]), said(None));
        assert_eq!(read(&[parent, (TRACESTATE, b"nonsense")]), said(None));
        assert_eq!(read(&[(TRACEPARENT, b"nonsense"), (TRACESTATE, b"a=1")]), None);
        assert_eq!(read(&[(TRACESTATE, b"a=1")]), None);
    }

    #[test]
    fn a_method_that_somebody_made_up_is_any_other() {
        assert_eq!(name_of(&Method::POST), "POST");
        assert_eq!(name_of(&Method::from_bytes(b"SECRET").unwrap()), "_OTHER");
    }
}
