//! Requests that are signed by the AWS SDK's own signer.

use std::fmt::Write as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    SignableBody, SignableRequest, SignatureLocation, SigningInstructions, SigningSettings, sign,
};
use aws_sigv4::sign::v4::SigningParams;
use longshore_broker::clock::{Clock, SystemClock};

use crate::http::Server;

const FORM: &str = "application/x-www-form-urlencoded";

/// An access key, in use.
#[derive(Clone, Copy, Debug)]
pub(super) struct Signer {
    pub(super) id: &'static str,
    pub(super) secret: &'static str,
}

impl Signer {
    /// The head of a request in JSON.
    pub(super) fn json_head(self, server: &Server, action: &str, body: &str) -> String {
        let target = format!("AmazonSQS.{action}");
        let headers = [("content-type", "application/x-amz-json-1.0"), ("x-amz-target", &target)];
        self.head(server, &headers, body)
    }

    pub(super) async fn json(self, server: &Server, action: &str, body: &str) -> String {
        server.exchange_as_is(&self.json_head(server, action, body), body).await
    }

    pub(super) async fn form(self, server: &Server, form: &str) -> String {
        server.exchange_as_is(&self.head(server, &[("content-type", FORM)], form), form).await
    }

    /// A GET of a URL that is signed for a minute.
    pub(super) async fn presigned(self, server: &Server, query: &str) -> String {
        let mut settings = SigningSettings::default();
        settings.signature_location = SignatureLocation::QueryParams;
        settings.expires_in = Some(Duration::from_secs(60));
        let host = server.address.to_string();
        let uri = format!("http://{host}/?{query}");
        let signed = self.sign("GET", &uri, &[("host", &host)], "", settings);
        let mut parameters = String::new();
        for (name, value) in signed.params() {
            let value = value.replace('/', "%2F").replace(';', "%3B");
            write!(parameters, "&{name}={value}").unwrap();
        }
        server.exchange(&format!("GET /?{query}{parameters} HTTP/1.1"), "").await
    }

    fn head(self, server: &Server, headers: &[(&str, &str)], body: &str) -> String {
        let host = server.address.to_string();
        let uri = format!("http://{host}/");
        let headers = [headers, &[("host", &host)]].concat();
        let signed = self.sign("POST", &uri, &headers, body, SigningSettings::default());
        let length = body.len();
        let mut head = format!("POST / HTTP/1.1\r\ncontent-length: {length}\r\nconnection: close");
        for (name, value) in headers.into_iter().chain(signed.headers()) {
            write!(head, "\r\n{name}: {value}").unwrap();
        }
        head
    }

    fn sign(
        self,
        method: &str,
        uri: &str,
        headers: &[(&str, &str)],
        body: &str,
        settings: SigningSettings,
    ) -> SigningInstructions {
        let identity = Credentials::new(self.id, self.secret, None, None, "test").into();
        let params = SigningParams::builder()
            .identity(&identity)
            .region("us-east-1")
            .name("sqs")
            .time(now())
            .settings(settings)
            .build()
            .unwrap()
            .into();
        let body = SignableBody::Bytes(body.as_bytes());
        let request = SignableRequest::new(method, uri, headers.iter().copied(), body).unwrap();
        sign(request, &params).unwrap().into_parts().0
    }
}

fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(SystemClock::start().wall().as_millis())
}
