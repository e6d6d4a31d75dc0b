//! The workers of an application.

use std::fmt;
use std::sync::Arc;

use longshore_tasks::{Client, Worker};

use super::Surroundings;
use crate::exit::Fault;
use crate::host;
use crate::role::QUEUE_PATIENCE;
use crate::task_queue::TaskQueue;

/// Makes the workers of an application, as many as are wanted of each queue.
pub struct Workers<S> {
    around: Surroundings,
    client: Client,
    task_queues: Vec<TaskQueue<S>>,
    state: S,
}

impl<S: Clone + Send + Sync + 'static> Workers<S> {
    pub(super) fn new(
        around: Surroundings,
        client: Client,
        task_queues: Vec<TaskQueue<S>>,
        state: S,
    ) -> Result<Self, Fault> {
        task_queues.iter().try_for_each(refuse_two_handlers)?;
        Ok(Self { around, client, task_queues, state })
    }

    /// One worker for each queue that has handlers, with the queue's name, `times` over. Each is
    /// called by the host's name, the process id and its place.
    pub fn make(&self, times: u16) -> Vec<(String, Worker)> {
        let handled = self.task_queues.iter().enumerate().filter(|(_, queue)| queue.is_handled());
        let places = handled.flat_map(|(place, _)| std::iter::repeat_n(place, usize::from(times)));
        let worker = |(number, place): (usize, usize)| {
            (self.around.names.task_queues[place].to_string(), self.worker(place, number))
        };
        places.enumerate().map(worker).collect()
    }

    fn worker(&self, place: usize, number: usize) -> Worker {
        let Surroundings { names, store, worker: flags, .. } = &self.around;
        let queue = names.task_queues[place].as_str();
        let worker = Worker::new(self.around.transport(), queue, Arc::clone(store));
        let worker = self.task_queues[place].configure(worker, &self.state);
        let mut worker = worker
            .name(format!("{}-{}-{number}", host::name(), std::process::id()))
            .wait(self.around.receive_wait)
            .grace(self.around.grace)
            .retention(self.around.retention)
            .clock(self.around.clock())
            .random(Arc::clone(&self.around.random))
            .queue_patience(QUEUE_PATIENCE)
            .client(self.client.clone());
        if let Some(reply_queue) = &names.reply_queue {
            worker = worker.reply_queue(reply_queue.as_str());
        }
        if let Some(concurrency) = flags.concurrency {
            worker = worker.concurrency(concurrency.into());
        }
        if let Some(patience) = flags.unknown_patience {
            worker = worker.unknown_patience(patience);
        }
        flags.allow_reply_queue.iter().fold(worker, Worker::allow_reply_queue)
    }
}

fn refuse_two_handlers<S: Clone + Send + Sync + 'static>(
    queue: &TaskQueue<S>,
) -> Result<(), Fault> {
    match queue.handlers.handled_twice().first() {
        None => Ok(()),
        Some(task) => Err(Fault::usage(format!(
            "the queue {} has two handlers for the task `{task}`: remove one of them, or give one of \
             the tasks another name",
            queue.name
        ))),
    }
}

impl<S> fmt::Debug for Workers<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Workers").field("around", &self.around).finish_non_exhaustive()
    }
}
