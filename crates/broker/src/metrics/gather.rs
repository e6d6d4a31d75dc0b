//! Numbers at one moment: what a scrape copies, so that nothing is rendered under the lock.

use std::sync::Arc;
use std::time::Duration;

use longshore_engine::{Counts, Fairness, QueueEntry, QueueKind};
use longshore_metrics::Spread;
use longshore_storage::{Activity, Usage};
use longshore_types::{QueueArn, Timestamp};

use super::traffic::{RequestCount, Traffic};
use super::{QUEUES_MAX, Tally};
use crate::bounds::Pressure;
use crate::core::{ClockState, Core, Refused, Waiter};
use crate::driver::Driver;

/// All that a scrape tells.
#[derive(Debug)]
pub(crate) struct Numbers {
    pub(super) started_at: Timestamp,
    pub(super) failed: bool,
    pub(super) lacks_checkpoint: bool,
    pub(super) connections: u64,
    pub(super) pressure: Arc<Pressure>,
    pub(super) requests: Vec<RequestCount>,
    pub(super) durations: Vec<(&'static str, Spread)>,
    pub(super) activity: Activity,
    pub(super) usage: Usage,
    pub(super) clock: ClockState,
    /// `None` once the broker has failed in a way that leaves nothing to be trusted.
    pub(super) queues: Option<Queues>,
}

/// The queues.
#[derive(Debug)]
pub(super) struct Queues {
    /// How many there are.
    pub(super) count: usize,
    /// The bytes of their tags and attributes.
    pub(super) catalog_bytes: u64,
    /// How often a bound was met.
    pub(super) refused: Refused,
    /// The first [`QUEUES_MAX`] of them, in the order of their creation.
    pub(super) shown: Vec<OfQueue>,
}

/// One queue.
#[derive(Debug)]
pub(super) struct OfQueue {
    pub(super) arn: QueueArn,
    pub(super) counts: Counts,
    /// How long ago the oldest message was sent; zero without messages.
    pub(super) oldest_age: Duration,
    pub(super) waiting_receives: usize,
    pub(super) kind: QueueKind,
    /// Message groups with messages in flight; 0 of a standard queue.
    pub(super) groups_in_flight: usize,
    pub(super) fairness: Fairness,
    /// How long ago the oldest message was sent that is of no noisy group; zero without one.
    pub(super) oldest_quiet_age: Duration,
    pub(super) tally: Tally,
}

/// Gathers the numbers of a broker that was opened at `started_at`.
pub(crate) fn gather(driver: &Driver, traffic: &Traffic, started_at: Timestamp) -> Numbers {
    let (queues, clock) =
        driver.look_now(|core| (queues(core), core.ledger().times().state())).unzip();
    Numbers {
        started_at,
        failed: driver.has_failed(),
        lacks_checkpoint: driver.lacks_checkpoint(),
        connections: traffic.connections(),
        pressure: Arc::clone(traffic.pressure()),
        requests: traffic.requests(),
        durations: traffic.durations(),
        activity: driver.store().activity(),
        usage: driver.store().usage(),
        clock: clock.unwrap_or_default(),
        queues,
    }
}

fn queues<W: Waiter>(core: &Core<W>) -> Queues {
    let catalog = core.ledger().catalog();
    let first = catalog.queues().take(QUEUES_MAX);
    let shown = first.filter_map(|entry| of_queue(core, entry)).collect();
    let (catalog_bytes, refused) = (core.ledger().catalog_bytes(), *core.ledger().refused());
    Queues { count: catalog.count(), catalog_bytes, refused, shown }
}

fn of_queue<W: Waiter>(core: &Core<W>, entry: &QueueEntry) -> Option<OfQueue> {
    let (ledger, id) = (core.ledger(), entry.id);
    let queue = ledger.queue(id)?;
    let fairness = queue.fairness();
    let now = ledger.now();
    let age = |sent_at: Option<Timestamp>| sent_at.map(|sent_at| queue.age(sent_at, now));
    let age = |sent_at| age(sent_at).unwrap_or_default();
    Some(OfQueue {
        arn: entry.arn.clone(),
        counts: queue.counts(),
        oldest_age: age(queue.oldest()),
        waiting_receives: core.parked_at(id),
        kind: queue.kind(),
        groups_in_flight: queue.groups_in_flight(),
        oldest_quiet_age: age(fairness.oldest_quiet),
        fairness,
        tally: ledger.tally(id)?.clone(),
    })
}
