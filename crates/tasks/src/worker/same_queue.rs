//! Notices a handler that waits for a task of its own queue.
//!
//! Such a handler holds one of the queue's places while the task that it waits for needs one: enough
//! of them wait for ever for one another. It is allowed, and said.
//!
//! Which queue a handler is of goes along with its future, and with a call on a thread that may be
//! blocked. What a handler gives to `tokio::spawn` or to a thread of its own is not known to be its.

use crate::id::TaskId;

tokio::task_local! {
    /// The queue of the task that this handler runs.
    static QUEUE: String;
}

/// A run of a handler for tasks of `queue`.
pub(super) async fn within<F: Future>(queue: String, run: F) -> F::Output {
    QUEUE.scope(queue, run).await
}

/// A call that runs on another thread, as part of the handler that hands it over.
pub(super) fn carried<R>(call: impl FnOnce() -> R) -> impl FnOnce() -> R {
    let own = QUEUE.try_with(String::clone);
    move || match own {
        Ok(queue) => QUEUE.sync_scope(queue, call),
        Err(_) => call(),
    }
}

/// Warns if this is a handler of `queue` that waits for the task `id` of the same one.
pub(crate) fn warn_of_wait(queue: &str, id: &TaskId) {
    let same = QUEUE.try_with(|own| is_same(own, queue)).unwrap_or(false);
    if same {
        tracing::warn!(
            queue,
            task = %id,
            "a handler waits for a task of its own queue, and holds a place that the task may need: \
             give the tasks that are waited for a queue of their own"
        );
    }
}

/// Whether both are one queue, each by its name or its URL, which ends with the name.
fn is_same(one: &str, other: &str) -> bool {
    let urls = one.contains("://") && other.contains("://");
    if urls { one == other } else { one.rsplit('/').next() == other.rsplit('/').next() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_is_the_same_by_its_name_and_by_its_url() {
        let url = "http://127.0.0.1:9324/000000000000/tasks";
        assert!(is_same("tasks", "tasks") && is_same("tasks", url) && is_same(url, url));
        assert!(!is_same("tasks", "tasks-low") && !is_same("more-tasks", url));
        assert!(!is_same("http://127.0.0.1:9324/000000000001/tasks", url));
    }
}
