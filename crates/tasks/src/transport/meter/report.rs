//! The requests of a process as its health page shows them.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Line, Purpose, Requests, Spent};

/// The requests of a process, and what they cost: without the free tier, at the first tier's price.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RequestReport {
    /// Requests, as SQS bills them.
    pub requests: f64,
    /// Messages that they sent, received, deleted or changed.
    pub entries: u64,
    /// Tasks that they were made for: see [`Requests::tasks`].
    pub tasks: u64,
    /// Requests for each task; `None` while there was none.
    pub requests_per_task: Option<f64>,
    /// What they cost, in USD.
    pub dollars: f64,
    /// What a million tasks cost, in USD; `None` while there was none.
    pub dollars_per_million_tasks: Option<f64>,
    /// What they were for.
    pub by_purpose: BTreeMap<Purpose, Share>,
    /// By the name of the task that they were about; those about none are left out.
    pub by_task: BTreeMap<String, Share>,
}

/// A part of the requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Share {
    /// Requests, as SQS bills them. The request of a batch is shared by its entries.
    pub requests: f64,
    /// Messages that they sent, received, deleted or changed.
    pub entries: u64,
}

impl From<Spent> for Share {
    fn from(spent: Spent) -> Self {
        Self { requests: spent.requests(), entries: spent.entries }
    }
}

impl RequestReport {
    /// A report of requests that were made in `region`, such as `us-east-1`.
    pub fn new(requests: &Requests, region: &str) -> Self {
        let (sum, tasks) = (requests.sum(|_| true), requests.tasks());
        let dollars = requests.dollars(region);
        let per_task = |number: f64| (tasks > 0).then(|| number / count(tasks));
        let named = by(requests, |line| line.task.to_string());
        Self {
            requests: sum.requests(),
            entries: sum.entries,
            tasks,
            requests_per_task: per_task(sum.requests()),
            dollars,
            dollars_per_million_tasks: per_task(dollars * 1e6),
            by_purpose: by(requests, |line| line.purpose),
            by_task: named.into_iter().filter(|(task, _)| !task.is_empty()).collect(),
        }
    }
}

fn by<K: Ord>(requests: &Requests, key: impl Fn(&Line) -> K) -> BTreeMap<K, Share> {
    let mut sums: BTreeMap<K, Spent> = BTreeMap::new();
    for (line, spent) in requests.lines() {
        *sums.entry(key(line)).or_default() += spent;
    }
    sums.into_iter().map(|(key, spent)| (key, spent.into())).collect()
}

#[expect(clippy::cast_precision_loss, reason = "exact up to 2^53 tasks")]
const fn count(tasks: u64) -> f64 {
    tasks as f64
}
