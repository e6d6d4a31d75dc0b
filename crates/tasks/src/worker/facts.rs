//! What is known of the queue, and asked again every five minutes: operators change queues while workers run.
//!
//! `GetQueueAttributes` → [`Facts`] → whoever judges a message by `maxReceiveCount`, retention or dead-letter queue
//!
//! # Invariants
//!
//! - While the queue cannot be asked, what was known last holds.
//! - The visibility timeout is the worker's own from its start on: each receive says it.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::time::sleep;

use super::runtime::Runtime;
use crate::error_chain::in_one_line;
use crate::transport::QueueFacts;

/// How often a queue is asked, or up to [`JITTER_MILLIS_MAX`] later.
const ASK_EVERY: Duration = Duration::from_secs(270);
/// Workers that started together do not ask together.
const JITTER_MILLIS_MAX: u64 = 60_000;

/// What is known of the queue.
#[derive(Debug)]
pub(super) struct Facts(RwLock<Arc<QueueFacts>>);

impl Facts {
    pub(super) fn new(facts: QueueFacts) -> Self {
        Self(RwLock::new(Arc::new(facts)))
    }

    /// What is known just now.
    pub(super) fn get(&self) -> Arc<QueueFacts> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// `false` if it is what was known.
    fn note(&self, facts: QueueFacts) -> bool {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let is_news = **known != facts;
        if is_news {
            *known = Arc::new(facts);
        }
        is_news
    }
}

/// Asks again.
#[derive(Debug)]
pub(super) struct FactsLoop {
    pub(super) runtime: Arc<Runtime>,
}

impl FactsLoop {
    /// Asks every few minutes, until dropped.
    pub(super) async fn run(self) {
        loop {
            let jitter = self.runtime.options.random.next() % JITTER_MILLIS_MAX;
            sleep(ASK_EVERY + Duration::from_millis(jitter)).await;
            self.ask().await;
        }
    }

    async fn ask(&self) {
        let Runtime { transport, queue, facts, .. } = &*self.runtime;
        match transport.queue_facts(queue).await {
            Ok(asked) => {
                if facts.note(asked) {
                    let known = facts.get();
                    let receives = self.runtime.receive_count_max();
                    let (queue, retention) = (queue.name(), known.retention);
                    tracing::info!(queue, receives, ?retention, "the queue was changed");
                    self.runtime.warn_of_few_receives();
                }
            }
            Err(error) => {
                let (queue, error) = (queue.name(), in_one_line(&error));
                tracing::warn!(queue, error, "the queue was not asked; what was known holds");
            }
        }
    }
}
