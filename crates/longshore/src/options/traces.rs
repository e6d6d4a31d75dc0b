//! Where spans are exported.

use clap::Args;

use crate::otlp;

/// The export of spans.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Traces")]
pub(crate) struct TraceOptions {
    /// The endpoint's URL.
    #[arg(
        help = "URL of an OpenTelemetry collector that takes OTLP over HTTP, such as \
                http://127.0.0.1:4318, for the spans of requests, sends, runs and replies. Without \
                it OTEL_EXPORTER_OTLP_TRACES_ENDPOINT and OTEL_EXPORTER_OTLP_ENDPOINT say where, \
                and without all of them none is made",
        long,
        env = "LONGSHORE_OTLP_ENDPOINT",
        value_name = "URL",
        value_parser = otlp::parse_endpoint
    )]
    pub(crate) otlp_endpoint: Option<String>,
}
