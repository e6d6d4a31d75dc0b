//! `app`: HTTP in front, the reply queue behind.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use clap::Args;
use longshore_gateway::{ServerOptions, serve};
use longshore_tasks::Replies;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::bind::{address_of, bind, bind_named};
use super::crew::{SLACK, until_signal_or_end};
use super::endpoint::{Endpoint, cannot_start};
use super::worker::spawn_pages;
use super::{Crew, store};
use crate::announce;
use crate::app::App;
use crate::assembly::Surroundings;
use crate::exit::Fault;
use crate::health::metrics::MetricsPage;
use crate::options::{AppOptions, WorkerOptions};
use crate::signals::Signals;

/// Starts the HTTP side in `front`.
pub(super) fn spawn_http(front: &mut Crew, listener: TcpListener, router: Router, grace: Duration) {
    let options = ServerOptions { grace, ..ServerOptions::default() };
    let shutdown = front.shutdown();
    front.spawn(async move {
        serve(listener, router, options, shutdown).await;
        Ok(())
    });
}

/// Starts the reply queue's side in `back`, if there is one.
pub(super) fn spawn_replies(back: &mut Crew, replies: Option<Replies>) {
    let shutdown = back.shutdown();
    back.spawn(async move {
        let Some(replies) = replies else {
            shutdown.cancelled().await;
            return Ok(());
        };
        keep_replies(replies, shutdown).await
    });
}

/// Consumes replies. A broker that cannot be reached yet is waited for, and so is, for a minute,
/// a queue that is not there yet.
async fn keep_replies(replies: Replies, shutdown: CancellationToken) -> Result<(), Fault> {
    match replies.run(shutdown).await {
        Ok(report) => {
            tracing::info!(?report, "replies are no longer received");
            Ok(())
        }
        Err(error) => Err(cannot_start(&error)),
    }
}

/// Runs `app` until a signal.
///
/// # Errors
///
/// See [`Fault`]: what kept it from starting, or ended it.
pub(crate) async fn run<O, S>(
    app: App<O, S>,
    options: AppOptions<O>,
    signals: &mut Signals,
) -> Result<(), Fault>
where
    O: Args + Clone + Debug + Send + Sync + 'static,
    S: Clone + Send + Sync + 'static,
{
    let names = app.names(&options.queues)?;
    let listener = bind(options.http.listen, "--listen").await?;
    let address = address_of(&listener);
    let pages = bind_named(options.pages.app_health_listen, "--app-health-listen").await?;
    let pages_address = pages.as_ref().map(address_of);
    let (store, calls) = store::open(&options.data.store()).await?;
    let endpoint = Endpoint::connect(&options.endpoint).await?;
    let grace = options.drain.grace;
    let message = announce::roles::app(&app, &options, &endpoint, &names, (address, pages_address));
    let (mut front, mut back) = (Crew::new(), Crew::new());
    let around = Surroundings {
        retention: options.http.result_retention,
        receive_wait: options.receive.receive_wait,
        linger: options.receive.linger,
        public_url: options.http.public_url,
        worker: WorkerOptions { tasks: options.tasks, ..WorkerOptions::default() },
        grace,
        ..Surroundings::new(endpoint.transport, names, store)
    };
    let metrics = MetricsPage::new(Arc::clone(&around.transport), calls);
    let mut assembly = app.assemble(around, options.application);
    let health = assembly.health(front.shutdown());
    let router = assembly.router(front.shutdown())?;
    if let Some(listener) = pages {
        let metrics = metrics.replies(assembly.replies().map(|replies| replies.status()));
        spawn_pages(&mut back, health.routes(), metrics, listener);
    }
    spawn_http(&mut front, listener, router, grace);
    spawn_replies(&mut back, assembly.replies());
    announce::say(&message);
    until_signal_or_end(signals, [&mut front, &mut back]).await;
    let ended = front.stop(grace + SLACK).await;
    assembly.gateway().sends_ended().await;
    ended.and(back.stop(SLACK).await)
}
