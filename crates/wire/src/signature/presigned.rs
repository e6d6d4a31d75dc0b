//! A signature in the URL, which whoever has the URL can use until it expires.
//!
//! ```text
//! ?Action=…&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=…&X-Amz-Date=…&X-Amz-Expires=60
//!  &X-Amz-SignedHeaders=host&X-Amz-Signature=…
//! ```
//!
//! All parameters but the signature itself are signed, so a session token in the URL is too.

use super::claim::Claim;
use super::credential::Credential;
use super::request::HttpRequest;
use super::signing_time::{SigningTime, Validity};
use super::{ALGORITHM, SignatureRefusal};
use crate::query::form;

const ALGORITHM_NAME: &str = "X-Amz-Algorithm";
const CREDENTIAL: &str = "X-Amz-Credential";
const DATE: &str = "X-Amz-Date";
const EXPIRES: &str = "X-Amz-Expires";
const SIGNED_HEADERS: &str = "X-Amz-SignedHeaders";
/// The parameter that is the signature.
pub(super) const SIGNATURE: &str = "X-Amz-Signature";

/// Whether the URL has any part of a signature.
pub(super) fn is_presigned(request: &HttpRequest<'_>) -> bool {
    let parts = [ALGORITHM_NAME, CREDENTIAL, SIGNATURE];
    form::pairs(request.query.as_bytes()).any(|(name, _)| parts.contains(&name.as_str()))
}

/// The claim in the URL. One that does not say for how long it holds, holds for 15 minutes.
pub(super) fn claim(request: &HttpRequest<'_>) -> Result<Claim, SignatureRefusal> {
    let parameters: Vec<_> = form::pairs(request.query.as_bytes()).collect();
    let part = |name| part(&parameters, name);
    if part(ALGORITHM_NAME)? != ALGORITHM {
        return Err(SignatureRefusal::UnsupportedAlgorithm);
    }
    let claim = Claim {
        credential: Credential::parse(part(CREDENTIAL)?)?,
        signed_headers: part(SIGNED_HEADERS)?.split(';').map(ToOwned::to_owned).collect(),
        signature: part(SIGNATURE)?.to_owned(),
        signed_at: SigningTime::parse(part(DATE)?)?,
        validity: match count(&parameters, EXPIRES) {
            0 => Validity::Skew,
            _ => Validity::parse(part(EXPIRES)?)?,
        },
    };
    Ok(claim)
}

/// The value of a parameter that is there exactly once: of two, signer and verifier might each
/// mean another.
fn part<'a>(
    parameters: &'a [(String, String)],
    name: &'static str,
) -> Result<&'a str, SignatureRefusal> {
    let found = parameters.iter().find(|(given, _)| given == name);
    let found = found.filter(|_| count(parameters, name) == 1);
    found.map(|(_, value)| value.as_str()).ok_or(SignatureRefusal::MissingInUrl(name))
}

fn count(parameters: &[(String, String)], name: &str) -> usize {
    parameters.iter().filter(|(given, _)| given == name).count()
}
