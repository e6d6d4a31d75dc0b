//! A collector of OTLP over HTTP in the test's own process.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use longshore::axum::body::Bytes;
use longshore::axum::http::{HeaderMap, Uri};
use longshore::axum::{self, Router};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{self as proto};
use prost::Message as _;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};

/// How long spans are waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// A span, and what came with it.
#[derive(Clone, Debug)]
pub(crate) struct Span {
    pub(crate) service: String,
    span: proto::Span,
}

impl Span {
    pub(crate) fn name(&self) -> &str {
        &self.span.name
    }

    pub(crate) fn kind(&self) -> SpanKind {
        self.span.kind()
    }

    pub(crate) fn trace(&self) -> String {
        hex(&self.span.trace_id)
    }

    pub(crate) fn id(&self) -> String {
        hex(&self.span.span_id)
    }

    /// The span that it goes on from; empty, if it begins a trace.
    pub(crate) fn parent(&self) -> String {
        hex(&self.span.parent_span_id)
    }

    pub(crate) fn state(&self) -> &str {
        &self.span.trace_state
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.span.status.as_ref().is_some_and(|status| status.code() == StatusCode::Error)
    }

    /// The spans that it names beside its parent.
    pub(crate) fn links(&self) -> Vec<String> {
        self.span.links.iter().map(|link| hex(&link.span_id)).collect()
    }

    pub(crate) fn log_lines(&self) -> usize {
        self.span.events.len()
    }

    /// An attribute as text; empty, if it is not there.
    pub(crate) fn text(&self, key: &str) -> String {
        text(&self.span.attributes, key)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

fn text(attributes: &[KeyValue], key: &str) -> String {
    let found = attributes.iter().find(|attribute| attribute.key == key);
    let value = found.and_then(|attribute| attribute.value.clone()?.value);
    match value {
        Some(Value::StringValue(text)) => text,
        Some(Value::IntValue(number)) => number.to_string(),
        _ => String::new(),
    }
}

#[derive(Debug, Default)]
struct Taken {
    spans: Vec<Span>,
    paths: Vec<String>,
    headers: Vec<HeaderMap>,
    bytes: Vec<u8>,
}

#[derive(Debug, Default)]
struct Shared {
    taken: Mutex<Taken>,
    more: Condvar,
}

impl Shared {
    fn take(&self, uri: &Uri, headers: HeaderMap, body: &Bytes) {
        let request = ExportTraceServiceRequest::decode(body.clone()).unwrap();
        let mut taken = self.taken.lock().unwrap();
        taken.paths.push(uri.path().to_owned());
        taken.headers.push(headers);
        taken.bytes.extend_from_slice(body);
        for of_resource in request.resource_spans {
            let service =
                text(&of_resource.resource.unwrap_or_default().attributes, "service.name");
            let spans = of_resource.scope_spans.into_iter().flat_map(|of_scope| of_scope.spans);
            taken.spans.extend(spans.map(|span| Span { service: service.clone(), span }));
        }
        self.more.notify_all();
    }
}

/// A collector, as long as it is kept.
#[derive(Debug)]
pub(crate) struct Collector {
    address: SocketAddr,
    shared: Arc<Shared>,
    _runtime: Runtime,
}

impl Collector {
    pub(crate) fn start() -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let (address, shared) = (listener.local_addr().unwrap(), Arc::<Shared>::default());
        let taking = Arc::clone(&shared);
        let router =
            Router::new().fallback(async move |uri: Uri, headers: HeaderMap, body: Bytes| {
                taking.take(&uri, headers, &body);
            });
        runtime.spawn(async move { axum::serve(listener, router).await });
        Self { address, shared, _runtime: runtime }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The spans of a trace, once there are so many.
    pub(crate) fn of_trace(&self, trace: &str, count: usize) -> Vec<Span> {
        self.until(count, |span| span.trace() == trace)
    }

    /// The spans that are asked for, once there are so many.
    pub(crate) fn until(&self, count: usize, wanted: impl Fn(&Span) -> bool) -> Vec<Span> {
        let found = |taken: &Taken| -> Vec<Span> {
            taken.spans.iter().filter(|span| wanted(span)).cloned().collect()
        };
        let taken = self.shared.taken.lock().unwrap();
        let answer = self
            .shared
            .more
            .wait_timeout_while(taken, PATIENCE, |taken| found(taken).len() < count);
        let (taken, timeout) = answer.unwrap();
        assert!(!timeout.timed_out(), "too few spans: {:#?}", taken.spans);
        found(&taken)
    }

    /// What was taken so far: paths, headers, and all bytes.
    pub(crate) fn taken(&self) -> (Vec<String>, Vec<HeaderMap>, String) {
        let taken = self.shared.taken.lock().unwrap();
        let bytes = String::from_utf8_lossy(&taken.bytes).into_owned();
        (taken.paths.clone(), taken.headers.clone(), bytes)
    }
}
