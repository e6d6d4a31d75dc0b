//! `worker`: workers and their health page.

use std::fmt::Debug;
use std::sync::Arc;

use axum::Router;
use clap::Args;
use longshore_gateway::{ServerOptions, serve};
use longshore_tasks::Worker;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;

use super::bind::{address_of, bind_health};
use super::crew::{SLACK, until_signal_or_end};
use super::endpoint::{Endpoint, cannot_start};
use super::{Crew, store};
use crate::announce;
use crate::app::App;
use crate::assembly::{Surroundings, Workers};
use crate::exit::Fault;
use crate::health::metrics::MetricsPage;
use crate::health::page::WorkersPage;
use crate::options::WorkerRoleOptions;
use crate::signals::Signals;

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

/// Starts `count` workers of each queue as members of `crew`; the page shows what they do.
pub(super) fn spawn<S: Clone + Send + Sync + 'static>(
    crew: &mut Crew,
    workers: &Workers<S>,
    count: u16,
    handlers: &HandlerRuntime,
) -> Arc<WorkersPage> {
    let (meter, workers) = (workers.meter(), workers.make(count));
    let page = Arc::new(WorkersPage::new(workers.len(), meter));
    for (number, (queue, worker)) in workers.into_iter().enumerate() {
        page.show(number, &queue, worker.status());
        let worker = worker.handler_runtime(handlers.handle());
        crew.spawn(run_worker(worker, number, crew.shutdown()));
    }
    page
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
        Err(error) => Err(cannot_start(&error)),
    }
}

/// Serves a health page and metrics in `crew`.
pub(super) fn spawn_pages(
    crew: &mut Crew,
    health: Router,
    metrics: MetricsPage,
    listener: TcpListener,
) {
    let (pages, shutdown) = (health.merge(metrics.routes()), crew.shutdown());
    crew.spawn(async move {
        serve(listener, pages, ServerOptions::default(), shutdown).await;
        Ok(())
    });
}

/// Runs `worker` until a signal.
///
/// # Errors
///
/// See [`Fault`]: what kept it from starting, or ended it.
pub(crate) async fn run<O, S>(
    app: App<O, S>,
    options: WorkerRoleOptions<O>,
    signals: &mut Signals,
) -> Result<(), Fault>
where
    O: Args + Clone + Debug + Send + Sync + 'static,
    S: Clone + Send + Sync + 'static,
{
    let names = app.names(&options.queues)?;
    let listener = bind_health(options.worker.health_listen).await?;
    let address = address_of(&listener);
    let (store, calls) = store::open(&options.data.store()).await?;
    let endpoint = Endpoint::connect(&options.endpoint).await?;
    let (grace, retention) = (options.drain.grace, options.results.result_retention);
    let message = announce::roles::worker(&app, &options, &endpoint, &names, address);
    let around = Surroundings {
        retention,
        receive_wait: options.receive.receive_wait,
        linger: options.receive.linger,
        worker: options.worker,
        grace,
        ..Surroundings::new(endpoint.transport, names, store)
    };
    let metrics = MetricsPage::new(Arc::clone(&around.transport), calls);
    let workers = app.assemble(around, options.application).workers().await?;
    let handlers = HandlerRuntime::new()?;
    let (mut back, mut pages) = (Crew::new(), Crew::new());
    let page = spawn(&mut back, &workers, options.workers, &handlers);
    let metrics = metrics.workers(&page);
    spawn_pages(&mut pages, page.routes(), metrics, listener);
    announce::say(&message);
    until_signal_or_end(signals, [&mut back, &mut pages]).await;
    let ended = back.stop(grace + SLACK).await;
    ended.and(pages.stop(grace).await)
}
