//! Spans of `tracing` → a layer of OpenTelemetry → a queue → a thread that sends them in batches.
//!
//! # Invariants
//!
//! - Who ends a span waits for nothing: where the queue is full, because the endpoint does not answer, the span is lost.
//! - The thread is the exporter's alone, and so is the runtime that it sends on: no handler can block it, and it blocks
//!   nobody.
//! - Log lines are exported with no span, nor are the spans that they name: see [`is_exported`].

use std::env;
use std::time::Duration;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry::{Key, Value};
use opentelemetry_otlp::{
    Protocol, RetryPolicy, SpanExporter, WithExportConfig as _, WithHttpConfig as _,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::{Level, Metadata, Subscriber};
use tracing_opentelemetry::OpenTelemetryLayer;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, filter_fn};
use tracing_subscriber::registry::LookupSpan;

use super::Endpoint;
use super::client::Client;
use crate::exit::Fault;

/// How long the end of the program waits for the last spans to be taken.
const FLUSH_MAX: Duration = Duration::from_secs(3);
/// Our crates that log.
const OURS: [&str; 5] =
    ["longshore", "longshore_broker", "longshore_gateway", "longshore_storage", "longshore_tasks"];
/// How long a request to the endpoint may take, if no variable says otherwise.
const REQUEST_MAX: Duration = Duration::from_secs(10);

/// The export of spans, as long as the program runs.
#[derive(Debug)]
pub(crate) struct Export {
    provider: SdkTracerProvider,
}

impl Export {
    /// Begins to export, for the service `program` unless a variable names it otherwise. Nobody looks whether the
    /// endpoint is there: it may come later.
    ///
    /// # Errors
    ///
    /// A variable makes no sense, or there are no certificates to trust an endpoint by.
    pub(crate) fn start(
        to: &Endpoint,
        program: &str,
        warnings: &mut Vec<String>,
    ) -> Result<Option<Self>, Fault> {
        warnings.extend(other_protocol());
        let timeout = request_max()?;
        let exporter = SpanExporter::builder()
            .with_http()
            .with_endpoint(&to.url)
            .with_protocol(Protocol::HttpBinary)
            .with_timeout(timeout)
            // The next batch is the next try: what the log says of one is said of an export.
            .with_retry_policy(RetryPolicy::disabled())
            .with_http_client(Client::new(&to.url, timeout)?)
            .build()
            .map_err(|fault| Fault::usage(format!("spans cannot be exported: {fault}")))?;
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_resource(resource(program))
            .build();
        Ok(Some(Self { provider }))
    }

    /// What makes spans of tracing to those of the export.
    pub(crate) fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
    {
        let filter = filter_fn(is_exported).with_max_level_hint(LevelFilter::INFO);
        OpenTelemetryLayer::new(self.provider.tracer("longshore"))
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            .with_filter(filter)
    }

    /// Sends what is left, within a bound.
    pub(crate) fn flush(self) {
        if self.provider.shutdown_with_timeout(FLUSH_MAX).is_err() {
            tracing::warn!("the last spans were not exported");
        }
    }
}

/// Whether a span is exported: ours that are made for it, which have a target of their own, and those of the application.
/// Those of our crates are for log lines, and say the same in other words; the AWS SDK's say what it was given. Log lines
/// may say anything.
fn is_exported(about: &Metadata<'_>) -> bool {
    let module = about.target().split("::").next().unwrap_or_default();
    let of_libraries = OURS.contains(&module) || module.starts_with("aws_");
    about.is_span() && *about.level() <= Level::INFO && !of_libraries
}

/// What the spans are of.
fn resource(program: &str) -> Resource {
    let detected = Resource::builder().build();
    let name = detected.get(&Key::from_static_str("service.name"));
    let unnamed = |name: &Value| name.as_str().starts_with("unknown_service");
    if name.as_ref().is_none_or(unnamed) {
        return Resource::builder().with_service_name(program.to_owned()).build();
    }
    detected
}

/// A variable of OpenTelemetry's that is set: the one for traces before the one for all.
fn variable(of_traces: &'static str, of_all: &'static str) -> Option<(&'static str, String)> {
    let set = |name| Some((name, env::var(name).ok().filter(|value| !value.is_empty())?));
    set(of_traces).or_else(|| set(of_all))
}

fn request_max() -> Result<Duration, Fault> {
    let said = variable("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT");
    let Some((name, value)) = said else { return Ok(REQUEST_MAX) };
    let millis = value.parse().map(Duration::from_millis);
    millis.map_err(|_| Fault::usage(format!("{name} is `{value}`: write milliseconds")))
}

fn other_protocol() -> Option<String> {
    let (name, value) =
        variable("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")?;
    (value != "http/protobuf").then(|| {
        format!(
            "{name} is `{value}`, but spans are exported as http/protobuf, which collectors take \
             at port 4318"
        )
    })
}
