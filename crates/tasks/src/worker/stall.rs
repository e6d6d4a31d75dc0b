//! Notices that the runtime of the handlers is blocked, and says so.
//!
//! Leases are renewed all the same, from a thread of their own. But other handlers wait, and so does
//! whatever else the application runs there.

use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::{Instant, sleep, timeout};

/// How often the runtime is asked for a sign of life.
const ASK_EVERY: Duration = Duration::from_secs(1);
/// How long it may take to give one.
const PATIENCE: Duration = Duration::from_secs(3);

/// Asks `runtime` for signs of life, until dropped.
pub(super) async fn watch(runtime: Handle, queue: String) {
    loop {
        sleep(ASK_EVERY).await;
        let asked_at = Instant::now();
        let mut sign = runtime.spawn(async {});
        if timeout(PATIENCE, &mut sign).await.is_ok() {
            continue;
        }
        tracing::warn!(
            queue,
            "the handlers' runtime is blocked: a handler does not give its thread back. Register it \
             with handle_blocking, or have its work done by spawn_blocking"
        );
        // What becomes of it does not matter, only that it took that long.
        drop(sign.await);
        let blocked = asked_at.elapsed();
        tracing::info!(queue, ?blocked, "the handlers' runtime goes on");
    }
}
