//! The numbers as `OpenMetrics` text, which Prometheus reads.
//!
//! The families of queues are in `of_queues`, those of the broker itself here. All counters begin
//! at zero when the broker starts, and `_total` is added to their names.

use std::fmt;

use longshore_storage::Spread;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, text};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use super::gather::Numbers;
use super::page::{Family, Histogram, Page};
use super::traffic::RequestCount;

/// The media type of the text.
pub(crate) const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Makes the text.
pub(crate) fn render(numbers: Numbers) -> String {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(numbers));
    let mut page = String::new();
    text::encode(&mut page, &registry).expect("a String takes everything");
    page
}

impl Collector for Numbers {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut page = Page(encoder);
        if let Some(queues) = &self.queues {
            page.queues(queues)?;
        }
        page.broker(self)?;
        for (family, value) in GAUGES {
            if let Some(value) = value(self) {
                page.single(family, &ConstGauge::new(value))?;
            }
        }
        for (family, value) in COUNTERS {
            page.single(family, &ConstCounter::new(value(self)))?;
        }
        page.requests(&self.requests)?;
        page.durations(self)
    }
}

/// A gauge that may not be known.
type Gauge = (Family, fn(&Numbers) -> Option<u64>);

const GAUGES: &[Gauge] = &[
    (
        Family::new(
            "longshore_store_failed",
            "1 once the log has failed: everything is refused until a restart",
        ),
        |numbers| Some(numbers.failed.into()),
    ),
    (Family::new("longshore_queues", "Queues that there are"), |numbers| {
        Some(numbers.queues.as_ref()?.count as u64)
    }),
    (
        Family::new(
            "longshore_queues_not_shown",
            "Queues whose metrics are left out here, because there are too many",
        ),
        |numbers| {
            let queues = numbers.queues.as_ref()?;
            Some((queues.count - queues.shown.len()) as u64)
        },
    ),
    (Family::new("longshore_connections", "Connections that SQS clients have open"), |numbers| {
        Some(numbers.connections)
    }),
    (
        Family::in_bytes("longshore_log_waiting", "Bytes that wait to be written to the log"),
        |numbers| Some(numbers.activity.waiting_bytes),
    ),
    (Family::new("longshore_log_segments", "Files of the log, spare ones too"), |numbers| {
        Some(numbers.usage.segments as u64)
    }),
    (
        Family::new("longshore_log_full", "1 while the disk has no room for the log to grow"),
        |numbers| Some(numbers.activity.full.into()),
    ),
    (Family::new("longshore_bodies", "Bodies of messages that are written and kept"), |numbers| {
        Some(numbers.usage.bodies)
    }),
    (Family::in_bytes("longshore_bodies_kept", "Bytes of those bodies"), |numbers| {
        Some(numbers.usage.body_bytes)
    }),
    (Family::in_bytes("longshore_bodies_cached", "Bytes of bodies in the cache"), |numbers| {
        Some(numbers.activity.cached_bytes)
    }),
];

type Counter = (Family, fn(&Numbers) -> u64);

const COUNTERS: &[Counter] = &[
    (
        Family::in_bytes(
            "longshore_log_written",
            "Bytes written to the log since the broker started",
        ),
        |numbers| numbers.activity.written_bytes,
    ),
    (
        Family::new("longshore_log_writes", "Batches written to the log since the broker started"),
        |numbers| numbers.activity.writes,
    ),
];

const BUILD: Family = Family::new("longshore_build", "Which broker this is");
const START: Family =
    Family::in_seconds("longshore_start_time", "When the broker was opened, since 1970");
const REQUESTS: Family = Family::new(
    "longshore_requests",
    "Requests over HTTP since the broker started; the code is OK, or what SQS calls the error",
);
const REQUEST_DURATION: Family = Family::in_seconds(
    "longshore_request_duration",
    "How long requests over HTTP took since the broker started, with the waits of receives",
);
const SYNC_DURATION: Family = Family::in_seconds(
    "longshore_log_sync_duration",
    "How long the syncs of the log took since the broker started",
);

impl Page<'_> {
    fn broker(&mut self, numbers: &Numbers) -> fmt::Result {
        self.single(&BUILD, &Info::new([("version", env!("CARGO_PKG_VERSION"))]))?;
        let started_at = std::time::Duration::from_millis(numbers.started_at.as_millis());
        self.single(&START, &ConstGauge::new(started_at.as_secs_f64()))
    }

    fn requests(&mut self, requests: &[RequestCount]) -> fmt::Result {
        let sample = |((action, protocol, code), count): &RequestCount| {
            let labels = [("action", *action), ("protocol", *protocol), ("code", *code)];
            (labels, ConstCounter::new(*count))
        };
        self.family(&REQUESTS, requests.iter().map(sample))
    }

    fn durations(&mut self, numbers: &Numbers) -> fmt::Result {
        let sample = |(action, spread): &(&'static str, Spread)| {
            ([("action", *action)], Histogram::of_durations(spread))
        };
        self.family(&REQUEST_DURATION, numbers.durations.iter().map(sample))?;
        self.single(&SYNC_DURATION, &Histogram::of_durations(&numbers.activity.syncs))
    }
}
