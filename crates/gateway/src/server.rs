//! The HTTP server under the routes: limits, timeouts, and an end that drops no request.
//!
//! One task accepts connections and owns every connection's task. When told to stop it closes
//! the listener first, lets the requests that have begun be answered, and ends what is left when
//! the grace is over.
//!
//! # Invariants
//!
//! - No more than `connections_max` connections are served at once. When one more comes, the one that has
//!   waited longest for its client gives way. If all are being answered, the new one waits for a place,
//!   and others wait behind it in the listener's backlog.
//! - When [`serve`] returns, no connection of its own is left.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::connection;
use crate::host;
use crate::idle::Idle;
use crate::problem::Problem;

/// How long the listener rests when the system has no room for another connection.
const ACCEPT_REST: Duration = Duration::from_millis(100);

/// How often it is said that connections give way.
const SAY_EVERY: Duration = Duration::from_secs(60);
/// How long a connection that was asked to make way has for it before another is asked.
const ASK_AGAIN_AFTER: Duration = Duration::from_millis(100);

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
    /// Connections that are open at once. Beyond, the one that has waited longest for its client gives
    /// way.
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
    idle: Arc<Idle>,
    connections: JoinSet<()>,
    /// Connections end when what they have begun is answered.
    stop: CancellationToken,
    /// When it was last said that a connection gave way.
    said_at: Option<Instant>,
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
            idle: Arc::default(),
            connections: JoinSet::new(),
            stop: CancellationToken::new(),
            said_at: None,
        }
    }

    /// The next connection with its permit, or `None` when the server is to stop.
    async fn next_connection(
        &mut self,
        listener: &TcpListener,
        shutdown: &CancellationToken,
    ) -> Option<(TcpStream, OwnedSemaphorePermit)> {
        let (permits, idle) = (Arc::clone(&self.permits), Arc::clone(&self.idle));
        let next = async {
            let stream = accept(listener).await;
            let (permit, made_way) = place(permits, &idle).await;
            (stream, permit, made_way)
        };
        tokio::pin!(next);
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return None,
                (stream, permit, made_way) = &mut next => {
                    if made_way {
                        self.say_made_way();
                    }
                    return Some((stream, permit));
                }
                // Connections that have ended are taken out as they end.
                Some(_) = self.connections.join_next(), if !self.connections.is_empty() => {}
            }
        }
    }

    fn spawn_connection(&mut self, stream: TcpStream, permit: OwnedSemaphorePermit) {
        let seat = Arc::new(self.idle.seat());
        let (router, options) = (self.router.clone(), self.options.clone());
        let served = connection::serve(stream, router, options, seat, self.stop.clone());
        self.connections.spawn(async move {
            served.await;
            drop(permit);
        });
    }

    /// Says, once a minute at most, that there are more connections than places.
    fn say_made_way(&mut self) {
        if self.said_at.is_none_or(|at| at.elapsed() >= SAY_EVERY) {
            self.said_at = Some(Instant::now());
            tracing::warn!(
                connections_max = self.options.connections_max,
                "connections that wait for their clients are closed to make way for others"
            );
        }
    }

    async fn drain(mut self) {
        let ended = async {
            self.stop.cancel();
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

/// A place for one more connection, and whether another was asked to make way for it.
async fn place(permits: Arc<Semaphore>, idle: &Idle) -> (OwnedSemaphorePermit, bool) {
    if let Ok(permit) = Arc::clone(&permits).try_acquire_owned() {
        return (permit, false);
    }
    let (permit, mut made_way) = (permits.acquire_owned(), false);
    tokio::pin!(permit);
    loop {
        let is_asked = idle.send_one_away();
        made_way |= is_asked;
        tokio::select! {
            permit = &mut permit => {
                return (permit.expect("the semaphore is never closed"), made_way);
            }
            () = idle.more(), if !is_asked => {}
            // Who was asked has an answer to send first, to a client that may not read it.
            () = tokio::time::sleep(ASK_AGAIN_AFTER), if is_asked => {}
        }
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
    async fn c10_a_client_that_reads_no_answer_keeps_no_other_from_its_place() {
        let large = get(async || "x".repeat(32 << 20));
        let (listener, address) = listen().await;
        let shutdown = CancellationToken::new();
        let options = ServerOptions { connections_max: 2, ..Default::default() };
        let router = Router::new().route("/", large).route("/quick", get(async || "quick"));
        let server = tokio::spawn(serve(listener, router, options, shutdown.clone()));
        let mut reads_nothing = TcpStream::connect(address).await.unwrap();
        ask(&mut reads_nothing).await;
        reads_nothing.readable().await.unwrap();
        let silent = TcpStream::connect(address).await.unwrap();

        let mut other = TcpStream::connect(address).await.unwrap();
        let request = b"GET /quick HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
        other.write_all(request).await.unwrap();
        // Long before either of them is hung up on.
        let answer = tokio::time::timeout(Duration::from_secs(3), read_to_end(other)).await;
        assert!(answer.unwrap().ends_with("quick"));
        assert_eq!(read_to_end(silent).await, "", "it has given way");
        shutdown.cancel();
        drop(reads_nothing);
        server.await.unwrap();
    }

    #[tokio::test]
    async fn c10_silent_connections_lock_nobody_out_and_who_is_being_answered_stays() {
        let (begun, finish) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (at_begin, at_finish) = (Arc::clone(&begun), Arc::clone(&finish));
        let slow = get(async move || {
            at_begin.notify_one();
            at_finish.notified().await;
            "done"
        });
        let (listener, address) = listen().await;
        let shutdown = CancellationToken::new();
        let options = ServerOptions { connections_max: 3, ..Default::default() };
        let router = Router::new().route("/", slow).route("/quick", get(async || "quick"));
        let server = tokio::spawn(serve(listener, router, options, shutdown.clone()));
        let mut busy = TcpStream::connect(address).await.unwrap();
        ask(&mut busy).await;
        begun.notified().await;
        let mut silent = Vec::new();
        for _ in 0..10 {
            silent.push(TcpStream::connect(address).await.unwrap());
        }

        let mut other = TcpStream::connect(address).await.unwrap();
        other
            .write_all(b"GET /quick HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
            .await
            .unwrap();
        // Long before the silent ones are hung up on for their silence.
        let answer = tokio::time::timeout(Duration::from_secs(10), read_to_end(other)).await;
        assert!(answer.unwrap().ends_with("quick"));
        assert_eq!(read_to_end(silent.remove(0)).await, "", "it has given way");
        finish.notify_one();
        shutdown.cancel();
        assert!(read_to_end(busy).await.ends_with("done"));
        drop(silent);
        server.await.unwrap();
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
