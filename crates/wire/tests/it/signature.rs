//! Signatures: what the AWS SDK's own signer signs is accepted, and nothing else.

mod accepted;
mod malformed;
mod random;
mod refused;
mod signer;

use std::time::Duration;

use longshore_types::Timestamp;
use longshore_wire::signature::{Claim, HttpRequest, SecretKey, SignatureRefusal};

const ACCESS_KEY: &str = "AKIDEXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
/// 23 November 2026, 13:04:40 UTC.
const NOW: Timestamp = Timestamp::from_millis(1_795_439_080_000);

/// A request of the test's own, which can be changed.
#[derive(Clone, Debug)]
struct Sent {
    method: String,
    path: String,
    query: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

impl Sent {
    fn new(method: &str, path: &str, query: &str, body: &[u8]) -> Self {
        let (method, path, query) = (method.to_owned(), path.to_owned(), query.to_owned());
        Self { method, path, query, headers: vec![], body: body.to_vec() }
            .with("host", "localhost:9324")
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.as_bytes().to_vec()));
        self
    }

    /// A send in JSON.
    fn json() -> Self {
        Self::new("POST", "/", "", br#"{"QueueUrl":"http://localhost/1/jobs","MessageBody":"x"}"#)
            .with("content-type", "application/x-amz-json-1.0")
            .with("x-amz-target", "AmazonSQS.SendMessage")
    }

    fn header(&mut self, name: &str) -> &mut Vec<u8> {
        let found = self.headers.iter_mut().find(|(given, _)| given == name);
        &mut found.unwrap().1
    }

    fn replace(&mut self, name: &str, from: &str, to: &str) {
        let header = self.header(name);
        let text = String::from_utf8(header.clone()).unwrap();
        assert!(text.contains(from), "{text}");
        *header = text.replace(from, to).into_bytes();
    }

    fn view<T>(&self, look: impl FnOnce(&HttpRequest<'_>) -> T) -> T {
        let headers: Vec<_> = self.headers.iter().map(|(n, v)| (n.as_str(), &v[..])).collect();
        look(&HttpRequest {
            method: &self.method,
            path: &self.path,
            query: &self.query,
            headers: &headers,
            body: &self.body,
        })
    }

    fn verify_at(&self, secret: &str, now: Timestamp) -> Result<String, SignatureRefusal> {
        self.view(|request| {
            let claim = Claim::of(request)?;
            claim.verify(request, &SecretKey::new(secret), now)?;
            Ok(claim.credential().access_key.clone())
        })
    }

    fn verify(&self) -> Result<String, SignatureRefusal> {
        self.verify_at(SECRET, NOW)
    }

    #[track_caller]
    fn assert_accepted(&self) {
        assert_eq!(self.verify().as_deref(), Ok(ACCESS_KEY), "{self:?}");
    }
}

fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(60 * minutes)
}
