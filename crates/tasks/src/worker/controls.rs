//! Reads what operators said of the queue, every two seconds in one call, and has the worker keep to it.
//!
//! the store's value → [`QueueControl`] → permits (how many may run), the poller (whether to receive),
//! the worker's status (for whoever looks)
//!
//! # Invariants
//!
//! - Nothing is received before it is known what was said: a worker that starts keeps to a pause.
//! - While the store is away, or has what only a later version can read, what was known last holds.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Release};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::sleep;

use super::runtime::Runtime;
use crate::control::QueueControl;

/// How often what was said is looked for, or up to half a second later.
const LOOK_EVERY: Duration = Duration::from_millis(1500);

/// What is known of what operators said; `None` before anything is.
///
/// Whoever waits for news is woken in the order of their waiting, so that a worker does the same things in the same
/// order when it is run again; a `watch` channel of tokio wakes them in any.
#[derive(Clone, Debug)]
pub(super) struct Controls(Arc<Known>);

#[derive(Debug, Default)]
struct Known {
    control: Mutex<Option<QueueControl>>,
    /// How often something else was said.
    version: AtomicU64,
    changed: Notify,
}

/// Tells one poller when something else is said.
#[derive(Debug)]
pub(super) struct News {
    known: Arc<Known>,
    version: u64,
}

impl Controls {
    pub(super) fn new() -> Self {
        Self(Arc::default())
    }

    /// Whether nothing is to be received.
    pub(super) fn is_paused(&self) -> bool {
        self.0.control().as_ref().is_none_or(QueueControl::is_paused)
    }

    /// Tells when something else is said from now on.
    pub(super) fn subscribe(&self) -> News {
        News { known: Arc::clone(&self.0), version: self.0.version.load(Acquire) }
    }

    /// `false` if it is what was known.
    fn note(&self, control: &QueueControl) -> bool {
        let mut known = self.0.control();
        let is_news = known.as_ref() != Some(control);
        if is_news {
            *known = Some(control.clone());
            self.0.version.fetch_add(1, Release);
        }
        drop(known);
        if is_news {
            self.0.changed.notify_waiters();
        }
        is_news
    }
}

impl Known {
    fn control(&self) -> MutexGuard<'_, Option<QueueControl>> {
        self.control.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl News {
    /// Waits until something else was said than when it was asked last.
    ///
    /// # Cancel safety
    ///
    /// Dropped, it has missed nothing.
    pub(super) async fn changed(&mut self) {
        loop {
            let changed = self.known.changed.notified();
            tokio::pin!(changed);
            // Waiting begins before the look, so that news in between are noticed.
            changed.as_mut().enable();
            let version = self.known.version.load(Acquire);
            if version != self.version {
                self.version = version;
                return;
            }
            changed.await;
        }
    }
}

/// Reads what operators say.
#[derive(Debug)]
pub(super) struct ControlLoop {
    pub(super) runtime: Arc<Runtime>,
    /// The queue of tasks, whichever level the runtime is of.
    pub(super) queue: String,
}

impl ControlLoop {
    /// Looks for what was said, until dropped.
    pub(super) async fn run(self) {
        loop {
            self.look().await;
            // Workers that started together do not look together.
            let jitter = Duration::from_millis(self.runtime.options.random.next() % 500);
            sleep(LOOK_EVERY + jitter).await;
        }
    }

    async fn look(&self) {
        let queue = &*self.queue;
        let values = self.runtime.records.store().values(vec![QueueControl::key(queue)]).await;
        let text = match &values {
            Ok(found) => found.value.first().and_then(Option::as_ref).map(|value| &*value.text),
            Err(error) => {
                tracing::warn!(%error, queue, "what was said of the queue is not known; what was known holds");
                return;
            }
        };
        match text.map_or_else(|| Ok(QueueControl::default()), QueueControl::from_text) {
            Ok(control) => self.keep_to(&control),
            Err(error) => {
                tracing::warn!(%error, queue, "what was said of the queue cannot be read; what was known holds");
            }
        }
    }

    fn keep_to(&self, control: &QueueControl) {
        let Runtime { options, permits, ends, status, controls, .. } = &*self.runtime;
        let told = status.control();
        let chosen = control.concurrency().map(|count| count.get() as usize);
        let concurrency = chosen.unwrap_or(options.concurrency);
        permits.set_count(concurrency);
        ends.set_count(concurrency);
        // Who is told to receive again looks at the status first.
        status.note_control(control.clone(), concurrency);
        if controls.note(control) {
            say(&self.queue, &told, control, concurrency);
        }
    }
}

/// What has changed, for the log.
fn say(queue: &str, before: &QueueControl, now: &QueueControl, concurrency: usize) {
    match (&before.paused, &now.paused) {
        (None, Some(said)) => {
            let (by, why) = (said.by.as_deref(), said.why.as_deref());
            tracing::warn!(queue, by, why, "the queue is paused: nothing is received");
        }
        (Some(_), None) => tracing::info!(queue, "the queue is resumed"),
        (Some(_), Some(_)) | (None, None) => {}
    }
    if before.concurrency != now.concurrency {
        let said = now.concurrency.as_ref().map(|chosen| &chosen.said);
        let (by, why) =
            (said.and_then(|said| said.by.as_deref()), said.and_then(|said| said.why.as_deref()));
        tracing::info!(queue, concurrency, by, why, "another number of tasks may run at once");
    }
}
