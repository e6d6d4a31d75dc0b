//! The HTTP client of the AWS SDK.
//!
//! Its TLS trusts the certificates that the system trusts, and panics where there are none, as in
//! a bare container. So they are looked for first: an endpoint without encryption needs none, and
//! any other is refused with a sentence.

use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use thiserror::Error;

/// Why a client of the AWS SDK cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The system trusts no certificate, and the endpoint's URL begins with `https`.
    #[error(
        "this system has no certificates of authorities, which https needs: install the package \
         ca-certificates, or name a file of them in SSL_CERT_FILE"
    )]
    NoCertificates,
}

/// The client for an endpoint; `None` is Amazon's.
pub(crate) fn http_client(endpoint: Option<&str>) -> Result<SharedHttpClient, ConnectError> {
    let has_certificates = !rustls_native_certs::load_native_certs().certs.is_empty();
    if has_certificates {
        return Ok(Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https());
    }
    if endpoint.is_some_and(|endpoint| endpoint.starts_with("http://")) {
        return Ok(Builder::new().build_http());
    }
    Err(ConnectError::NoCertificates)
}
