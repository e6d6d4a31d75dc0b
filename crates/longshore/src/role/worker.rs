//! `worker`: workers and their health page.

use std::sync::Arc;
use std::time::Duration;

use longshore_gateway::{ServerOptions, serve};
use longshore_tasks::{Worker, WorkerError};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::Crew;
use super::bind::{address_of, bind_health};
use super::crew::{SLACK, until_signal_or_end};
use super::endpoint::Endpoint;
use super::names::Names;
use super::reach::reach;
use super::store::Stores;
use crate::announce;
use crate::application::Application;
use crate::exit::Fault;
use crate::health::page::WorkersPage;
use crate::options::{ReceiveOptions, WorkerOptions, WorkerRoleOptions};
use crate::signals::Signals;

/// What the workers of a process are made from.
pub(super) struct Workers<A: Application> {
    pub(super) endpoint: Endpoint,
    pub(super) names: Names,
    pub(super) stores: Stores,
    pub(super) worker: WorkerOptions,
    pub(super) application: A::Options,
    pub(super) receive: ReceiveOptions,
    pub(super) grace: Duration,
}

impl<A: Application> Workers<A> {
    fn make(&self) -> Result<Worker, Fault> {
        let transport = Arc::clone(&self.endpoint.transport);
        let claims = Arc::clone(&self.stores.claims);
        let worker = Worker::new(transport, self.names.task_queue.as_str(), claims)
            .reply_queue(self.names.status_queue.as_str())
            .concurrency(self.worker.concurrency.into())
            .wait(self.receive.receive_wait)
            .grace(self.grace);
        A::handle(worker, &self.application)
    }

    /// Starts `count` workers as members of `crew`; the page shows what they do.
    ///
    /// # Errors
    ///
    /// What keeps the application's handlers from starting.
    pub(super) fn spawn(self, crew: &mut Crew, count: u16) -> Result<Arc<WorkersPage>, Fault> {
        let page = Arc::new(WorkersPage::new(count.into()));
        let workers = Arc::new(self);
        for place in 0..usize::from(count) {
            // The first one of each is made here, so that a file that is missing is told at once.
            let first = workers.make()?;
            let (workers, page) = (Arc::clone(&workers), Arc::clone(&page));
            crew.spawn(keep_running(workers, first, page, place, crew.shutdown()));
        }
        Ok(page)
    }
}

/// Runs a worker; one that finds no broker when it starts is made anew until it does.
async fn keep_running<A: Application>(
    workers: Arc<Workers<A>>,
    first: Worker,
    page: Arc<WorkersPage>,
    place: usize,
    shutdown: CancellationToken,
) -> Result<(), Fault> {
    let mut next = Some(first);
    loop {
        for queue in [&workers.names.task_queue, &workers.names.status_queue] {
            if !reach(&workers.endpoint, queue, &shutdown).await? {
                return Ok(());
            }
        }
        let worker = next.take().map_or_else(|| workers.make(), Ok)?;
        page.show(place, worker.status());
        match worker.run(shutdown.clone()).await {
            Ok(report) => {
                tracing::info!(worker = place, ?report, "a worker has stopped");
                return Ok(());
            }
            Err(WorkerError::Start(error)) if error.is_transient() => {
                tracing::warn!(worker = place, %error, "a worker could not start; trying again");
            }
            Err(error) => return Err(Fault::cannot_start(error.to_string())),
        }
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
pub async fn run<A: Application>(
    options: WorkerRoleOptions<A::Options>,
    signals: &mut Signals,
) -> Result<(), Fault> {
    let names = Names::read::<A>(&options.queues)?;
    let listener = bind_health(options.worker.health_listen).await?;
    let address = address_of(&listener);
    let stores = Stores::open(&options.data.store())?;
    let endpoint = Endpoint::connect(&options.endpoint).await?;
    let grace = options.drain.grace;
    let message = announce::roles::worker::<A>(&options, &endpoint, &names, address);
    let (mut back, mut pages) = (Crew::new(), Crew::new());
    let workers = Workers::<A> {
        endpoint,
        names,
        stores,
        worker: options.worker,
        application: options.application,
        receive: options.receive,
        grace,
    };
    let page = workers.spawn(&mut back, options.workers)?;
    pages.spawn(serve_page(page, listener, pages.shutdown()));
    announce::say(&message);
    until_signal_or_end(signals, [&mut back, &mut pages]).await;
    let ended = back.stop(grace + SLACK).await;
    ended.and(pages.stop(grace).await)
}
