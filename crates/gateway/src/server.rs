//! The HTTP server under the routes: limits, timeouts, and an end that drops no request.
//!
//! One task accepts connections and owns every connection's task. When told to stop it closes
//! the listener first, lets the requests that have begun be answered, and ends what is left when
//! the grace is over.
//!
//! # Invariants
//!
//! - A connection is accepted only while fewer than `connections_max` are open; further ones wait
//!   in the listener's backlog.
//! - When [`serve`] returns, no connection of its own is left.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::host;
use crate::problem::Problem;

/// How long the listener rests when the system has no room for another connection.
const ACCEPT_REST: Duration = Duration::from_millis(100);

/// What a server allows.
///
/// ```
/// use std::time::Duration;
///
/// use longshore_gateway::ServerOptions;
///
/// let options = ServerOptions {
///     body_bytes_max: 64 * 1024, // a larger body is answered 413
///     request_timeout: Duration::from_secs(5), // then it is 503
///     ..ServerOptions::default()
/// };
/// assert_eq!(options.connections_max, 1024);
/// ```
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// Connections that are open at once.
    pub connections_max: usize,
    /// How long a request's head can take to arrive; also how long a connection can be idle.
    pub head_timeout: Duration,
    /// How long a request can take to be answered; then the answer is 503.
    pub request_timeout: Duration,
    /// Bytes of a request's head.
    pub head_bytes_max: usize,
    /// Bytes of a request's body.
    pub body_bytes_max: usize,
    /// How long requests that have begun are waited for when the server is told to stop.
    pub grace: Duration,
}

impl Default for ServerOptions {
    /// 1024 connections, 30 s for a head, 60 s for an answer, 64 KiB, 1 MiB, 10 s.
    fn default() -> Self {
        Self {
            connections_max: 1024,
            head_timeout: Duration::from_secs(30),
            request_timeout: Duration::from_secs(60),
            head_bytes_max: 64 * 1024,
            body_bytes_max: 1024 * 1024,
            grace: Duration::from_secs(10),
        }
    }
}

/// Serves `router` on `listener` until `shutdown`, and returns when the last request is answered
/// or the grace is over.
///
/// ```
/// use axum::{Router, routing::get};
/// use longshore_gateway::{ServerOptions, serve};
/// use tokio::net::TcpListener;
/// use tokio_util::sync::CancellationToken;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let listener = TcpListener::bind("127.0.0.1:0").await?;
/// let router = Router::new().route("/", get(async || "hello"));
/// let shutdown = CancellationToken::new();
/// let server = tokio::spawn(serve(listener, router, ServerOptions::default(), shutdown.clone()));
/// // …until a signal comes, say:
/// shutdown.cancel();
/// server.await.expect("the server does not panic");
/// # Ok(())
/// # }
/// ```
pub async fn serve(
    listener: TcpListener,
    router: Router,
    options: ServerOptions,
    shutdown: CancellationToken,
) {
    let mut server = Server::new(router, options);
    while let Some((stream, permit)) = server.next_connection(&listener, &shutdown).await {
        server.spawn_connection(stream, permit);
    }
    // From here on a new connection is refused, so that a load balancer tries another server.
    drop(listener);
    server.drain().await;
}

struct Server {
    router: Router,
    options: ServerOptions,
    permits: Arc<Semaphore>,
    connections: JoinSet<()>,
    graceful: GracefulShutdown,
}

impl Server {
    fn new(router: Router, options: ServerOptions) -> Self {
        let timeout = options.request_timeout;
        let router = router
            .layer(from_fn(move |request, next| bounded(timeout, request, next)))
            .layer(DefaultBodyLimit::max(options.body_bytes_max))
            .layer(from_fn(host::settled));
        let permits = Arc::new(Semaphore::new(options.connections_max));
        Self {
            router,
            options,
            permits,
            connections: JoinSet::new(),
            graceful: GracefulShutdown::new(),
        }
    }

    /// The next connection with its permit, or `None` when the server is to stop.
    async fn next_connection(
        &mut self,
        listener: &TcpListener,
        shutdown: &CancellationToken,
    ) -> Option<(TcpStream, OwnedSemaphorePermit)> {
        let permits = Arc::clone(&self.permits);
        let next = async {
            let permit = permits.acquire_owned().await.expect("the semaphore is never closed");
            (accept(listener).await, permit)
        };
        tokio::pin!(next);
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return None,
                next = &mut next => return Some(next),
                // Connections that have ended are taken out as they end.
                Some(_) = self.connections.join_next(), if !self.connections.is_empty() => {}
            }
        }
    }

    fn spawn_connection(&mut self, stream: TcpStream, permit: OwnedSemaphorePermit) {
        // Small answers wait for nothing: without this a keep-alive client pays 40 ms a request.
        if let Err(fault) = stream.set_nodelay(true) {
            tracing::debug!(%fault, "TCP_NODELAY could not be set");
        }
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.options.head_timeout)
            .max_buf_size(self.options.head_bytes_max)
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(self.router.clone()));
        let connection = self.graceful.watch(connection);
        self.connections.spawn(async move {
            if let Err(fault) = connection.await {
                tracing::debug!(%fault, "a connection ended early");
            }
            drop(permit);
        });
    }

    async fn drain(mut self) {
        let ended = async {
            self.graceful.shutdown().await;
            while self.connections.join_next().await.is_some() {}
        };
        if tokio::time::timeout(self.options.grace, ended).await.is_err() {
            tracing::warn!(
                open = self.connections.len(),
                "connections were closed before their requests were answered: the grace is over"
            );
        }
        self.connections.shutdown().await;
    }
}

/// Accepts one connection, resting while the system refuses (it has no descriptors left, say).
async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            Err(fault) => {
                tracing::warn!(%fault, "a connection could not be accepted; trying again");
                tokio::time::sleep(ACCEPT_REST).await;
            }
        }
    }
}

async fn bounded(timeout: Duration, request: Request, next: Next) -> Response {
    let answered = tokio::time::timeout(timeout, next.run(request)).await;
    answered.unwrap_or_else(|_| {
        let detail = format!("no answer within {} seconds", timeout.as_secs());
        Problem::unavailable(detail, Duration::from_secs(5)).into_response()
    })
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::sync::Notify;

    use super::*;

    async fn listen() -> (TcpListener, std::net::SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        (listener, address)
    }

    async fn ask(stream: &mut TcpStream) {
        stream.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    }

    async fn read_to_end(mut stream: TcpStream) -> String {
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn a_request_that_has_begun_is_answered_after_the_listener_is_closed() {
        let (begun, finish) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (at_begin, at_finish) = (Arc::clone(&begun), Arc::clone(&finish));
        let route = get(async move || {
            at_begin.notify_one();
            at_finish.notified().await;
            "done"
        });
        let (listener, address) = listen().await;
        let shutdown = CancellationToken::new();
        let options = ServerOptions::default();
        let router = Router::new().route("/", route);
        let server = tokio::spawn(serve(listener, router, options, shutdown.clone()));
        let mut stream = TcpStream::connect(address).await.unwrap();
        ask(&mut stream).await;
        begun.notified().await;

        shutdown.cancel();
        while TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
        finish.notify_one();

        assert!(read_to_end(stream).await.ends_with("done"));
        server.await.unwrap();
    }

    #[tokio::test]
    async fn a_request_that_does_not_end_is_cut_off_when_the_grace_is_over() {
        let begun = Arc::new(Notify::new());
        let at_begin = Arc::clone(&begun);
        let route = get(async move || {
            at_begin.notify_one();
            std::future::pending::<()>().await;
        });
        let (listener, address) = listen().await;
        let shutdown = CancellationToken::new();
        let options = ServerOptions { grace: Duration::from_millis(1), ..Default::default() };
        let router = Router::new().route("/", route);
        let server = tokio::spawn(serve(listener, router, options, shutdown.clone()));
        let mut stream = TcpStream::connect(address).await.unwrap();
        ask(&mut stream).await;
        begun.notified().await;

        shutdown.cancel();

        server.await.unwrap();
        assert_eq!(read_to_end(stream).await, "");
    }

    #[tokio::test]
    async fn a_request_over_its_time_is_answered_503() {
        let (listener, address) = listen().await;
        let shutdown = CancellationToken::new();
        let options =
            ServerOptions { request_timeout: Duration::from_millis(1), ..Default::default() };
        let router = Router::new().route("/", get(std::future::pending::<()>));
        let server = tokio::spawn(serve(listener, router, options, shutdown.clone()));
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await.unwrap();

        assert!(read_to_end(stream).await.starts_with("HTTP/1.1 503 "));
        shutdown.cancel();
        server.await.unwrap();
    }
}
