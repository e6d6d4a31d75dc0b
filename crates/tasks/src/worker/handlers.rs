//! Where handlers run: on the runtime that the application gave them, apart from leases, replies and
//! deletes. A handler that blocks its thread delays other handlers, and no lease.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::{AbortHandle, JoinHandle};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::layers::{TaskRun, TaskRunner};
use super::outcome::Outcome;
use super::permits::Permits;
use super::room::Room;
use super::same_queue;
use super::stuck::{self, AboutRun, StuckRuns};
use crate::clock::Clock;
use crate::transport::BoxFuture;

/// Where handlers run.
#[derive(Clone, Debug)]
pub(super) struct HandlerRuntime {
    pub(super) runtime: Handle,
    /// Where the worker itself runs, which no handler blocks.
    pub(super) worker: Handle,
    /// The queue whose tasks they are.
    pub(super) queue: String,
    /// The runs of the worker, and how many there can be.
    pub(super) room: Room,
    pub(super) permits: Arc<Permits>,
    pub(super) stuck: StuckRuns,
    pub(super) clock: Arc<dyn Clock>,
    /// Cancelled when the worker is to stop.
    pub(super) shutdown: CancellationToken,
}

/// Ends a run whose waiter has gone: at its next `await`, or before it has begun.
pub(super) struct AbortOnDrop(pub(super) AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl HandlerRuntime {
    /// Runs a handler. One that takes longer than `limit` is dropped, and failed; one that panics
    /// has failed too. Dropped, it ends the run where that can be ended: at its next `await`. One that goes on
    /// is stuck from then on.
    pub(super) async fn run(
        &self,
        run: BoxFuture<'static, Outcome>,
        limit: Option<Duration>,
        about: AboutRun,
    ) -> Outcome {
        let (_watched, working) = self.stuck.watch(about);
        end_within(limit, self.spawn(stuck::within(working, run))).await
    }

    /// As [`run`](Self::run), through layers. The time until all of them are ready is not the run's.
    pub(super) async fn run_layered(
        &self,
        service: TaskRunner,
        run: TaskRun,
        limit: Option<Duration>,
        about: AboutRun,
    ) -> Outcome {
        let (_watched, working) = self.stuck.watch(about);
        let (ready, let_through) = oneshot::channel();
        let running = self.spawn(stuck::within(working, service.run(run, ready)));
        let _abort = AbortOnDrop(running.abort_handle());
        // Layers that fail instead have ended the run.
        let _failed = let_through.await;
        end_within(limit, running).await
    }

    fn spawn(&self, run: impl Future<Output = Outcome> + Send + 'static) -> JoinHandle<Outcome> {
        let run = same_queue::within(self.queue.clone(), run).in_current_span();
        self.runtime.spawn(run)
    }
}

/// What a run comes to, within a time if there is one. Dropped, it ends the run.
async fn end_within(limit: Option<Duration>, mut running: JoinHandle<Outcome>) -> Outcome {
    let _abort = AbortOnDrop(running.abort_handle());
    let ended = match limit {
        None => (&mut running).await,
        Some(limit) => match timeout(limit, &mut running).await {
            Ok(ended) => ended,
            Err(_) => {
                return Outcome::retry(format!("it took longer than its timeout of {limit:?}"));
            }
        },
    };
    ended.unwrap_or_else(|error| match error.try_into_panic() {
        Ok(panic) => Outcome::retry(panic_text(&*panic)),
        Err(_) => Outcome::retry("the runtime of the handlers was shut down"),
    })
}

/// What a panic of a handler says.
pub(super) fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("the handler panicked: {}", text.unwrap_or("without a message"))
}
