//! The numbers as `OpenMetrics` text, which Prometheus reads.
//!
//! The families of queues are in `of_queues`, those of the broker itself here. All counters begin
//! at zero when the broker starts, and `_total` is added to their names.

use std::fmt;
use std::sync::atomic::Ordering::Relaxed;

use longshore_metrics::{Family, Histogram, Page, Spread};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::info::Info;

use super::gather::Numbers;
use super::traffic::RequestCount;
use crate::core::Refused;

impl longshore_metrics::Numbers for Numbers {
    fn write(&self, page: &mut Page<'_>) -> fmt::Result {
        if let Some(queues) = &self.queues {
            queues.write(page)?;
        }
        self.broker(page)?;
        for (family, value) in GAUGES {
            if let Some(value) = value(self) {
                page.single(family, &ConstGauge::new(value))?;
            }
        }
        for (family, value) in COUNTERS {
            page.single(family, &ConstCounter::new(value(self)))?;
        }
        let refused = self.queues.as_ref().map(|queues| queues.refused).unwrap_or_default();
        for (family, value) in REFUSALS {
            page.single(family, &ConstCounter::new(value(&refused)))?;
        }
        self.traffic(page)
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
    (
        Family::in_bytes("longshore_catalog", "Bytes of the tags and attributes of all queues"),
        |numbers| Some(numbers.queues.as_ref()?.catalog_bytes),
    ),
    (Family::new("longshore_connections", "Connections that SQS clients have open"), |numbers| {
        Some(numbers.connections)
    }),
    (
        Family::in_bytes("longshore_traffic", "Bytes of requests and replies that are in memory"),
        |numbers| Some(numbers.pressure.bytes.load(Relaxed)),
    ),
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
    (Family::in_bytes("longshore_log_checkpoint", "Bytes of the last checkpoint"), |numbers| {
        Some(numbers.activity.checkpoint_bytes)
    }),
    (Family::new("longshore_bodies", "Bodies of messages that are written and kept"), |numbers| {
        Some(numbers.usage.bodies)
    }),
    (
        Family::new(
            "longshore_bodies_quarantined",
            "Bodies of messages that are known not to be as they were written: those messages are not delivered",
        ),
        |numbers| Some(numbers.usage.quarantined),
    ),
    (
        Family::new(
            "longshore_log_lacks_checkpoint",
            "1 if no checkpoint could be written when one was last due",
        ),
        |numbers| Some(numbers.lacks_checkpoint.into()),
    ),
    (Family::in_bytes("longshore_bodies_kept", "Bytes of those bodies"), |numbers| {
        Some(numbers.usage.body_bytes)
    }),
    (Family::in_bytes("longshore_bodies_cached", "Bytes of bodies in the cache"), |numbers| {
        Some(numbers.activity.cached_bytes)
    }),
];

type Counter = (Family, fn(&Numbers) -> u64);

const COUNTERS: &[Counter] = &[
    (Family::new("longshore_log_checkpoints", "Checkpoints of the broker's state"), |numbers| {
        numbers.activity.checkpoints
    }),
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
    (
        Family::new("longshore_clock_steps", "Steps of the wall clock since the broker started"),
        |numbers| numbers.clock.steps,
    ),
    (
        Family::new(
            "longshore_connections_refused",
            "Connections turned away since the broker started, because there were too many",
        ),
        |numbers| numbers.pressure.connections_refused.load(Relaxed),
    ),
    (
        Family::new(
            "longshore_connections_gave_way",
            "Connections closed since the broker started, to make way for others",
        ),
        |numbers| numbers.pressure.connections_gave_way.load(Relaxed),
    ),
    (
        Family::new(
            "longshore_traffic_refused",
            "Requests refused since the broker started, because too many bytes were in memory",
        ),
        |numbers| numbers.pressure.requests_refused.load(Relaxed),
    ),
    (
        Family::new(
            "longshore_peeks_cut",
            "Looks at messages since the broker started whose answers could not show all of them",
        ),
        |numbers| numbers.pressure.peeks_cut.load(Relaxed),
    ),
    (
        Family::new(
            "longshore_wrong_regions_untold",
            "Requests since the broker started for queues that there are not, of callers whom the log \
             would not have told of another region, because it had told so many",
        ),
        |numbers| numbers.pressure.strays_untold.load(Relaxed),
    ),
];

/// A counter of what was refused at a bound of the queues.
type Refusals = (Family, fn(&Refused) -> u64);

const REFUSALS: &[Refusals] = &[
    (
        Family::new(
            "longshore_queues_refused",
            "Queues not created since the broker started, because there were too many",
        ),
        |refused| refused.queues,
    ),
    (
        Family::new(
            "longshore_catalog_refused",
            "Tags and attributes refused since the broker started, for want of room",
        ),
        |refused| refused.catalog_bytes,
    ),
    (
        Family::new(
            "longshore_waiting_receives_refused",
            "Receives refused since the broker started, because too many waited",
        ),
        |refused| refused.waiting_receives,
    ),
];

const BUILD: Family = Family::new("longshore_build", "Which broker this is");
const OFFSET: Family = Family::in_seconds(
    "longshore_clock_offset",
    "By how much the wall clock is ahead of the time that deadlines are counted in; behind, if negative",
);
const UNCONFIRMED: Family = Family::in_seconds(
    "longshore_clock_unconfirmed",
    "By how much the wall clock was ahead at the start, and is not believed yet: deadlines wait for it",
);
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

impl Numbers {
    fn broker(&self, page: &mut Page<'_>) -> fmt::Result {
        page.single(&BUILD, &Info::new([("version", env!("CARGO_PKG_VERSION"))]))?;
        let started_at = std::time::Duration::from_millis(self.started_at.as_millis());
        page.single(&START, &ConstGauge::new(started_at.as_secs_f64()))?;
        page.single(&OFFSET, &ConstGauge::new(self.clock.offset_seconds()))?;
        page.single(&UNCONFIRMED, &ConstGauge::new(self.clock.unconfirmed().as_secs_f64()))
    }

    fn traffic(&self, page: &mut Page<'_>) -> fmt::Result {
        let request = |((action, protocol, code), count): &RequestCount| {
            let labels = [("action", *action), ("protocol", *protocol), ("code", *code)];
            (labels, ConstCounter::new(*count))
        };
        page.family(&REQUESTS, self.requests.iter().map(request))?;
        let duration = |(action, spread): &(&'static str, Spread)| {
            ([("action", *action)], Histogram::of_durations(spread))
        };
        page.family(&REQUEST_DURATION, self.durations.iter().map(duration))?;
        page.single(&SYNC_DURATION, &Histogram::of_durations(&self.activity.syncs))
    }
}
