//! One connection: its requests are answered until it ends, gives way to others or is told to stop.

use std::sync::Arc;

use axum::Router;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use crate::idle::Seat;
use crate::server::ServerOptions;

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
    let (service, seated) = (TowerToHyperService::new(router), Arc::clone(&seat));
    let service = service_fn(move |request| {
        seated.works();
        let (answer, seat) = (service.call(request), Arc::clone(&seated));
        async move {
            let answer = answer.await;
            seat.waits();
            answer
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(options.head_timeout)
        .max_buf_size(options.head_bytes_max)
        .serve_connection(TokioIo::new(stream), service);
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
            connection.await
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
