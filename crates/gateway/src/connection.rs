//! One connection: its requests are answered until it ends, gives way to others or is told to stop.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::Request;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpStream;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::idle::Seat;
use crate::server::ServerOptions;

/// How long a client has for reading the answer that its connection has left when it gives way.
const READ_WITHIN: Duration = Duration::from_secs(5);

/// Serves `router` on a connection. After `stop`, and when it gives way, what has begun is answered.
pub(crate) async fn serve(
    stream: TcpStream,
    router: Router,
    options: ServerOptions,
    seat: Arc<Seat>,
    stop: CancellationToken,
) {
    // Small answers wait for nothing: without this a keep-alive client pays 40 ms a request.
    if let Err(fault) = stream.set_nodelay(true) {
        tracing::debug!(%fault, "TCP_NODELAY could not be set");
    }
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(options.head_timeout)
        .max_buf_size(options.head_bytes_max)
        .serve_connection(TokioIo::new(stream), Seated::new(router, &seat));
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        // What has arrived is read before the connection gives way, and what is answered is sent.
        biased;
        ended = connection.as_mut() => ended,
        () = seat.gives_way() => {
            // Nothing was begun that could be answered.
            if !seat.has_asked() {
                return;
            }
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                ended = connection.as_mut() => ended,
                () = is_not_read(&seat) => return,
            }
        }
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(fault) = ended {
        tracing::debug!(%fault, "a connection ended early");
    }
}

/// Resolves when nothing is being answered any more, and the client has had its time to read.
async fn is_not_read(seat: &Seat) {
    loop {
        sleep(READ_WITHIN).await;
        if !seat.is_working() {
            return;
        }
    }
}

/// The router, and the seat of the connection whose requests it answers.
struct Seated {
    router: TowerToHyperService<Router>,
    seat: Arc<Seat>,
}

impl Seated {
    fn new(router: Router, seat: &Arc<Seat>) -> Self {
        Self { router: TowerToHyperService::new(router), seat: Arc::clone(seat) }
    }
}

impl Service<Request<Incoming>> for Seated {
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        self.seat.works();
        let (answer, seat) = (self.router.call(request), Arc::clone(&self.seat));
        Box::pin(async move {
            let answer = answer.await;
            seat.waits();
            answer
        })
    }
}
