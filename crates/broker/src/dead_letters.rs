//! Says when a dead-letter queue is not empty: somebody should look.
//!
//! A queue is a dead-letter queue if another queue's redrive policy names it: of one that only names
//! itself, every message would be a dead letter. The watch looks at start and then every ten
//! seconds, and says so when a queue's count has changed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use longshore_engine::QueueEntry;
use longshore_types::QueueArn;

use crate::core::Ledger;
use crate::driver::Driver;

/// How often the watch looks.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// The dead-letter queues that hold messages, with how many.
pub(crate) fn not_empty(ledger: &Ledger) -> Vec<(QueueArn, usize)> {
    let catalog = ledger.catalog();
    let is_named =
        |entry: &&QueueEntry| catalog.sources_of(&entry.arn).any(|source| source.id != entry.id);
    let dead_letter_queues = catalog.queues().filter(is_named);
    let counted = dead_letter_queues.filter_map(|entry| {
        let counts = ledger.queue(entry.id)?.counts();
        Some((entry.arn.clone(), counts.available + counts.in_flight + counts.delayed))
    });
    counted.filter(|(_, count)| *count > 0).collect()
}

/// Looks until the driver is closed.
pub(crate) async fn watch(driver: Arc<Driver>) {
    let mut said = BTreeMap::new();
    loop {
        let found = driver.look(|core| not_empty(core.ledger())).unwrap_or_default();
        tell(&found, &said);
        said = found.into_iter().collect();
        if !driver.is_open_after(LOOK_EVERY).await {
            return;
        }
    }
}

fn tell(found: &[(QueueArn, usize)], said: &BTreeMap<QueueArn, usize>) {
    for (queue, count) in found.iter().filter(|(queue, count)| said.get(queue) != Some(count)) {
        tracing::warn!(queue = %queue.name, count, "a dead-letter queue is not empty: look at its messages, then move them back or purge them");
    }
}
