//! A page of metrics under construction: families with their samples.

use std::fmt;

use longshore_storage::Spread;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeLabelSet, EncodeMetric, MetricEncoder, NoLabelSet,
};
use prometheus_client::metrics::{MetricType, TypedMetric};
use prometheus_client::registry::Unit;

use super::tally::{SIZE_BOUNDS, Sizes};

/// What a family is called, and what it says. A unit is the end of its name.
#[derive(Debug)]
pub(super) struct Family {
    name: &'static str,
    unit: Option<Unit>,
    help: &'static str,
}

impl Family {
    /// Of things that are counted.
    pub(super) const fn new(name: &'static str, help: &'static str) -> Self {
        Self { name, unit: None, help }
    }

    /// `…_bytes`.
    pub(super) const fn in_bytes(name: &'static str, help: &'static str) -> Self {
        Self { name, unit: Some(Unit::Bytes), help }
    }

    /// `…_seconds`.
    pub(super) const fn in_seconds(name: &'static str, help: &'static str) -> Self {
        Self { name, unit: Some(Unit::Seconds), help }
    }
}

/// A page under construction.
#[derive(Debug)]
pub(super) struct Page<'a>(pub(super) DescriptorEncoder<'a>);

impl Page<'_> {
    /// Adds a family, with a sample for each set of labels.
    pub(super) fn family<L: EncodeLabelSet, M: EncodeMetric + TypedMetric>(
        &mut self,
        family: &Family,
        samples: impl IntoIterator<Item = (L, M)>,
    ) -> fmt::Result {
        let mut encoder = self.descriptor(family, M::TYPE)?;
        for (labels, metric) in samples {
            metric.encode(encoder.encode_family(&labels)?)?;
        }
        Ok(())
    }

    /// Adds a family that has one sample and no labels.
    pub(super) fn single<M: EncodeMetric + TypedMetric>(
        &mut self,
        family: &Family,
        metric: &M,
    ) -> fmt::Result {
        metric.encode(self.descriptor(family, M::TYPE)?)
    }

    fn descriptor<'s>(
        &'s mut self,
        family: &'s Family,
        kind: MetricType,
    ) -> Result<MetricEncoder<'s>, fmt::Error> {
        self.0.encode_descriptor(family.name, family.help, family.unit.as_ref(), kind)
    }
}

/// A histogram as it was at one moment: its sum, and how many are at most each bound and beyond the
/// one before. The last bound is infinite.
#[derive(Debug)]
pub(super) struct Histogram {
    sum: f64,
    buckets: Vec<(f64, u64)>,
}

impl Histogram {
    /// In seconds.
    pub(super) fn of_durations(spread: &Spread) -> Self {
        let bucket = |(bound, count): &(Option<std::time::Duration>, u64)| {
            (bound.map_or(f64::INFINITY, |bound| bound.as_secs_f64()), *count)
        };
        let buckets = spread.counts.iter().map(bucket).collect();
        Self { sum: spread.total.as_secs_f64(), buckets }
    }

    /// In bytes. No message is larger than the last bound.
    pub(super) fn of_sizes(sizes: &Sizes) -> Self {
        let bounds = SIZE_BOUNDS.map(float).into_iter().chain([f64::INFINITY]);
        let buckets = bounds.zip(sizes.counts.into_iter().chain([0])).collect();
        Self { sum: float(sizes.bytes), buckets }
    }
}

impl TypedMetric for Histogram {
    const TYPE: MetricType = MetricType::Histogram;
}

impl EncodeMetric for Histogram {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        let count = self.buckets.iter().map(|(_, count)| count).sum();
        encoder.encode_histogram::<NoLabelSet>(self.sum, count, &self.buckets, None)
    }

    fn metric_type(&self) -> MetricType {
        Self::TYPE
    }
}

#[expect(clippy::cast_precision_loss, reason = "what is beyond 2^53 bytes may be rounded")]
const fn float(bytes: u64) -> f64 {
    bytes as f64
}
