//! What an application is put into: queues, store, time, chance, and what its flags say of all parts.

use std::sync::Arc;
use std::time::Duration;

use longshore_gateway::BaseUrl;
use longshore_tasks::{
    Client, ClientOptions, Clock, RandomSource, Store, SystemClock, SystemRandom, Transport,
};
use longshore_types::limits::RECEIVE_WAIT_MAX;

use crate::options::WorkerOptions;
use crate::role::Names;
use crate::task_queue::TaskQueue;

/// What an application is put into.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// Carries messages.
    pub transport: Arc<dyn Transport>,
    /// The names of the queues: see [`App::names`](crate::App::names).
    pub names: Names,
    /// Keeps the records of tasks. It has a clock of its own.
    pub store: Arc<dyn Store>,
    /// Tells the time. The machine's by default.
    pub clock: Arc<dyn Clock>,
    /// Where ids and jitter come from. The system by default.
    pub random: Arc<dyn RandomSource>,
    /// How long the result of a task answers after it has ended. 4 days by default.
    pub retention: Duration,
    /// How long a receive waits for a message, up to 20 s, which is the default.
    pub receive_wait: Duration,
    /// How long a task, a reply or a receive may wait for others to share its request, under load only. 50 ms by
    /// default; zero turns it off.
    pub linger: Duration,
    /// How long what runs may take to end after a shutdown. 25 s by default.
    pub grace: Duration,
    /// What callback URLs begin with; by default the `Host` that a request names.
    pub public_url: Option<BaseUrl>,
    /// What flags say of workers, over what the application says of its queues. Nothing by default.
    pub worker: WorkerOptions,
}

impl Surroundings {
    /// These queues and that store, and everything else by default.
    pub fn new(transport: Arc<dyn Transport>, names: Names, store: Arc<dyn Store>) -> Self {
        Self {
            transport,
            names,
            store,
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandom),
            retention: Duration::from_secs(345_600),
            receive_wait: RECEIVE_WAIT_MAX,
            linger: ClientOptions::default().linger,
            grace: Duration::from_secs(25),
            public_url: None,
            worker: WorkerOptions::default(),
        }
    }

    /// The client of an application: each task goes to the queue that handles it, and is replied to as its
    /// options there say.
    pub(super) fn client<S: Clone + Send + Sync + 'static>(
        &self,
        task_queues: &[TaskQueue<S>],
    ) -> Client {
        let first = self.names.task_queues.first().map_or_else(String::new, ToString::to_string);
        let options = self.client_options(task_queues);
        Client::new(self.transport(), first, Arc::clone(&self.store), options)
    }

    fn client_options<S: Clone + Send + Sync + 'static>(
        &self,
        task_queues: &[TaskQueue<S>],
    ) -> ClientOptions {
        let names = &self.names;
        let routed = task_queues.iter().zip(&names.task_queues).flat_map(|(queue, name)| {
            queue.handlers.names().map(move |task| (task.to_owned(), name.to_string()))
        });
        let replied = task_queues.iter().flat_map(|queue| {
            let reply = |task: &str| queue.handlers.options_of(task)?.reply;
            queue.handlers.names().filter_map(move |task| Some((task.to_owned(), reply(task)?)))
        });
        let levels = names.task_queues.iter().map(ToString::to_string);
        let options = ClientOptions::default();
        let kept = self.worker.tasks.argument_kept_bytes;
        ClientOptions {
            reply_queue: names.reply_queue.as_ref().map(ToString::to_string),
            queues: routed.collect(),
            replies: replied.collect(),
            priorities: levels.filter(|name| names.has_levels(name)).collect(),
            retention: self.retention,
            argument_kept_bytes: kept.unwrap_or(options.argument_kept_bytes),
            linger: self.linger,
            clock: self.clock(),
            random: Arc::clone(&self.random),
            ..options
        }
    }

    pub(super) fn transport(&self) -> Arc<dyn Transport> {
        Arc::clone(&self.transport)
    }

    pub(super) fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }
}

#[cfg(test)]
mod tests {
    use longshore_broker::{Broker, BrokerOptions};
    use longshore_tasks::{MemoryStore, ReplyMode};

    use super::*;
    use crate::embedded::EmbeddedTransport;
    use crate::options::{TaskFlags, TaskOverride};
    use crate::test_application::echo;

    #[tokio::test]
    async fn what_an_operator_says_of_tasks_reaches_whoever_sends_them() {
        let (mut app, broker) = (echo(), Broker::open(BrokerOptions::default()).await.unwrap());
        let names = app.names(&crate::options::QueueOptions::default()).unwrap();
        let transport = Arc::new(EmbeddedTransport::new(broker));
        let mut around = Surroundings::new(transport, names, Arc::new(MemoryStore::new()));
        let options = around.client_options(&app.task_queues);
        assert_eq!((options.replies.len(), options.argument_kept_bytes), (0, 256 * 1024));
        assert_eq!(options.queues["say"], "Say");

        let task_options = vec![TaskOverride::parse("say reply_by=store").unwrap()];
        around.worker.tasks = TaskFlags { task_options, argument_kept_bytes: Some(10) };
        app.task_queues[0].override_options(&around.worker.tasks.task_options);
        let options = around.client_options(&app.task_queues);
        assert_eq!((options.replies["say"], options.argument_kept_bytes), (ReplyMode::Store, 10));
    }
}
