//! Notices that the runtime of the handlers is blocked, and says so: in the log, and in the worker's status.
//!
//! Leases are renewed all the same, from a thread of their own. But other handlers wait, and so does
//! whatever else the application runs there.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::{Instant, sleep, timeout};

use super::status::WorkerStatus;

/// How often the runtime is asked for a sign of life.
const ASK_EVERY: Duration = Duration::from_secs(1);
/// How long it may take to give one.
const PATIENCE: Duration = Duration::from_secs(3);

/// Asks `runtime` for signs of life, until dropped.
pub(super) async fn watch(runtime: Handle, queue: String, status: Arc<WorkerStatus>) {
    loop {
        sleep(ASK_EVERY).await;
        let asked_at = Instant::now();
        let mut sign = runtime.spawn(async {});
        if timeout(PATIENCE, &mut sign).await.is_ok() {
            continue;
        }
        status.note_handlers_blocked(true);
        tracing::warn!(
            queue,
            "the handlers' runtime is blocked: a handler does not give its thread back. Register it \
             with handle_blocking, or have its work done by spawn_blocking"
        );
        // What becomes of it does not matter, only that it took that long.
        drop(sign.await);
        status.note_handlers_blocked(false);
        let blocked = asked_at.elapsed();
        tracing::info!(queue, ?blocked, "the handlers' runtime goes on");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use tokio::runtime::Builder;

    use super::*;

    /// Lets the watch go on until the status says so.
    async fn until(status: &WorkerStatus, blocked: bool) {
        while status.handlers_blocked() != blocked {
            sleep(ASK_EVERY).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_runtime_is_shown_as_blocked_until_it_goes_on() {
        let handlers = Builder::new_multi_thread().worker_threads(1).build().unwrap();
        let (release, released) = mpsc::channel();
        handlers.spawn(async move { released.recv() });
        let status = Arc::<WorkerStatus>::default();
        let watch = watch(handlers.handle().clone(), "tasks".to_owned(), Arc::clone(&status));
        let watching = tokio::spawn(watch);
        until(&status, true).await;
        release.send(()).unwrap();
        until(&status, false).await;
        watching.abort();
        handlers.shutdown_background();
    }
}
