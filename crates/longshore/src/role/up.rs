//! `up`: broker, app and workers in one process.
//!
//! App and workers reach the broker in the process, without HTTP; other programs reach the same
//! queues at the broker's address. With `--endpoint-url` there is no broker here: app and workers
//! use that endpoint.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use longshore_broker::{Broker, ServerOptions};
use longshore_tasks::{Replies, StoreLocation};
use tokio::net::TcpListener;

use super::admission::admission;
use super::bind::{address_of, bind, bind_health};
use super::crew::{SLACK, until_signal_or_end};
use super::endpoint::Endpoint;
use super::names::Names;
use super::worker::{HandlerRuntime, spawn_pages};
use super::{Crew, app, broker, store, worker};
use crate::announce;
use crate::announce::roles::Addresses;
use crate::app::App;
use crate::assembly::Surroundings;
use crate::exit::Fault;
use crate::health::metrics::MetricsPage;
use crate::options::{UpOptions, broker_region};
use crate::signals::Signals;

/// The ports of `up`, all taken before anything is written.
struct Ports {
    app: TcpListener,
    health: TcpListener,
    broker: Option<(TcpListener, ServerOptions)>,
    metrics: Option<TcpListener>,
}

impl Ports {
    async fn bind<O: Args>(options: &UpOptions<O>) -> Result<Self, Fault> {
        let (mut broker, mut metrics) = (None, None);
        if options.endpoint.endpoint_url.is_none() {
            let admission = admission(&options.broker)?;
            let listener = bind(options.broker.broker_listen, "--broker-listen").await?;
            broker = Some((listener, admission));
            metrics = broker::bind_metrics(&options.broker).await?;
        }
        let app = bind(options.http.listen, "--listen").await?;
        let health = bind_health(options.worker.health_listen).await?;
        Ok(Self { app, health, broker, metrics })
    }

    fn addresses(&self) -> Addresses {
        Addresses {
            app: address_of(&self.app),
            health: address_of(&self.health),
            broker: self.broker.as_ref().map(|(listener, _)| address_of(listener)),
            metrics: self.metrics.as_ref().map(address_of),
        }
    }
}

/// Runs `up` until a signal.
///
/// # Errors
///
/// See [`Fault`]: what kept it from starting, or ended it.
pub(crate) async fn run<O, S>(
    app: App<O, S>,
    options: UpOptions<O>,
    signals: &mut Signals,
) -> Result<(), Fault>
where
    O: Args + Clone + Debug + Send + Sync + 'static,
    S: Clone + Send + Sync + 'static,
{
    let names = app.names(&options.queues)?;
    let ports = Ports::bind(&options).await?;
    let broker = open_broker(&options, &ports, &names).await?;
    let ended = run_around(app, options, names, ports, broker.as_ref(), signals).await;
    if let Some(broker) = broker {
        broker.close().await;
    }
    ended
}

async fn open_broker<O: Args>(
    options: &UpOptions<O>,
    ports: &Ports,
    names: &Names,
) -> Result<Option<Broker>, Fault> {
    if ports.broker.is_none() {
        return Ok(None);
    }
    names.check_declared()?;
    let region = broker_region(options.endpoint.region.as_deref());
    let directory = options.data.broker();
    broker::open(&options.broker, &region, &directory, &names.declared).await.map(Some)
}

/// Everything between the opening of the broker and its close.
async fn run_around<O, S>(
    app: App<O, S>,
    options: UpOptions<O>,
    names: Names,
    ports: Ports,
    broker: Option<&Broker>,
    signals: &mut Signals,
) -> Result<(), Fault>
where
    O: Args + Clone + Debug + Send + Sync + 'static,
    S: Clone + Send + Sync + 'static,
{
    let (store, calls) = store::open(&store_location(&options)).await?;
    let endpoint = match broker {
        Some(broker) => Endpoint::embedded(broker),
        None => Endpoint::connect(&options.endpoint).await?,
    };
    let message = announce::roles::up(&app, &options, &endpoint, &names, ports.addresses());
    let grace = options.drain.grace;
    let around = Surroundings {
        retention: options.http.result_retention,
        receive_wait: options.receive.receive_wait,
        linger: options.receive.linger,
        public_url: options.http.public_url,
        worker: options.worker,
        grace,
        ..Surroundings::new(endpoint.transport, names, store)
    };
    let (mut front, mut back, mut outer) = (Crew::new(), Crew::new(), Crew::new());
    let metrics = MetricsPage::new(Arc::clone(&around.transport), calls);
    let mut assembly = app.assemble(around, options.application);
    let (gateway, replies) = (assembly.gateway().clone(), assembly.replies());
    let router = assembly.router(front.shutdown())?;
    let workers = assembly.workers().await?;
    let handlers = HandlerRuntime::new()?;
    let page = worker::spawn(&mut back, &workers, options.workers, &handlers);
    let metrics = metrics.workers(&page).replies(replies.as_ref().map(Replies::status));
    spawn_pages(&mut outer, page.routes(), metrics, ports.health);
    app::spawn_http(&mut front, ports.app, router, grace);
    app::spawn_replies(&mut back, replies);
    if let (Some(broker), Some((listener, admission))) = (broker, ports.broker) {
        let hosts = admission.allowed_hosts.clone();
        broker::spawn_server(&mut outer, broker, listener, admission);
        broker::spawn_metrics(&mut outer, broker, ports.metrics, hosts);
    }
    announce::say(&message);
    until_signal_or_end(signals, [&mut front, &mut back, &mut outer]).await;
    // No request comes in any more; then no task; the queues are the last to go.
    let front = front.stop(grace + SLACK).await;
    gateway.sends_ended().await;
    let back = stop_receivers(&mut back, broker, grace + SLACK).await;
    front.and(back).and(outer.stop(SLACK).await)
}

/// Stops workers and replies. Receives that wait at the broker in this process are answered
/// without messages, and none waits from here on, so that nobody has to wait for them.
async fn stop_receivers(
    receivers: &mut Crew,
    broker: Option<&Broker>,
    patience: Duration,
) -> Result<(), Fault> {
    // They are told to stop first: one whose receive is answered would begin another.
    receivers.tell_to_stop();
    if let Some(broker) = broker {
        broker.release_parked();
    }
    receivers.stop(patience).await
}

fn store_location<O: Args>(options: &UpOptions<O>) -> StoreLocation {
    // Messages that end with the process need no records that outlive it.
    if options.broker.in_memory && options.data.store.is_none() {
        return StoreLocation::memory();
    }
    options.data.store()
}
