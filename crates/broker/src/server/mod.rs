//! The broker over HTTP/1.1: connections in, requests through, an orderly end.
//!
//! # Invariants
//!
//! - Everything has a bound: connections, bytes of a request's head and body, the time a client
//!   takes to send them.
//! - On shutdown nothing new is accepted, what is under way is answered, and waiting receives are
//!   answered without messages.

mod exchange;
mod header;
mod health;
mod protocol;
mod refused;
mod respond;
mod scope;
mod web_page;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use thiserror::Error;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::broker::Broker;

/// Bytes of a request's head.
const HEAD_BYTES_MAX: usize = 64 << 10;
/// How long a client may take over a request's head, and leave a connection idle.
const HEAD_TIMEOUT: Duration = Duration::from_secs(75);
/// How long to wait before accepting again when the system has no room for another connection.
const ACCEPT_AGAIN_AFTER: Duration = Duration::from_millis(50);

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
    let outcome = tokio::select! {
        () = accept(&listener, &shared, &connections, &stop) => Ok(()),
        () = shutdown.cancelled() => Ok(()),
        () = shared.broker.failed() => Err(ServeError::Failed),
    };
    drop(listener);
    stop.cancel();
    shared.broker.release_parked();
    connections.close();
    if tokio::time::timeout(shared.options.drain_timeout, connections.wait()).await.is_err() {
        tracing::warn!(left = connections.len(), "some requests did not end in time");
    }
    outcome
}

async fn accept(
    listener: &TcpListener,
    shared: &Arc<Shared>,
    connections: &TaskTracker,
    stop: &CancellationToken,
) {
    let places = Arc::new(Semaphore::new(shared.options.connections_max));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let connection = connection(stream, Arc::clone(shared), stop.clone());
                connections.spawn(async move {
                    connection.await;
                    drop(place);
                });
            }
            Err(failure) => accept_failed(&failure).await,
        }
    }
}

/// A client that went away is its own affair; a system without room for more needs a moment.
async fn accept_failed(failure: &io::Error) {
    tracing::warn!(%failure, "cannot accept a connection");
    tokio::time::sleep(ACCEPT_AGAIN_AFTER).await;
}

async fn connection(stream: TcpStream, shared: Arc<Shared>, stop: CancellationToken) {
    // Replies are small and whole: waiting to fill a packet would only delay them.
    drop(stream.set_nodelay(true));
    let service = service_fn(move |request| {
        let shared = Arc::clone(&shared);
        async move { exchange::exchange(&shared, request).await }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(failure) = ended {
        tracing::debug!(%failure, "a connection ended early");
    }
}
