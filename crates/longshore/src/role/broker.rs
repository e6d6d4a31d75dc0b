//! `broker`: the queues, served to every program that speaks SQS.

use std::path::{Path, PathBuf};
use std::time::Duration;

use longshore_broker::clock::ClockTrust;
use longshore_broker::{
    AllowedHost, Broker, BrokerOptions as OpenOptions, ServerOptions, StoreOptions, SyncMode,
};
use longshore_types::Region;
use tokio::net::TcpListener;

use super::Crew;
use super::admission::admission;
use super::bind::{address_of, bind, bind_named};
use super::crew::{SLACK, until_signal_or_end};
use crate::announce;
use crate::exit::Fault;
use crate::options::{BrokerOptions, StandaloneOptions, broker_region};
use crate::queues::embedded::EmbeddedAdmin;
use crate::queues::{DesiredQueue, apply};
use crate::signals::Signals;

/// What a broker is made from. It needs no application: only which queues to declare.
#[derive(Debug)]
pub struct BrokerRole {
    /// The program's name, for the start-up message.
    pub(crate) program: String,
    /// How it listens, and what it lets in.
    pub(crate) broker: BrokerOptions,
    /// The region, where the environment is not to say it.
    pub(crate) region: Option<String>,
    /// The broker's own directory; nothing is written there by one that is in memory.
    pub(crate) directory: PathBuf,
    /// Queues to create or change, each after its dead-letter queue.
    pub declared: Vec<DesiredQueue>,
    /// How long requests under way may take to end.
    pub(crate) grace: Duration,
}

impl BrokerRole {
    /// A broker without an application: it declares what the file says, and without one nothing.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or makes no sense.
    pub fn standalone(
        program: impl Into<String>,
        options: StandaloneOptions,
    ) -> Result<Self, Fault> {
        let declared = options.queues.map(|file| file.queues()).transpose()?;
        Ok(Self {
            program: program.into(),
            directory: options.data.broker(),
            broker: options.broker,
            region: options.region.region,
            declared: declared.unwrap_or_default(),
            grace: options.drain.grace,
        })
    }
}

/// Opens the broker, and creates or changes the declared queues.
pub(super) async fn open(
    options: &BrokerOptions,
    region: &str,
    directory: &Path,
    declared: &[DesiredQueue],
) -> Result<Broker, Fault> {
    let region = Region::parse(region).map_err(|fault| Fault::usage(fault.to_string()))?;
    let (data, store) = kept(options, directory)?;
    let (account, strict) = (options.account.clone(), options.strict);
    let clock_trust = ClockTrust {
        jump_max: options.clock_jump_max,
        confirmed_after: options.clock_confirmed_after,
    };
    let bounds = &options.bounds;
    let open = OpenOptions {
        data,
        region,
        account,
        strict,
        clock_trust,
        queues_max: bounds.queues_max,
        catalog_bytes_max: bounds.catalog_bytes_max,
        waiting_receives_max: bounds.waiting_receives_max,
        store,
        ..OpenOptions::default()
    };
    let broker = Broker::open(open).await;
    let broker = broker.map_err(|fault| Fault::cannot_start(fault.to_string()))?;
    let admin = EmbeddedAdmin::new(broker.clone());
    let done = apply(&admin, declared).await.map_err(|(queue, fault)| {
        Fault::cannot_start(format!("the queue {queue} cannot be made as it is declared: {fault}"))
    })?;
    for change in &done {
        tracing::info!(queue = %change.queue(), "a declared queue was {}", change.verb());
    }
    Ok(broker)
}

/// Where messages are kept, if anywhere, and how.
fn kept(
    options: &BrokerOptions,
    directory: &Path,
) -> Result<(Option<PathBuf>, StoreOptions), Fault> {
    match (options.in_memory, options.sync_interval) {
        (true, Some(_)) => Err(Fault::usage(
            "--in-memory keeps nothing that --sync-interval could sync: leave out one of them",
        )),
        (true, None) => Ok((None, StoreOptions::default())),
        (false, interval) => {
            let sync = interval.map_or(SyncMode::Always, SyncMode::Interval);
            let cache_bytes = options.bounds.cached_bytes_max;
            let store = StoreOptions { sync, cache_bytes, ..StoreOptions::default() };
            Ok((Some(directory.to_owned()), store))
        }
    }
}

/// Serves the broker in `crew`.
pub(super) fn spawn_server(
    crew: &mut Crew,
    broker: &Broker,
    listener: TcpListener,
    options: ServerOptions,
) {
    let (broker, shutdown) = (broker.clone(), crew.shutdown());
    crew.spawn(async move {
        let served = longshore_broker::serve(broker, listener, options, shutdown).await;
        served.map_err(|fault| Fault::broken(format!("the broker's server failed: {fault}")))
    });
}

/// Takes the address of the broker's metrics, if they are wanted.
pub(super) async fn bind_metrics(options: &BrokerOptions) -> Result<Option<TcpListener>, Fault> {
    bind_named(options.metrics_listen, "--metrics-listen").await
}

/// Serves the broker's metrics in `crew`, if there is a listener for them.
pub(super) fn spawn_metrics(
    crew: &mut Crew,
    broker: &Broker,
    listener: Option<TcpListener>,
    hosts: Vec<AllowedHost>,
) {
    let Some(listener) = listener else { return };
    let served = longshore_broker::serve_metrics(broker.clone(), listener, hosts, crew.shutdown());
    crew.spawn(async move {
        served.await;
        Ok(())
    });
}

/// Runs `broker` until a signal.
///
/// # Errors
///
/// See [`Fault`]: what kept it from starting, or ended it.
pub async fn run(role: BrokerRole, signals: &mut Signals) -> Result<(), Fault> {
    let admission = admission(&role.broker)?;
    let listener = bind(role.broker.broker_listen, "--broker-listen").await?;
    let address = address_of(&listener);
    let metrics = bind_metrics(&role.broker).await?;
    let metrics_address = metrics.as_ref().map(address_of);
    let region = broker_region(role.region.as_deref());
    let broker = open(&role.broker, &region, &role.directory, &role.declared).await?;
    let mut front = Crew::new();
    let hosts = admission.allowed_hosts.clone();
    spawn_server(&mut front, &broker, listener, admission);
    spawn_metrics(&mut front, &broker, metrics, hosts);
    announce::say(&announce::broker(&role, address, metrics_address));
    until_signal_or_end(signals, [&mut front]).await;
    let ended = front.stop(role.grace + SLACK).await;
    broker.close().await;
    ended
}
