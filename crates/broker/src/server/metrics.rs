//! `GET /metrics`, on a listener of its own: whoever may read numbers need not reach the queues.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::{Method, Request, Response, StatusCode};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::admission::{self, KnownHost};
use super::connections::{Within, accept, connection, drain};
use super::hosts::{AllowedHost, Hosts};
use super::respond;
use super::watched::Timeouts;
use crate::bounds::{Budget, ClientBounds, Clients, Pressure};
use crate::broker::Broker;
use crate::metrics::MEDIA_TYPE;

/// Scrapers at once; beyond, one that is idle gives way.
const PLACES: ClientBounds = ClientBounds { connections_max: 16, of_peer_max: 16 };
/// Bytes of their requests' heads.
const BYTES_MAX: u64 = 1 << 20;
/// How long the end waits for scrapes under way.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(2);

/// Serves the broker's metrics as `OpenMetrics` text at `GET /metrics` to whoever connects to
/// `listener`, until `shutdown`. They bear the names of queues, regions and accounts, and nothing
/// of any message. The hosts that are served are those of a broker without signatures, and
/// `allowed_hosts`.
pub async fn serve_metrics(
    broker: Broker,
    listener: TcpListener,
    allowed_hosts: Vec<AllowedHost>,
    shutdown: CancellationToken,
) {
    let hosts = Arc::new(Hosts::new(&allowed_hosts, None));
    let connections = TaskTracker::new();
    let pressure = Arc::<Pressure>::default();
    let clients = Clients::new(PLACES, Arc::clone(&pressure));
    let budget = Budget::new(BYTES_MAX, Arc::clone(&clients), pressure);
    let within = Within { budget, timeouts: Timeouts::default(), stop: shutdown.clone() };
    let serve = |stream, place| {
        let (broker, hosts, within) = (broker.clone(), Arc::clone(&hosts), within.clone());
        async move {
            connection(stream, place, within, |request| answer(&broker, &hosts, request)).await;
        }
    };
    tokio::select! {
        () = accept(&listener, &clients, &connections, serve) => {}
        () = shutdown.cancelled() => {}
    }
    drop(listener);
    drain(&connections, DRAIN_TIMEOUT).await;
}

async fn answer(
    broker: &Broker,
    hosts: &Hosts,
    mut request: Request<Incoming>,
) -> Response<Full<Bytes>> {
    if let Err((status, sentence)) =
        admission::enter(&mut request, Some(hosts), &KnownHost::default())
    {
        return respond::plain(status, sentence);
    }
    match (request.uri().path(), request.method()) {
        ("/metrics", &Method::GET | &Method::HEAD) => scrape(broker).await,
        ("/metrics", _) => respond::method_not_allowed("GET, HEAD", "ask with GET"),
        _ => respond::plain(StatusCode::NOT_FOUND, "the metrics are at /metrics"),
    }
}

/// Many queues make a long text, which would keep others waiting on this thread.
async fn scrape(broker: &Broker) -> Response<Full<Bytes>> {
    let broker = broker.clone();
    let page = tokio::task::spawn_blocking(move || broker.metrics()).await;
    let page = page.expect("rendering numbers does not panic");
    respond::with_type(StatusCode::OK, MEDIA_TYPE, page.into_bytes())
}
