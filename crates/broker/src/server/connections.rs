//! Connections: accepted within a bound, served over HTTP/1.1, ended in order. The clients of SQS and
//! the scrapers of metrics come in here alike.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Bytes of a request's head.
const HEAD_BYTES_MAX: usize = 64 << 10;
/// How long a client may take over a request's head, and leave a connection idle.
const HEAD_TIMEOUT: Duration = Duration::from_secs(75);
/// How long to wait before accepting again when the system has no room for another connection.
const ACCEPT_AGAIN_AFTER: Duration = Duration::from_millis(50);

/// Accepts connections, `connections_max` at once, and spawns what `serve` makes of each.
pub(super) async fn accept<F: Future<Output = ()> + Send + 'static>(
    listener: &TcpListener,
    connections_max: usize,
    connections: &TaskTracker,
    serve: impl Fn(TcpStream) -> F,
) {
    let places = Arc::new(Semaphore::new(connections_max));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let connection = serve(stream);
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

/// Waits for the connections that are left, `timeout` at most. They have been told to end.
pub(super) async fn drain(connections: &TaskTracker, timeout: Duration) {
    connections.close();
    if tokio::time::timeout(timeout, connections.wait()).await.is_err() {
        tracing::warn!(left = connections.len(), "some requests did not end in time");
    }
}

/// Answers the requests of one connection, until it ends or, after `stop`, the one under way is
/// answered.
pub(super) async fn connection<F: Future<Output = Response<Full<Bytes>>>>(
    stream: TcpStream,
    stop: CancellationToken,
    answer: impl Fn(Request<Incoming>) -> F,
) {
    // Replies are small and whole: waiting to fill a packet would only delay them.
    drop(stream.set_nodelay(true));
    let service = service_fn(|request| {
        let answer = answer(request);
        async move { Ok::<_, Infallible>(answer.await) }
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
