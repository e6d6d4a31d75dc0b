//! What SQS bills for requests: a table, and what follows from it.

use serde::Serialize;

/// Bytes of payload that one request pays for; each further part counts as a request more.
/// Source: SQS pricing, "every 64 KB chunk of a payload is billed as one request".
pub const BILLED_BYTES: usize = 65_536;

/// Whether a queue is a standard or a FIFO queue, which are priced apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum QueueKind {
    /// A standard queue.
    Standard,
    /// A FIFO queue.
    Fifo,
}

impl QueueKind {
    /// The kind of a queue of that name.
    pub fn of(queue: &str) -> Self {
        if queue.strip_suffix(".fifo").is_some() { Self::Fifo } else { Self::Standard }
    }
}

/// The prices of the regions whose names begin so: USD for a million requests.
struct Price {
    regions: &'static str,
    standard: f64,
    fifo: f64,
}

/// The first tier, up to 100 thousand million requests a month. The row with the longest beginning counts;
/// the last one is for all regions that have none of their own.
///
/// Source: aws.amazon.com/sqs/pricing, US East (N. Virginia), as of November 2026. Not in it: the free
/// tier of a million requests a month, the tiers beyond the first, transfer of data, and taxes. A row for
/// a region that is dearer goes before the last.
const PRICES: &[Price] = &[Price { regions: "", standard: 0.40, fifo: 0.50 }];

/// The requests that a call with a payload of so many bytes is billed as.
pub(crate) const fn billed_requests(payload_bytes: usize) -> u64 {
    let chunks = payload_bytes.div_ceil(BILLED_BYTES);
    if chunks == 0 { 1 } else { chunks as u64 }
}

/// What requests to queues of a kind cost, in USD, in a region (`us-east-1`). The first tier's price,
/// without the free tier: what is shown is what a further request costs.
///
/// ```
/// use longshore_tasks::transport::meter::{QueueKind, cost};
///
/// assert_eq!(cost(1_000_000.0, QueueKind::Standard, "us-east-1"), 0.40);
/// assert_eq!(cost(3_000_000.0, QueueKind::Fifo, "us-east-1"), 1.50);
/// ```
pub fn cost(requests: f64, kind: QueueKind, region: &str) -> f64 {
    let rows = PRICES.iter().filter(|price| region.starts_with(price.regions));
    let price = rows.max_by_key(|price| price.regions.len()).expect("the last row is for all");
    let million = match kind {
        QueueKind::Standard => price.standard,
        QueueKind::Fifo => price.fifo,
    };
    requests * million / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_region_has_a_price_and_a_fifo_queue_is_dearer() {
        for region in ["", "us-east-1", "eu-central-1", "nowhere-9"] {
            assert!(
                cost(1.0, QueueKind::of("q.fifo"), region) > cost(1.0, QueueKind::of("q"), region)
            );
        }
    }

    #[test]
    fn every_64_kib_of_payload_is_a_request() {
        assert_eq!([0, 65_536, 65_537].map(billed_requests), [1, 1, 2]);
    }
}
