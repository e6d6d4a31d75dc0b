//! The exporter's client of HTTP: hyper on a runtime of its own, with TLS by rustls and ring.
//!
//! It is called on the exporter's thread, which no runtime drives, for one request after the other.
//!
//! # Invariants
//!
//! - That the endpoint does not take spans is logged once, and once that it does again, however many requests fail.
//! - What a request bears, headers among it, is never logged; nor what is answered.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use http::Uri;
use http::uri::Scheme;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client as Hyper;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

use crate::exit::Fault;
use crate::tasks::error_chain;

/// Bytes of an answer: it says at most why spans were not taken.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// A client for one endpoint.
#[derive(Debug)]
pub(super) struct Client {
    runtime: Runtime,
    hyper: Hyper<HttpsConnector<HttpConnector>, Full<Bytes>>,
    url: String,
    request_max: Duration,
    is_failing: AtomicBool,
}

impl Client {
    pub(super) fn new(url: &str, request_max: Duration) -> Result<Self, Fault> {
        let runtime = Builder::new_current_thread().enable_all().build().map_err(|fault| {
            Fault::cannot_start(format!("the system gives no runtime for the exporter: {fault}"))
        })?;
        // Between two requests nobody drives a connection, so none is kept.
        let mut hyper = Hyper::builder(TokioExecutor::new());
        let hyper = hyper.pool_max_idle_per_host(0).build(connector(url)?);
        let is_failing = AtomicBool::new(false);
        Ok(Self { runtime, hyper, url: url.to_owned(), request_max, is_failing })
    }

    async fn ask(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let answer = async {
            let answer = self.hyper.request(request.map(Full::new)).await?;
            let (head, body) = answer.into_parts();
            let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await?.to_bytes();
            Ok::<_, HttpError>(Response::from_parts(head, body))
        };
        timeout(self.request_max, answer).await?
    }

    fn note(&self, answer: &Result<Response<Bytes>, HttpError>) {
        let fault = match answer {
            Ok(answer) if answer.status().is_success() => None,
            Ok(answer) => Some(format!("it answers {}", answer.status())),
            Err(fault) => Some(error_chain(&**fault).join(": ")),
        };
        let was_failing = self.is_failing.swap(fault.is_some(), Ordering::Relaxed);
        let endpoint = &self.url;
        match fault {
            Some(fault) if !was_failing => {
                tracing::warn!(
                    endpoint,
                    fault,
                    "spans are not exported, and are lost until they are"
                );
            }
            None if was_failing => tracing::info!(endpoint, "spans are exported again"),
            _ => {}
        }
    }
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let answer = self.runtime.block_on(self.ask(request));
        self.note(&answer);
        answer
    }
}

/// TCP, with TLS where the URL asks for it; the system's certificates are looked for only then.
fn connector(url: &str) -> Result<HttpsConnector<HttpConnector>, Fault> {
    let (builder, provider) = (HttpsConnectorBuilder::new(), ring::default_provider());
    let with_tls = url.parse::<Uri>().is_ok_and(|url| url.scheme() == Some(&Scheme::HTTPS));
    let builder = if with_tls {
        builder.with_provider_and_native_roots(provider).map_err(|fault| {
            Fault::cannot_start(format!("no certificates to trust the OTLP endpoint by: {fault}"))
        })?
    } else {
        let tls = ClientConfig::builder_with_provider(provider.into());
        let tls = tls.with_safe_default_protocol_versions().expect("ring has ciphers for them");
        let tls = tls.with_root_certificates(RootCertStore::empty());
        builder.with_tls_config(tls.with_no_client_auth())
    };
    Ok(builder.https_or_http().enable_http1().build())
}
