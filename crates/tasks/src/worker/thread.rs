//! A thread with a runtime of its own, for what must go on whatever an application's handlers do.
//!
//! Leases are renewed, replies sent and messages deleted here. Handlers run on the application's
//! runtime: one that blocks its thread keeps no lease from being renewed.

use std::io;
use std::thread;

use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

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
    F: Future<Output = T>,
{
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let (ended, answer) = oneshot::channel();
    let gone = CancellationToken::new();
    let guard = gone.clone().drop_guard();
    let run = move || {
        let ran = runtime.block_on(async {
            tokio::select! {
                ran = async { make().await } => Some(ran),
                () = gone.cancelled() => None,
            }
        });
        if let Some(ran) = ran {
            // Whoever asked may have gone.
            drop(ended.send(ran));
        }
    };
    thread::Builder::new().name("longshore-worker".to_owned()).spawn(run)?;
    let answer = answer.await.ok();
    drop(guard);
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[expect(clippy::disallowed_methods, reason = "blocks this thread, as a bad handler does")]
    fn block_for(time: std::time::Duration) {
        thread::sleep(time);
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
