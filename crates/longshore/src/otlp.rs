//! The export of spans over OTLP: whether, and where to. How is in `exporter.rs`, behind the feature `otlp`.
//!
//! The flag wins over OpenTelemetry's own variables, which mean here what they mean everywhere. A flag that makes no
//! sense ends the program; a variable is warned of.

#[cfg(not(feature = "otlp"))]
mod absent;
#[cfg(feature = "otlp")]
mod client;
#[cfg(feature = "application")]
mod endpoint;
#[cfg(feature = "otlp")]
mod exporter;

#[cfg(not(feature = "otlp"))]
pub(crate) use absent::Export;
#[cfg(feature = "application")]
pub(crate) use endpoint::{Endpoint, parse_endpoint};
#[cfg(feature = "otlp")]
pub(crate) use exporter::Export;
