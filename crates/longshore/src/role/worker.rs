//! `worker`: workers and their health page.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use longshore_gateway::{ServerOptions, serve};
use longshore_tasks::{Client, Store, Worker};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;

use super::bind::{address_of, bind_health};
use super::crew::{SLACK, until_signal_or_end};
use super::endpoint::Endpoint;
use super::names::Names;
use super::{Crew, QUEUE_PATIENCE, app, store};
use crate::announce;
use crate::app::App;
use crate::exit::Fault;
use crate::health::page::WorkersPage;
use crate::host;
use crate::options::{ReceiveOptions, WorkerOptions, WorkerRoleOptions};
use crate::run::names;
use crate::signals::Signals;
use crate::task_queue::TaskQueue;

/// What the workers of a process are made from.
pub(super) struct Workers<S> {
    pub(super) endpoint: Endpoint,
    pub(super) names: Names,
    pub(super) store: Arc<dyn Store>,
    pub(super) client: Client,
    pub(super) task_queues: Vec<TaskQueue<S>>,
    pub(super) state: S,
    pub(super) worker: WorkerOptions,
    pub(super) receive: ReceiveOptions,
    pub(super) retention: Duration,
    pub(super) grace: Duration,
}

/// The runtime that handlers run on: apart from broker, HTTP, leases and replies. Dropped, it ends
/// without waiting for a handler that blocks.
pub(super) struct HandlerRuntime(Option<Runtime>);

impl HandlerRuntime {
    pub(super) fn new() -> Result<Self, Fault> {
        let runtime = Builder::new_multi_thread().enable_all().thread_name("handler").build();
        let runtime = runtime.map_err(|fault| {
            Fault::cannot_start(format!("the system gives no threads for handlers: {fault}"))
        })?;
        Ok(Self(Some(runtime)))
    }

    fn handle(&self) -> tokio::runtime::Handle {
        self.0.as_ref().expect("it is there until it is dropped").handle().clone()
    }
}

impl Drop for HandlerRuntime {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl<S: Clone + Send + Sync + 'static> Workers<S> {
    fn make(&self, place: usize, number: usize, handlers: &HandlerRuntime) -> Worker {
        let transport = Arc::clone(&self.endpoint.transport);
        let queue = self.names.task_queues[place].as_str();
        let worker = Worker::new(transport, queue, Arc::clone(&self.store));
        let worker = self.task_queues[place].configure(worker, &self.state);
        let mut worker = worker
            .name(format!("{}-{}-{number}", host::name(), std::process::id()))
            .wait(self.receive.receive_wait)
            .grace(self.grace)
            .retention(self.retention)
            .queue_patience(QUEUE_PATIENCE)
            .client(self.client.clone())
            .handler_runtime(handlers.handle());
        if let Some(reply_queue) = &self.names.reply_queue {
            worker = worker.reply_queue(reply_queue.as_str());
        }
        if let Some(concurrency) = self.worker.concurrency {
            worker = worker.concurrency(concurrency.into());
        }
        if let Some(patience) = self.worker.unknown_patience {
            worker = worker.unknown_patience(patience);
        }
        self.worker.allow_reply_queue.iter().fold(worker, Worker::allow_reply_queue)
    }

    /// Starts `count` workers of each queue as members of `crew`; the page shows what they do.
    ///
    /// # Errors
    ///
    /// Two handlers are for the same task.
    pub(super) fn spawn(
        &self,
        crew: &mut Crew,
        count: u16,
        handlers: &HandlerRuntime,
    ) -> Result<Arc<WorkersPage>, Fault> {
        let handled = self.task_queues.iter().enumerate().filter(|(_, queue)| queue.is_handled());
        let places: Vec<usize> =
            handled.flat_map(|(place, _)| std::iter::repeat_n(place, usize::from(count))).collect();
        let page = Arc::new(WorkersPage::new(places.len()));
        for (number, place) in places.into_iter().enumerate() {
            self.refuse_two_handlers(place)?;
            let worker = self.make(place, number, handlers);
            page.show(number, self.names.task_queues[place].as_str(), worker.status());
            crew.spawn(run_worker(worker, number, crew.shutdown()));
        }
        Ok(page)
    }

    fn refuse_two_handlers(&self, place: usize) -> Result<(), Fault> {
        let queue = &self.task_queues[place];
        match queue.handlers.handled_twice().first() {
            None => Ok(()),
            Some(task) => Err(Fault::usage(format!(
                "the queue {} has two handlers for the task `{task}`: remove one of them, or give \
                 one of the tasks another name",
                queue.name
            ))),
        }
    }
}

/// Runs a worker. A broker that cannot be reached yet is waited for, and so is, for a minute, a queue
/// that is not there yet.
async fn run_worker(
    worker: Worker,
    number: usize,
    shutdown: CancellationToken,
) -> Result<(), Fault> {
    match worker.run(shutdown).await {
        Ok(report) => {
            tracing::info!(worker = number, ?report, "a worker has stopped");
            Ok(())
        }
        Err(error) => Err(Fault::cannot_start(error.to_string())),
    }
}

/// Serves the workers' health page until `shutdown`.
pub(super) async fn serve_page(
    page: Arc<WorkersPage>,
    listener: TcpListener,
    shutdown: CancellationToken,
) -> Result<(), Fault> {
    serve(listener, page.routes(), ServerOptions::default(), shutdown).await;
    Ok(())
}

/// Runs `worker` until a signal.
///
/// # Errors
///
/// See [`Fault`]: what kept it from starting, or ended it.
pub async fn run<O, S>(
    app: App<O, S>,
    options: WorkerRoleOptions<O>,
    signals: &mut Signals,
) -> Result<(), Fault>
where
    O: Args + Clone + Debug + Send + Sync + 'static,
    S: Clone + Send + Sync + 'static,
{
    let names = names(&app, &options.queues)?;
    let listener = bind_health(options.worker.health_listen).await?;
    let address = address_of(&listener);
    let store = store::open(&options.data.store()).await?;
    let endpoint = Endpoint::connect(&options.endpoint).await?;
    let (grace, retention) = (options.drain.grace, options.results.result_retention);
    let message = announce::roles::worker(&app, &options, &endpoint, &names, address);
    let client = app::client(&endpoint, &names, &app.task_queues, Arc::clone(&store), retention);
    let state = (app.state)(client.clone(), options.application).await?;
    let handlers = HandlerRuntime::new()?;
    let (mut back, mut pages) = (Crew::new(), Crew::new());
    let workers = Workers {
        endpoint,
        names,
        store,
        client,
        task_queues: app.task_queues,
        state,
        worker: options.worker,
        receive: options.receive,
        retention,
        grace,
    };
    let page = workers.spawn(&mut back, options.workers, &handlers)?;
    pages.spawn(serve_page(page, listener, pages.shutdown()));
    announce::say(&message);
    until_signal_or_end(signals, [&mut back, &mut pages]).await;
    let ended = back.stop(grace + SLACK).await;
    ended.and(pages.stop(grace).await)
}
