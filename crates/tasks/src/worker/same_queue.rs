//! Notices a handler that waits for a task of its own queue.
//!
//! Such a handler holds one of the queue's places while the task that it waits for needs one: enough
//! of them wait for ever for one another. It is allowed, and said.

use crate::id::TaskId;

tokio::task_local! {
    /// The queue of the task that this handler runs.
    static QUEUE: String;
}

/// A run of a handler for tasks of `queue`.
pub(super) async fn within<F: Future>(queue: String, run: F) -> F::Output {
    QUEUE.scope(queue, run).await
}

/// Warns if this is a handler of `queue` that waits for the task `id` of the same one.
pub(crate) fn warn_of_wait(queue: &str, id: &TaskId) {
    let same = QUEUE.try_with(|own| own == queue).unwrap_or(false);
    if same {
        tracing::warn!(
            queue,
            task = %id,
            "a handler waits for a task of its own queue, and holds a place that the task may need: \
             give the tasks that are waited for a queue of their own"
        );
    }
}
