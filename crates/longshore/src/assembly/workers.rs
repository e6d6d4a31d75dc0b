//! The workers of an application.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use longshore_tasks::transport::RequestMeter;
use longshore_tasks::{Client, Worker};

use super::Surroundings;
use crate::exit::Fault;
use crate::host;
use crate::options::TaskOverride;
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
    ) -> Self {
        Self { around, client, task_queues, state }
    }

    /// What the requests of these workers, and of all that shares their transport, are counted in.
    pub(crate) fn meter(&self) -> Option<Arc<RequestMeter>> {
        self.around.transport.meter()
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
            .linger(self.around.linger)
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
        if let Some(bytes) = flags.tasks.argument_kept_bytes {
            worker = worker.argument_kept_bytes(bytes);
        }
        if let Some(most) = flags.lease_max {
            worker = worker.lease_max(most);
        }
        if let Some(patience) = flags.unknown_patience {
            worker = worker.unknown_patience(patience);
        }
        flags.allow_reply_queue.iter().fold(worker, Worker::allow_reply_queue)
    }
}

/// Refuses options of a task that no queue handles.
pub(super) fn refuse_unknown_task<S: Clone + Send + Sync + 'static>(
    queues: &[TaskQueue<S>],
    overrides: &[TaskOverride],
) -> Result<(), Fault> {
    let known: BTreeSet<&str> = queues.iter().flat_map(|queue| queue.handlers.names()).collect();
    match overrides.iter().find(|set| !known.contains(set.task.as_str())) {
        None => Ok(()),
        Some(TaskOverride { task, .. }) => Err(Fault::usage(format!(
            "--task-options: no queue here handles a task `{task}`; there are: {}",
            known.into_iter().collect::<Vec<_>>().join(", ")
        ))),
    }
}

impl<S> fmt::Debug for Workers<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Workers").field("around", &self.around).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use longshore_tasks::{Failure, Json, Task, TaskOptions};
    use serde::{Deserialize, Serialize};

    use super::*;

    #[derive(Debug, Serialize, Deserialize)]
    struct Resize(u32);

    impl Task for Resize {
        const NAME: &'static str = "resize";
        type Reply = u32;
        type Codec = Json;

        fn options() -> TaskOptions {
            TaskOptions::new().concurrency(4)
        }
    }

    async fn resize(Resize(width): Resize) -> Result<u32, Failure> {
        Ok(width)
    }

    fn queues() -> Vec<TaskQueue<()>> {
        vec![TaskQueue::new("images".to_owned()).handle(resize)]
    }

    fn overrides(texts: &[&str]) -> Vec<TaskOverride> {
        texts.iter().map(|text| TaskOverride::parse(text).unwrap()).collect()
    }

    #[test]
    fn options_of_a_task_that_no_worker_runs_are_a_fault_that_names_those_that_there_are() {
        refuse_unknown_task(&queues(), &overrides(&["resize timeout=30s"])).unwrap();
        let known = ["resize timeout=30s", "resise timeout=30s"];
        let fault = refuse_unknown_task(&queues(), &overrides(&known)).unwrap_err().to_string();
        assert!(fault.contains("`resise`") && fault.ends_with("there are: resize"), "{fault}");
    }

    #[test]
    fn what_an_operator_sets_for_a_task_wins_over_the_code() {
        let mut queue = queues().remove(0);
        queue.override_options(&overrides(&["other timeout=1s", "resize attempts=9"]));
        let mut seen = None;
        let handlers = queue.handlers.change_options("resize", |options| {
            seen = Some(options.clone());
            options.clone()
        });
        assert_eq!(handlers.names().count(), 1);
        let options = seen.unwrap();
        assert_eq!(options.retry.map(|retry| retry.attempts_max), Some(9));
        assert_eq!((options.concurrency, options.timeout), (Some(4), None));
    }
}
