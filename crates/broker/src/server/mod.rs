//! The broker over HTTP/1.1: connections in, requests through, an orderly end.
//!
//! # Invariants
//!
//! - Everything has a bound: connections, bytes of a request's head and body, the time a client
//!   takes to send them.
//! - On shutdown nothing new is accepted, what is under way is answered, and waiting receives are
//!   answered without messages.

mod admission;
mod answered;
mod body;
mod connections;
mod exchange;
mod gate;
mod header;
mod heads;
mod health;
mod hosts;
mod last_words;
mod metrics;
mod peek;
mod protocol;
mod proxy;
mod refused;
mod respond;
mod scope;
mod target;
mod turned_away;
mod watched;
mod web_page;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::access::KeyRing;
use crate::bounds::{Budget, ClientBounds, Clients, Place, Pressure};
use crate::broker::Broker;
use admission::KnownHost;
use connections::{Within, accept, connection, drain};
use hosts::Hosts;
use watched::Timeouts;

pub use hosts::{AllowedHost, AllowedHostError};
pub use metrics::serve_metrics;
pub use proxy::{TrustedProxy, TrustedProxyError};

/// How a broker is served.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// Where clients reach the broker, such as `https://queues.example.com`. `None` builds queue
    /// URLs from each request's own `Host`.
    pub public_url: Option<String>,
    /// Hosts that the broker serves beside those that are its own: loopback, addresses, names
    /// without a full stop, names of one network, and the public URL's. Default none. Where
    /// signatures are required, every host is served.
    pub allowed_hosts: Vec<AllowedHost>,
    /// Proxies whose word counts that a client came over TLS. Default none.
    pub trusted_proxies: Vec<TrustedProxy>,
    /// Connections at once. Beyond, the one that has kept the broker waiting longest gives way, or
    /// the new one is turned away. Default 4096.
    pub connections_max: usize,
    /// Connections at once of one address. Default 2048.
    pub peer_connections_max: usize,
    /// Bytes of requests and replies in memory at once; beyond, requests are answered 503. Default
    /// 256 MiB.
    pub traffic_bytes_max: u64,
    /// Bytes of a request's body: default 8 MiB, because a legal batch of one mebibyte can take six
    /// times that in JSON escapes.
    pub body_bytes_max: usize,
    /// How long a client may take to send a request's body. Default 30 s.
    pub body_timeout: Duration,
    /// How long a client may take to send the first byte. Default 10 s.
    pub first_byte_timeout: Duration,
    /// How long a client may read nothing of its answer. Default 30 s.
    pub write_timeout: Duration,
    /// The access keys that the broker knows: they decide whose a request is. Default none.
    pub keys: Arc<KeyRing>,
    /// Whether every request must bear the signature of one of those keys, and may do only what
    /// the owners of the queues let it. Default no: nobody is checked.
    pub require_signatures: bool,
    /// How long a shutdown waits for the requests under way. Default 10 s.
    pub drain_timeout: Duration,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            public_url: None,
            allowed_hosts: Vec::new(),
            trusted_proxies: Vec::new(),
            connections_max: 4096,
            peer_connections_max: 2048,
            traffic_bytes_max: 256 << 20,
            body_bytes_max: 8 << 20,
            body_timeout: Duration::from_secs(30),
            first_byte_timeout: Timeouts::default().first_byte,
            write_timeout: Timeouts::default().write,
            keys: Arc::default(),
            require_signatures: false,
            drain_timeout: Duration::from_secs(10),
        }
    }
}

/// Why a server stopped serving.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The log has failed; the broker refuses everything until it is restarted.
    #[error(
        "the broker could not write to its data directory and has stopped: check that the disk is \
         healthy, then restart it; everything that was acknowledged is kept"
    )]
    Failed,
}

/// What all connections are served from.
#[derive(Debug)]
struct Service {
    broker: Broker,
    options: ServerOptions,
    hosts: Hosts,
    budget: Arc<Budget>,
    /// Turns at writing a large answer.
    large_answers: Arc<Semaphore>,
    local: Option<SocketAddr>,
}

/// Large answers that are written at once: they are work, and more at once would only be slower.
const LARGE_ANSWERS_MAX: usize = 2;

impl ServerOptions {
    fn clients(&self, pressure: Arc<Pressure>) -> Arc<Clients> {
        let (connections_max, of_peer_max) = (self.connections_max, self.peer_connections_max);
        Clients::new(ClientBounds { connections_max, of_peer_max }, pressure)
    }

    const fn timeouts(&self) -> Timeouts {
        Timeouts { first_byte: self.first_byte_timeout, write: self.write_timeout }
    }
}

/// Serves `broker` to whoever connects to `listener`, until `shutdown`; then drains and returns.
/// The broker stays open.
///
/// # Errors
///
/// [`ServeError::Failed`] as soon as the broker's log has failed.
pub async fn serve(
    broker: Broker,
    listener: TcpListener,
    options: ServerOptions,
    shutdown: CancellationToken,
) -> Result<(), ServeError> {
    let local = listener.local_addr().ok();
    let hosts = Hosts::new(&options.allowed_hosts, options.public_url.as_deref());
    let pressure = broker.traffic().pressure();
    let clients = options.clients(Arc::clone(pressure));
    let budget = Budget::new(options.traffic_bytes_max, Arc::clone(&clients), Arc::clone(pressure));
    let stop = CancellationToken::new();
    let timeouts = options.timeouts();
    let within = Within { budget: Arc::clone(&budget), timeouts, stop: stop.clone() };
    let large_answers = Arc::new(Semaphore::new(LARGE_ANSWERS_MAX));
    let service = Arc::new(Service { broker, options, hosts, budget, large_answers, local });
    let connections = TaskTracker::new();
    let serve_one = |stream: TcpStream, place: Place| {
        let (service, within) = (Arc::clone(&service), within.clone());
        async move {
            let _counted = service.broker.traffic().connect();
            let client = Arc::clone(place.client());
            let known = KnownHost::default();
            let answer = |request| exchange::exchange(&service, &client, &known, request);
            connection(stream, place, within, answer).await;
        }
    };
    let outcome = tokio::select! {
        () = accept(&listener, &clients, &connections, serve_one) => Ok(()),
        () = shutdown.cancelled() => Ok(()),
        () = service.broker.failed() => Err(ServeError::Failed),
    };
    drop(listener);
    stop.cancel();
    service.broker.release_parked();
    drain(&connections, service.options.drain_timeout).await;
    outcome
}
