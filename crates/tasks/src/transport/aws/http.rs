//! The HTTP client that messages travel by: connections that are kept and taken again.

use std::sync::Arc;
use std::time::Duration;

use ::http::Uri;
use bytes::Bytes;
use http_body_util::Full;
use hyper_rustls::{HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tower::BoxError;
use tower::timeout::Timeout;
use tower::util::BoxCloneSyncService;

use crate::aws::config::CONNECT_TIMEOUT;

/// Sends requests over a pool of connections, each driven by the runtime whose request it was opened for. Cheap to
/// clone.
pub(super) type HttpClient = Client<Connector, Full<Bytes>>;

type Connector = BoxCloneSyncService<Uri, MaybeHttpsStream<TokioIo<TcpStream>>, BoxError>;

/// For how long a connection is kept that nobody uses.
const IDLE: Duration = Duration::from_secs(20);

/// A client with no connection yet. An encrypted endpoint is known by the certificates that the system trusts.
pub(super) fn client() -> HttpClient {
    Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE)
        .build(connector())
}

/// Finds the host, connects, and agrees on keys, all within one limit of time.
fn connector() -> Connector {
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    http.set_nodelay(true);
    let https = HttpsConnectorBuilder::new()
        .with_tls_config(tls())
        .https_or_http()
        .enable_http1()
        .wrap_connector(http);
    BoxCloneSyncService::new(Timeout::new(https, CONNECT_TIMEOUT))
}

fn tls() -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring has what both versions of TLS need")
        .with_root_certificates(roots)
        .with_no_client_auth()
}
