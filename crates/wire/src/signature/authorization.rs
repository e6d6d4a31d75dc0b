//! A signature in the `Authorization` header.
//!
//! ```text
//! AWS4-HMAC-SHA256 Credential=<credential>, SignedHeaders=host;x-amz-date, Signature=<hex>
//! ```

use super::claim::Claim;
use super::credential::Credential;
use super::request::HttpRequest;
use super::signing_time::{SigningTime, Validity};
use super::{ALGORITHM, SignatureRefusal};

/// The claim in an `Authorization` header.
pub(super) fn claim(request: &HttpRequest<'_>, header: &str) -> Result<Claim, SignatureRefusal> {
    let (algorithm, parts) = header.trim().split_once(' ').unwrap_or((header.trim(), ""));
    if algorithm != ALGORITHM {
        return Err(SignatureRefusal::UnsupportedAlgorithm);
    }
    let part = |name| part(parts, name).ok_or(SignatureRefusal::MissingInHeader(name));
    let credential = Credential::parse(part("Credential")?)?;
    let signed_headers = part("SignedHeaders")?.split(';').map(ToOwned::to_owned).collect();
    let signature = part("Signature")?.to_owned();
    let (date_header, date) = date(request)?;
    let signed_at = SigningTime::parse(date)?;
    let claim =
        Claim { credential, signed_headers, signature, signed_at, validity: Validity::Skew };
    claim.check_signs(date_header)?;
    Ok(claim)
}

/// The value of `<name>=<value>` between commas; `None` if it is not there exactly once.
fn part<'a>(parts: &'a str, name: &str) -> Option<&'a str> {
    let named = |part: &'a str| {
        let (given, value) = part.trim().split_once('=')?;
        (given == name && !value.is_empty()).then_some(value)
    };
    let mut values = parts.split(',').filter_map(named);
    values.next().filter(|_| values.next().is_none())
}

/// The header that has the date, and the date.
fn date<'a>(request: &HttpRequest<'a>) -> Result<(&'static str, &'a str), SignatureRefusal> {
    for name in ["x-amz-date", "date"] {
        if request.has(name) {
            let date = request.text(name).ok_or(SignatureRefusal::MalformedDate)?;
            return Ok((name, date.trim()));
        }
    }
    Err(SignatureRefusal::MissingDate)
}
