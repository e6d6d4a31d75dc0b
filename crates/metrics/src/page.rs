//! A page of metrics under construction: families with their samples, as `OpenMetrics` text.

use std::fmt;
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeLabelSet, EncodeMetric, MetricEncoder, NoLabelSet, text,
};
use prometheus_client::metrics::{MetricType, TypedMetric};
use prometheus_client::registry::{Registry, Unit};

use crate::Spread;

/// The media type of the text.
pub const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Numbers of one moment, which put themselves on a page.
pub trait Numbers: fmt::Debug + Send + Sync + 'static {
    /// Adds a family after the other.
    fn write(&self, page: &mut Page<'_>) -> fmt::Result;
}

/// Makes the text. `_total` is added to the names of counters.
pub fn render(numbers: impl Numbers) -> String {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Collected(numbers)));
    let mut page = String::new();
    text::encode(&mut page, &registry).expect("a String takes everything");
    page
}

#[derive(Debug)]
struct Collected<N>(N);

impl<N: Numbers> Collector for Collected<N> {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        self.0.write(&mut Page(encoder))
    }
}

/// What a family is called, and what it says. A unit is the end of its name.
#[derive(Debug)]
pub struct Family {
    name: &'static str,
    unit: Option<Unit>,
    help: &'static str,
}

impl Family {
    /// Of things that are counted.
    pub const fn new(name: &'static str, help: &'static str) -> Self {
        Self { name, unit: None, help }
    }

    /// `…_bytes`.
    pub const fn in_bytes(name: &'static str, help: &'static str) -> Self {
        Self { name, unit: Some(Unit::Bytes), help }
    }

    /// `…_seconds`.
    pub const fn in_seconds(name: &'static str, help: &'static str) -> Self {
        Self { name, unit: Some(Unit::Seconds), help }
    }
}

/// A page under construction.
#[derive(Debug)]
pub struct Page<'a>(DescriptorEncoder<'a>);

impl Page<'_> {
    /// Adds a family, with a sample for each set of labels.
    pub fn family<L: EncodeLabelSet, M: EncodeMetric + TypedMetric>(
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
    pub fn single<M: EncodeMetric + TypedMetric>(
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
pub struct Histogram {
    sum: f64,
    buckets: Vec<(f64, u64)>,
}

impl Histogram {
    /// How many are at most each bound and beyond the one before, of which the last is infinite; and their
    /// sum.
    pub const fn new(sum: f64, buckets: Vec<(f64, u64)>) -> Self {
        Self { sum, buckets }
    }

    /// In seconds.
    pub fn of_durations(spread: &Spread) -> Self {
        let bucket = |(bound, count): &(Option<Duration>, u64)| {
            (bound.map_or(f64::INFINITY, |bound| bound.as_secs_f64()), *count)
        };
        let buckets = spread.counts.iter().map(bucket).collect();
        Self { sum: spread.total.as_secs_f64(), buckets }
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

#[cfg(test)]
mod tests {
    use prometheus_client::metrics::counter::ConstCounter;

    use super::*;

    #[derive(Debug)]
    struct Two;

    impl Numbers for Two {
        fn write(&self, page: &mut Page<'_>) -> fmt::Result {
            let eaten = Family::new("eaten", "What was eaten");
            page.family(&eaten, [([("what", "bread")], ConstCounter::new(2_u64))])?;
            let spread = Spread {
                counts: vec![(Some(Duration::from_secs(1)), 3), (None, 1)],
                total: Duration::from_millis(5500),
            };
            page.single(&Family::in_seconds("wait", "Waits"), &Histogram::of_durations(&spread))
        }
    }

    #[test]
    fn a_page_has_each_family_with_its_help_its_unit_and_its_samples() {
        let page = render(Two);
        for line in [
            "# TYPE eaten counter",
            "eaten_total{what=\"bread\"} 2",
            "# UNIT wait_seconds seconds",
            "wait_seconds_sum 5.5",
            "wait_seconds_bucket{le=\"1.0\"} 3",
            "wait_seconds_bucket{le=\"+Inf\"} 4",
            "# EOF",
        ] {
            assert!(page.lines().any(|found| found == line), "{line} is not in\n{page}");
        }
    }
}
