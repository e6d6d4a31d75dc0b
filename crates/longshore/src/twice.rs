//! A task that an application has two handlers for: only one of them could run it.
//!
//! Every role refuses it at its start, before anything is asked of a broker: a client would send all tasks of
//! the type to one queue, and the other handler would never run.

use std::collections::BTreeMap;

use crate::exit::Fault;
use crate::task_queue::TaskQueue;

/// Refuses a task with two handlers, of one queue or of two.
///
/// # Errors
///
/// Usage: the task, where its handlers are, and what to do.
pub(crate) fn handlers<S: Clone + Send + Sync + 'static>(
    queues: &[TaskQueue<S>],
) -> Result<(), Fault> {
    let mut handled: BTreeMap<&str, &str> = BTreeMap::new();
    for queue in queues {
        if let Some(task) = queue.handlers.handled_twice().first() {
            return Err(of_one_queue(&queue.name, task));
        }
        for task in queue.handlers.names() {
            if let Some(other) = handled.insert(task, &queue.name) {
                return Err(of_two_queues(task, other, &queue.name));
            }
        }
    }
    Ok(())
}

fn of_one_queue(queue: &str, task: &str) -> Fault {
    Fault::usage(format!(
        "the queue {queue} has two handlers for the task `{task}`: remove one of them, or give one of \
         the tasks another name"
    ))
}

fn of_two_queues(task: &str, first: &str, second: &str) -> Fault {
    Fault::usage(format!(
        "the queues {first} and {second} both have a handler for the task `{task}`, and it can be sent to \
         one of them only: remove one of the handlers, or give one of the tasks another name"
    ))
}

#[cfg(test)]
mod tests {
    use longshore_tasks::{Failure, Json, Task};
    use serde::{Deserialize, Serialize};

    use crate::app::App;
    use crate::exit::Exit;
    use crate::options::QueueOptions;

    #[derive(Debug, Serialize, Deserialize)]
    struct Resize(u32);

    impl Task for Resize {
        const NAME: &'static str = "resize";
        type Reply = u32;
        type Codec = Json;
    }

    async fn resize(Resize(width): Resize) -> Result<u32, Failure> {
        Ok(width)
    }

    fn fault(app: &App) -> String {
        let fault = app.names(&QueueOptions::default()).unwrap_err();
        assert_eq!(fault.exit(), Exit::Usage);
        fault.to_string()
    }

    #[test]
    fn two_handlers_of_a_queue_for_one_task_are_refused() {
        let app = App::new("a").queue("images", |queue| queue.handle(resize).handle(resize));
        assert!(fault(&app).contains("the queue images has two handlers for the task `resize`"));
    }

    #[test]
    fn two_queues_that_handle_one_task_are_refused() {
        let app = App::new("a").queue("small", |queue| queue.handle(resize));
        let app = app.queue("large", |queue| queue.handle(resize));
        assert!(fault(&app).starts_with("the queues small and large both have a handler"));
    }
}
