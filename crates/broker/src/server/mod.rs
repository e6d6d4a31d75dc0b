//! The broker over HTTP/1.1: connections in, requests through, an orderly end.
//!
//! # Invariants
//!
//! - Everything has a bound: connections, bytes of a request's head and body, the time a client
//!   takes to send them.
//! - On shutdown nothing new is accepted, what is under way is answered, and waiting receives are
//!   answered without messages.

mod answered;
mod connections;
mod exchange;
mod gate;
mod header;
mod health;
mod metrics;
mod peek;
mod protocol;
mod refused;
mod respond;
mod scope;
mod web_page;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::access::KeyRing;
use crate::broker::Broker;
use connections::{accept, connection, drain};

pub use metrics::serve_metrics;

/// How a broker is served.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// Where clients reach the broker, such as `https://queues.example.com`. `None` builds queue
    /// URLs from each request's own `Host`.
    pub public_url: Option<String>,
    /// Connections at once; more wait to be accepted. Default 4096.
    pub connections_max: usize,
    /// Bytes of a request's body: default 8 MiB, because a legal batch of one mebibyte can take six
    /// times that in JSON escapes.
    pub body_bytes_max: usize,
    /// How long a client may take to send a request's body. Default 30 s.
    pub body_timeout: Duration,
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
            connections_max: 4096,
            body_bytes_max: 8 << 20,
            body_timeout: Duration::from_secs(30),
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

/// What all connections share.
#[derive(Debug)]
struct Shared {
    broker: Broker,
    options: ServerOptions,
    local: Option<SocketAddr>,
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
    let shared = Arc::new(Shared { broker, options, local });
    let connections = TaskTracker::new();
    let stop = CancellationToken::new();
    let serve_one = |stream: TcpStream| {
        let peer = stream.peer_addr().ok().map(|peer| peer.ip());
        let (shared, stop) = (Arc::clone(&shared), stop.clone());
        async move {
            let _counted = shared.broker.traffic().connect();
            connection(stream, stop, |request| exchange::exchange(&shared, peer, request)).await;
        }
    };
    let outcome = tokio::select! {
        () = accept(&listener, shared.options.connections_max, &connections, serve_one) => Ok(()),
        () = shutdown.cancelled() => Ok(()),
        () = shared.broker.failed() => Err(ServeError::Failed),
    };
    drop(listener);
    stop.cancel();
    shared.broker.release_parked();
    drain(&connections, shared.options.drain_timeout).await;
    outcome
}
