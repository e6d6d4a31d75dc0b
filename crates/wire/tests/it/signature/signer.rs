//! The AWS SDK's own signer.

use std::time::{Duration, UNIX_EPOCH};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign,
};
use aws_sigv4::sign::v4::SigningParams;

use super::{ACCESS_KEY, NOW, SECRET, Sent};

impl Sent {
    /// The request, signed in its `Authorization` header.
    pub(super) fn signed(self) -> Self {
        self.signed_with(SigningSettings::default(), None)
    }

    /// The request, signed in its URL, for a minute.
    pub(super) fn presigned(self) -> Self {
        let mut settings = SigningSettings::default();
        settings.signature_location = SignatureLocation::QueryParams;
        settings.expires_in = Some(Duration::from_secs(60));
        self.signed_with(settings, None)
    }

    pub(super) fn signed_with(mut self, settings: SigningSettings, token: Option<&str>) -> Self {
        let token = token.map(ToOwned::to_owned);
        let identity = Credentials::new(ACCESS_KEY, SECRET, token, None, "test").into();
        let params = SigningParams::builder()
            .identity(&identity)
            .region("eu-west-1")
            .name("sqs")
            .time(UNIX_EPOCH + Duration::from_millis(NOW.as_millis()))
            .settings(settings)
            .build()
            .unwrap()
            .into();
        let question_mark = if self.query.is_empty() { "" } else { "?" };
        let uri = format!("http://localhost:9324{}{question_mark}{}", self.path, self.query);
        let headers = self.headers.iter();
        let headers = headers.map(|(n, v)| (n.as_str(), std::str::from_utf8(v).unwrap()));
        let body = SignableBody::Bytes(&self.body);
        let signable = SignableRequest::new(&self.method, uri, headers, body).unwrap();
        let (instructions, _) = sign(signable, &params).unwrap().into_parts();
        let (headers, parameters) = instructions.into_parts();
        for header in &headers {
            self = self.with(header.name(), header.value());
        }
        for (name, value) in parameters {
            let separator = if self.query.is_empty() { "" } else { "&" };
            let value = value.replace('/', "%2F").replace(';', "%3B");
            self.query = format!("{}{separator}{name}={value}", self.query);
        }
        self
    }
}
