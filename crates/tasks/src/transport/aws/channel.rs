//! One request to the endpoint and its answer: made, signed, sent, and read whole, within a limit of time.
//!
//! The SDK's client would do as much, at several times the processor time of everything else that a
//! message costs. What makes a client of AWS hard to write is the SDK's here too: where the endpoint and
//! the credentials are, and the signature.
//!
//! # Invariants
//!
//! - Nothing is tried again here, except what the connection pool found closed before a byte was written.
//! - What an answer says is held up to [`ANSWER_BYTES_MAX`].

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use ::http::header::{CONTENT_TYPE, USER_AGENT};
use ::http::{HeaderMap, Request, StatusCode, Uri};
use aws_sigv4::http_request::{
    SignableBody, SignableRequest, SigningInstructions, SigningSettings, sign,
};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::identity::Identity;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use longshore_types::Clock as _;
use thiserror::Error;

use super::credentials::CredentialsCache;
use super::http::{self, HttpClient};
use crate::clock::SystemClock;
use crate::transport::{Action, Cause};
use rustls::ClientConfig;

/// Bytes of an answer: ten messages of 1 MiB, each of whose bytes JSON may write as six.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;
const CONTENT: &str = "application/x-amz-json-1.0";
const AGENT: &str = concat!("longshore/", env!("CARGO_PKG_VERSION"));
const TARGET: &str = "x-amz-target";

/// Where requests go and how they are signed. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Channel {
    http: HttpClient,
    shared: Arc<Shared>,
}

/// What channels to one endpoint share that have connections of their own.
#[derive(Debug)]
struct Shared {
    tls: ClientConfig,
    address: Result<Address, NoAddress>,
    credentials: CredentialsCache,
}

/// The endpoint, and the region that signatures are for.
#[derive(Debug)]
pub(super) struct Address {
    pub(super) endpoint: Uri,
    pub(super) region: String,
}

/// Why there is nowhere to send a request to.
#[derive(Clone, Debug, Error)]
#[error("{0}")]
pub(super) struct NoAddress(pub(super) String);

/// An answer that was read whole, whatever it says.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// Why there is no answer.
#[derive(Debug, Error)]
pub(super) enum NoAnswer {
    /// The request never left.
    #[error("the request could not be made")]
    NotMade(#[source] Cause),
    /// No connection, or one that broke.
    #[error("the connection to the endpoint failed")]
    Connection(#[from] hyper_util::client::legacy::Error),
    /// The answer broke off, or is too long.
    #[error("the answer could not be read to its end")]
    Unreadable(#[source] Cause),
    /// Nothing came in time.
    #[error("there was no answer within {0:?}")]
    TimedOut(Duration),
}

impl NoAnswer {
    /// Whether the endpoint has certainly seen nothing of the request.
    pub(super) fn never_left(&self) -> bool {
        match self {
            Self::NotMade(_) => true,
            Self::Connection(error) => error.is_connect(),
            Self::Unreadable(_) | Self::TimedOut(_) => false,
        }
    }
}

impl Channel {
    pub(super) fn new(address: Result<Address, NoAddress>, credentials: CredentialsCache) -> Self {
        let tls = http::tls();
        let http = http::client(tls.clone());
        Self { http, shared: Arc::new(Shared { tls, address, credentials }) }
    }

    /// The same over connections of its own, which the runtime drives that first asks by it.
    pub(super) fn separated(&self) -> Self {
        Self { http: http::client(self.shared.tls.clone()), shared: Arc::clone(&self.shared) }
    }

    /// Sends the request of `action` and reads its answer.
    ///
    /// # Cancel safety
    ///
    /// A dropped call may have been carried out; its connection is closed.
    pub(super) async fn ask(
        &self,
        action: Action,
        body: Bytes,
        within: Duration,
    ) -> Result<Answer, NoAnswer> {
        let answered = tokio::time::timeout(within, self.answer_to(action, body)).await;
        answered.unwrap_or(Err(NoAnswer::TimedOut(within)))
    }

    async fn answer_to(&self, action: Action, body: Bytes) -> Result<Answer, NoAnswer> {
        let request = self.request(action, body).await.map_err(NoAnswer::NotMade)?;
        let (head, body) = self.http.request(request).await?.into_parts();
        let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await;
        let body = body.map_err(NoAnswer::Unreadable)?.to_bytes();
        Ok(Answer { status: head.status, headers: head.headers, body })
    }

    async fn request(&self, action: Action, body: Bytes) -> Result<Request<Full<Bytes>>, Cause> {
        let Shared { address, credentials, .. } = &*self.shared;
        let address = address.as_ref().map_err(Clone::clone)?;
        let identity = credentials.identity(&SystemClock).await?;
        let target = format!("AmazonSQS.{action}");
        let signature = signature(&target, &body, address, &identity)?;
        let mut request = Request::post(address.endpoint.clone())
            .header(CONTENT_TYPE, CONTENT)
            .header(USER_AGENT, AGENT)
            .header(TARGET, target)
            .body(Full::new(body))?;
        signature.apply_to_request_http1x(&mut request);
        Ok(request)
    }
}

/// The headers that show who asks, made now.
fn signature(
    target: &str,
    body: &[u8],
    address: &Address,
    identity: &Identity,
) -> Result<SigningInstructions, Cause> {
    let now = UNIX_EPOCH + Duration::from_millis(SystemClock.now().as_millis());
    let parameters = v4::SigningParams::builder()
        .identity(identity)
        .region(&address.region)
        .name("sqs")
        .time(now)
        .settings(SigningSettings::default())
        .build()?;
    let endpoint = address.endpoint.to_string();
    let headers = [(CONTENT_TYPE.as_str(), CONTENT), (TARGET, target)].into_iter();
    let signable = SignableRequest::new("POST", &endpoint, headers, SignableBody::Bytes(body))?;
    Ok(sign(signable, &parameters.into())?.into_parts().0)
}
