//! Connections: a place for each, served over HTTP/1.1, ended in order. The clients of SQS and the
//! scrapers of metrics come in here alike.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{CONNECTION, HeaderValue, TRANSFER_ENCODING};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::turned_away::TurnedAway;
use super::watched::{Timeouts, Watched};
use crate::bounds::{Budget, Client, Clients, Notice, Place};

/// Bytes of a request's head; a longer one is answered 431.
const HEAD_BYTES_MAX: usize = 64 << 10;
/// How long a client may take over a request's head, and leave a connection idle.
const HEAD_TIMEOUT: Duration = Duration::from_secs(75);
/// How long to wait before accepting again when the system has no room for another connection.
const ACCEPT_AGAIN_AFTER: Duration = Duration::from_millis(50);

/// Accepts connections for which there is a place, and spawns what `serve` makes of each.
pub(super) async fn accept<F: Future<Output = ()> + Send + 'static>(
    listener: &TcpListener,
    clients: &Arc<Clients>,
    connections: &TaskTracker,
    serve: impl Fn(TcpStream, Place) -> F,
) {
    let (turned_away, failed) = (TurnedAway::default(), Notice::default());
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => match clients.enter(peer.ip().to_canonical()) {
                Some(place) => drop(connections.spawn(serve(stream, place))),
                None => turned_away.tell(connections, stream),
            },
            Err(failure) => accept_failed(&failure, clients, &failed).await,
        }
    }
}

/// A client that went away is its own affair; a system without room for more needs a moment, and
/// whatever room there can be made.
async fn accept_failed(failure: &io::Error, clients: &Clients, notice: &Notice) {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted, PermissionDenied};

    let is_the_clients = [ConnectionAborted, ConnectionReset, Interrupted, PermissionDenied];
    if is_the_clients.contains(&failure.kind()) {
        return;
    }
    if let Some(times) = notice.due() {
        tracing::warn!(%failure, times, "cannot accept a connection");
    }
    clients.make_room();
    tokio::time::sleep(ACCEPT_AGAIN_AFTER).await;
}

/// Waits for the connections that are left, `timeout` at most. They have been told to end.
pub(super) async fn drain(connections: &TaskTracker, timeout: Duration) {
    connections.close();
    if tokio::time::timeout(timeout, connections.wait()).await.is_err() {
        tracing::warn!(left = connections.len(), "some requests did not end in time");
    }
}

/// What a connection is served within.
#[derive(Clone, Debug)]
pub(super) struct Within {
    pub(super) budget: Arc<Budget>,
    pub(super) timeouts: Timeouts,
    /// Told to end in order.
    pub(super) stop: CancellationToken,
}

/// Answers the requests of one connection, until it ends, gives way to others or, after the stop,
/// the request under way is answered.
pub(super) async fn connection<F: Future<Output = Response<Full<Bytes>>>>(
    stream: TcpStream,
    place: Place,
    within: Within,
    answer: impl Fn(Request<Incoming>) -> F,
) {
    // Replies are small and whole: waiting to fill a packet would only delay them.
    drop(stream.set_nodelay(true));
    let client = place.client();
    let share = within.budget.share(client);
    let stream = Watched::new(stream, Arc::clone(client), within.timeouts, share);
    let service = service_fn(|request| {
        let answered = one(client, &answer, request);
        async move { Ok::<_, Infallible>(answered.await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_header_size(HEAD_BYTES_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        // What has arrived is read before anybody gives way: a request that came in the same moment, or
        // to a connection that nobody has looked at yet, is answered all the same.
        biased;
        ended = connection.as_mut() => ended,
        () = client.gives_way() => {
            // What is being worked on, or read by the client, is sent to its end.
            if client.is_idle() || client.stands_still() {
                return;
            }
            connection.as_mut().graceful_shutdown();
            connection.await
        }
        () = within.stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(failure) = ended {
        tracing::debug!(%failure, "a connection ended early");
    }
}

/// Answers one request of a client. The length of a body in chunks is known to the parser alone, so
/// nothing that follows it could be watched: the connection ends with it.
async fn one<F: Future<Output = Response<Full<Bytes>>>>(
    client: &Client,
    answer: impl Fn(Request<Incoming>) -> F,
    request: Request<Incoming>,
) -> Response<Full<Bytes>> {
    client.asks();
    let is_chunked = request.headers().contains_key(TRANSFER_ENCODING);
    let mut response = answer(request).await;
    if is_chunked {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    client.is_answered();
    response
}
