//! One request to the endpoint and its answer: made, signed, sent, and, within a limit of time, answered and read whole.
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
use std::time::Duration;

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
use super::skew::Skew;
use crate::clock::SystemClock;
use crate::transport::{Action, Cause};

/// Bytes of an answer: ten messages of 1 MiB, each of whose bytes JSON may write as six.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;
const CONTENT: &str = "application/x-amz-json-1.0";
const AGENT: &str = concat!("longshore/", env!("CARGO_PKG_VERSION"));
const TARGET: &str = "x-amz-target";
/// Has errors named as SQS's first protocol did too, which many know them by.
const QUERY_MODE: (&str, &str) = ("x-amzn-query-mode", "true");

/// Where requests go and how they are signed. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Channel {
    http: HttpClient,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    address: Result<Address, NoAddress>,
    credentials: CredentialsCache,
    skew: Skew,
}

/// The endpoint, and the region that signatures are for.
#[derive(Debug)]
pub(super) struct Address {
    pub(super) url: String,
    uri: Uri,
    region: String,
}

impl Address {
    /// The endpoint at `url`, whose path ends in `/`, as that of requests to it does.
    pub(super) fn of(url: &str, region: String) -> Result<Self, NoAddress> {
        let path = url.split(['?', '#']).next().unwrap_or_default();
        let url = format!("{}/", path.trim_end_matches('/'));
        let uri = url.parse();
        let uri = uri.map_err(|why| NoAddress(format!("{url} is no URL of an endpoint: {why}")))?;
        Ok(Self { url, uri, region })
    }
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
        let shared = Shared { address, credentials, skew: Skew::default() };
        Self { http: http::client(), shared: Arc::new(shared) }
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
        let request = self.request(action, body).await.map_err(NoAnswer::NotMade)?;
        let answered = tokio::time::timeout(within, self.answer_to(request)).await;
        answered.unwrap_or(Err(NoAnswer::TimedOut(within)))
    }

    async fn answer_to(&self, request: Request<Full<Bytes>>) -> Result<Answer, NoAnswer> {
        let asked_at = SystemClock.now();
        let (head, body) = self.http.request(request).await?.into_parts();
        self.shared.skew.learn(&head.headers, asked_at, SystemClock.now());
        let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await;
        let body = body.map_err(NoAnswer::Unreadable)?.to_bytes();
        Ok(Answer { status: head.status, headers: head.headers, body })
    }

    async fn request(&self, action: Action, body: Bytes) -> Result<Request<Full<Bytes>>, Cause> {
        let Shared { address, credentials, skew } = &*self.shared;
        let address = address.as_ref().map_err(Clone::clone)?;
        let identity = credentials.identity(&SystemClock).await?;
        let target = format!("AmazonSQS.{action}");
        let headers = [(CONTENT_TYPE.as_str(), CONTENT), (TARGET, &target), QUERY_MODE];
        let signature = signature(&headers, &body, address, &identity, skew)?;
        let mut request = Request::post(address.uri.clone()).header(USER_AGENT, AGENT);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let mut request = request.body(Full::new(body))?;
        signature.apply_to_request_http1x(&mut request);
        Ok(request)
    }
}

/// The headers that show who asks, made now.
fn signature(
    headers: &[(&str, &str)],
    body: &[u8],
    address: &Address,
    identity: &Identity,
    skew: &Skew,
) -> Result<SigningInstructions, Cause> {
    let parameters = v4::SigningParams::builder()
        .identity(identity)
        .region(&address.region)
        .name("sqs")
        .time(skew.corrected(SystemClock.now()))
        .settings(SigningSettings::default())
        .build()?;
    let headers = headers.iter().copied();
    let signable = SignableRequest::new("POST", &*address.url, headers, SignableBody::Bytes(body))?;
    Ok(sign(signable, &parameters.into())?.into_parts().0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_go_to_a_path_that_ends_in_a_slash() {
        for (url, wanted) in [
            ("http://127.0.0.1:9324", "http://127.0.0.1:9324/"),
            ("https://queues.example/sqs", "https://queues.example/sqs/"),
            ("https://queues.example/sqs/?a=b", "https://queues.example/sqs/"),
        ] {
            let address = Address::of(url, "us-east-1".to_owned()).unwrap();
            assert_eq!((address.url.as_str(), address.uri.to_string().as_str()), (wanted, wanted));
        }
        assert!(Address::of("no place", "us-east-1".to_owned()).is_err());
    }
}
