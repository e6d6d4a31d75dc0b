//! Reads what operators said of the queue, every two seconds in one call, and has the worker keep to it.
//!
//! the store's value → [`QueueControl`] → permits (how many may run), the poller (whether to receive),
//! the worker's status (for whoever looks)
//!
//! # Invariants
//!
//! - Nothing is received before it is known what was said: a worker that starts keeps to a pause.
//! - While the store is away, or has what only a later version can read, what was known last holds.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;

use super::runtime::Runtime;
use crate::control::QueueControl;

/// How often what was said is looked for, or up to half a second later.
const LOOK_EVERY: Duration = Duration::from_millis(1500);

/// What is known of what operators said; `None` before anything is.
#[derive(Clone, Debug)]
pub(super) struct Controls(Arc<watch::Sender<Option<QueueControl>>>);

impl Controls {
    pub(super) fn new() -> Self {
        Self(Arc::new(watch::Sender::new(None)))
    }

    /// Whether nothing is to be received.
    pub(super) fn is_paused(&self) -> bool {
        self.0.borrow().as_ref().is_none_or(QueueControl::is_paused)
    }

    /// Tells when something else is said.
    pub(super) fn subscribe(&self) -> watch::Receiver<Option<QueueControl>> {
        self.0.subscribe()
    }

    /// `false` if it is what was known.
    fn note(&self, control: &QueueControl) -> bool {
        self.0.send_if_modified(|known| {
            let news = known.as_ref() != Some(control);
            if news {
                *known = Some(control.clone());
            }
            news
        })
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
