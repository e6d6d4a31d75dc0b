//! A thread with a runtime of its own, for what must go on whatever an application's handlers do.
//!
//! Leases are renewed, replies sent and messages deleted here. Handlers run on the application's
//! runtime: one that blocks its thread keeps no lease from being renewed.

use std::io;
use std::panic::AssertUnwindSafe;

use tokio::runtime::{Builder, Runtime};

/// Runs what `make` makes on a thread of its own, and answers what it comes to; `None` if it panicked.
///
/// # Errors
///
/// The system gives no thread.
///
/// # Cancel safety
///
/// Dropped, it drops what runs, at its next `await`.
pub(super) async fn on_own_thread<T, F>(
    make: impl FnOnce() -> F + Send + 'static,
) -> io::Result<Option<T>>
where
    T: Send + 'static,
    F: Future<Output = T> + Send,
{
    // Of one thread, and yet of the other sort: to wake something on a `current_thread` runtime is a system call
    // even while it runs, and stores and handlers do so ten times a task.
    let mut runtime = Builder::new_multi_thread();
    runtime.worker_threads(1).thread_name("longshore-worker").enable_all();
    // Where the system gives no thread, tokio panics.
    let built = std::panic::catch_unwind(AssertUnwindSafe(|| runtime.build()));
    let no_thread = |_| io::Error::other("the system gives no thread");
    let apart = Apart(Some(built.map_err(no_thread)??));
    Ok(apart.spawn(async { make().await }).await)
}

/// A runtime that ends with its owner, who need not wait for it.
struct Apart(Option<Runtime>);

impl Apart {
    async fn spawn<T: Send + 'static>(
        &self,
        future: impl Future<Output = T> + Send + 'static,
    ) -> Option<T> {
        let runtime = self.0.as_ref().expect("it is taken away when it is dropped");
        runtime.spawn(future).await.ok()
    }
}

impl Drop for Apart {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[expect(clippy::disallowed_methods, reason = "blocks this thread, as a bad handler does")]
    fn block_for(time: std::time::Duration) {
        std::thread::sleep(time);
    }

    #[tokio::test]
    async fn what_runs_on_a_thread_of_its_own_goes_on_while_this_one_is_blocked() {
        let ticks = tokio::spawn(on_own_thread(|| async {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            7
        }));
        tokio::task::yield_now().await;
        block_for(std::time::Duration::from_millis(50));
        assert_eq!(ticks.await.unwrap().unwrap(), Some(7));
    }

    #[tokio::test]
    async fn what_runs_is_dropped_with_whoever_waits_for_it() {
        let held = Arc::new(());
        let on_thread = Arc::clone(&held);
        let run = on_own_thread(move || async move {
            let held = on_thread;
            std::future::pending::<()>().await;
            drop(held);
        });
        drop(tokio::time::timeout(std::time::Duration::from_millis(20), run).await);
        while Arc::strong_count(&held) > 1 {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn a_panic_is_told() {
        let ran = on_own_thread(|| async { panic!("out of luck") });
        assert_eq!(ran.await.unwrap(), None::<()>);
    }
}
