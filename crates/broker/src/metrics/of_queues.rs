//! The families of queues, under the names of `CloudWatch`: a sample for each queue that is shown.

use std::fmt;

use longshore_engine::QueueKind;
use longshore_metrics::{Family, Page};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use super::gather::{OfQueue, Queues};

/// A number of a queue; `None` where a queue of its kind has none.
type Number = (Family, fn(&OfQueue) -> Option<u64>);

const GAUGES: &[Number] = &[
    (
        Family::new(
            "aws_sqs_approximate_number_of_messages_visible",
            "Messages that are available; exact",
        ),
        |queue| Some(queue.counts.available as u64),
    ),
    (
        Family::new(
            "aws_sqs_approximate_number_of_messages_not_visible",
            "Messages in flight; exact",
        ),
        |queue| Some(queue.counts.in_flight as u64),
    ),
    (
        Family::new(
            "aws_sqs_approximate_number_of_messages_delayed",
            "Messages whose delay has not ended; exact",
        ),
        |queue| Some(queue.counts.delayed as u64),
    ),
    (
        Family::new(
            "aws_sqs_approximate_number_of_groups_with_inflight_messages",
            "Message groups of a FIFO queue with messages in flight; exact",
        ),
        |queue| of_fifo(queue, queue.groups_in_flight as u64),
    ),
    (
        Family::new(
            "aws_sqs_approximate_number_of_noisy_groups",
            "Message groups of a standard queue that hold more than their share in flight; exact",
        ),
        |queue| of_standard(queue, queue.fairness.noisy_group_count),
    ),
    (
        Family::new(
            "aws_sqs_approximate_number_of_messages_visible_in_quiet_groups",
            "Messages of a standard queue that are available and of no noisy group; exact",
        ),
        |queue| of_standard(queue, queue.fairness.quiet.available),
    ),
    (
        Family::new(
            "aws_sqs_approximate_number_of_messages_not_visible_in_quiet_groups",
            "Messages of a standard queue in flight and of no noisy group; exact",
        ),
        |queue| of_standard(queue, queue.fairness.quiet.in_flight),
    ),
    (
        Family::new(
            "aws_sqs_approximate_number_of_messages_delayed_in_quiet_groups",
            "Messages of a standard queue that are delayed and of no noisy group; exact",
        ),
        |queue| of_standard(queue, queue.fairness.quiet.delayed),
    ),
    (Family::new("longshore_waiting_receives", "Receives that wait for messages"), |queue| {
        Some(queue.waiting_receives as u64)
    }),
];

const COUNTERS: &[Number] = &[
    (
        Family::new(
            "aws_sqs_number_of_messages_sent",
            "Messages sent since the broker started; what is dead-lettered is not sent again",
        ),
        |queue| Some(queue.tally.sizes.count()),
    ),
    (
        Family::new(
            "aws_sqs_number_of_messages_received",
            "Messages that receives delivered since the broker started; each delivery counts",
        ),
        |queue| Some(queue.tally.received),
    ),
    (
        Family::new(
            "aws_sqs_number_of_messages_deleted",
            "Deletes that succeeded since the broker started; to delete again counts again",
        ),
        |queue| Some(queue.tally.deleted),
    ),
    (
        Family::new(
            "aws_sqs_number_of_empty_receives",
            "Receives that were answered without messages since the broker started",
        ),
        |queue| Some(queue.tally.empty_receives),
    ),
    (
        Family::new(
            "aws_sqs_number_of_deduplicated_sent_messages",
            "Sends to a FIFO queue that were duplicates, since the broker started",
        ),
        |queue| of_fifo(queue, queue.tally.deduplicated),
    ),
];

const AGE: Family = Family::in_seconds(
    "aws_sqs_approximate_age_of_oldest_message",
    "How long ago the oldest message was sent, in flight or not; 0 without messages",
);
const QUIET_AGE: Family = Family::in_seconds(
    "aws_sqs_approximate_age_of_oldest_message_in_quiet_groups",
    "How long ago the oldest message of no noisy group was sent; 0 without one",
);
const SIZE: Family = Family::in_bytes(
    "aws_sqs_sent_message_size",
    "Bytes of body and message attributes of the messages sent since the broker started",
);

/// What only FIFO queues have.
fn of_fifo(queue: &OfQueue, number: u64) -> Option<u64> {
    (queue.kind == QueueKind::Fifo).then_some(number)
}

/// What only standard queues have.
fn of_standard(queue: &OfQueue, number: usize) -> Option<u64> {
    (queue.kind == QueueKind::Standard).then_some(number as u64)
}

fn labels(queue: &OfQueue) -> [(&'static str, &str); 3] {
    let arn = &queue.arn;
    let (region, account) = (arn.region.as_str(), arn.account.as_str());
    [("region", region), ("account", account), ("queue", arn.name.as_str())]
}

impl Queues {
    /// Adds the families of queues.
    pub(super) fn write(&self, page: &mut Page<'_>) -> fmt::Result {
        let shown = &self.shown;
        for (family, number) in GAUGES {
            let sample = |queue| Some((labels(queue), ConstGauge::new(number(queue)?)));
            page.family(family, shown.iter().filter_map(sample))?;
        }
        for (family, number) in COUNTERS {
            let sample = |queue| Some((labels(queue), ConstCounter::new(number(queue)?)));
            page.family(family, shown.iter().filter_map(sample))?;
        }
        let age = |queue: &OfQueue| ConstGauge::new(queue.oldest_age.as_secs_f64());
        page.family(&AGE, shown.iter().map(|queue| (labels(queue), age(queue))))?;
        let standard = shown.iter().filter(|queue| queue.kind == QueueKind::Standard);
        let quiet_age = |queue: &OfQueue| ConstGauge::new(queue.oldest_quiet_age.as_secs_f64());
        page.family(&QUIET_AGE, standard.map(|queue| (labels(queue), quiet_age(queue))))?;
        let sizes = |queue: &OfQueue| queue.tally.sizes.histogram();
        page.family(&SIZE, shown.iter().map(|queue| (labels(queue), sizes(queue))))
    }
}
