//! What a request says of its signer, and whether it is true.

use hmac::Mac;
use longshore_types::Timestamp;

use super::credential::Credential;
use super::key::SecretKey;
use super::request::HttpRequest;
use super::signing_time::{SigningTime, Validity};
use super::{ALGORITHM, SignatureRefusal, authorization, canonical, presigned};
use crate::query::form;

/// Headers that give a request its meaning: who sends one must sign it. The first is always there.
const MUST_BE_SIGNED: [&str; 3] = ["host", "x-amz-target", "x-amz-security-token"];

/// What a request says of its signer.
#[derive(Clone, PartialEq, Eq)]
pub struct Claim {
    pub(super) credential: Credential,
    /// The names of the signed headers, in the signer's order.
    pub(super) signed_headers: Vec<String>,
    /// As it was sent; what is no hexadecimal number matches nothing.
    pub(super) signature: String,
    pub(super) signed_at: SigningTime,
    pub(super) validity: Validity,
}

impl std::fmt::Debug for Claim {
    /// Without the signature, with which the request could be sent again.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Claim").field("credential", &self.credential).finish_non_exhaustive()
    }
}

impl Claim {
    /// Reads what a request says of its signer, from its `Authorization` header, or else its URL.
    ///
    /// # Errors
    ///
    /// [`SignatureRefusal::Missing`] if it says nothing; another if it cannot be read, or does not
    /// cover what gives the request its meaning.
    pub fn of(request: &HttpRequest<'_>) -> Result<Self, SignatureRefusal> {
        let header = request.text("authorization");
        let claim = match header.filter(|header| !header.trim().is_empty()) {
            Some(header) => authorization::claim(request, header)?,
            None if presigned::is_presigned(request) => presigned::claim(request)?,
            None if is_version_2(request) => return Err(SignatureRefusal::UnsupportedAlgorithm),
            None => return Err(SignatureRefusal::Missing),
        };
        let (host, others) = MUST_BE_SIGNED.split_first().expect("the list has a first name");
        claim.check_signs(host)?;
        for name in others.iter().filter(|name| request.has(name)) {
            claim.check_signs(name)?;
        }
        claim.check_day()?;
        Ok(claim)
    }

    /// The access key and its scope: not yet known to be true.
    pub const fn credential(&self) -> &Credential {
        &self.credential
    }

    /// Verifies that the request is as it was signed, with this secret, and not too long ago.
    ///
    /// # Errors
    ///
    /// [`SignatureRefusal::Expired`] or [`SignatureRefusal::NotYetCurrent`],
    /// [`SignatureRefusal::UnsignedPayload`], or [`SignatureRefusal::Mismatch`].
    pub fn verify(
        &self,
        request: &HttpRequest<'_>,
        secret: &SecretKey,
        now: Timestamp,
    ) -> Result<(), SignatureRefusal> {
        self.validity.check(self.signed_at, now)?;
        check_payload(request)?;
        let signed = secret.sign(&self.credential, self.string_to_sign(request).as_bytes());
        let claimed = hex::decode(&self.signature).map_err(|_| SignatureRefusal::Mismatch)?;
        // Compares in constant time.
        signed.verify_slice(&claimed).map_err(|_| SignatureRefusal::Mismatch)
    }

    fn string_to_sign(&self, request: &HttpRequest<'_>) -> String {
        let (date, scope) = (self.signed_at.basic(), self.credential.scope());
        let digest = canonical::digest(request, &self.signed_headers);
        format!("{ALGORITHM}\n{date}\n{scope}\n{digest}")
    }

    /// Refuses unless the header is in the list of signed ones.
    pub(super) fn check_signs(&self, name: &'static str) -> Result<(), SignatureRefusal> {
        if self.signed_headers.iter().any(|signed| signed == name) {
            return Ok(());
        }
        Err(SignatureRefusal::NotSigned(name))
    }

    /// The scope is of the day of the date: a key that is derived for a day signs no other.
    fn check_day(&self) -> Result<(), SignatureRefusal> {
        let date = self.signed_at.day();
        if self.credential.day == date {
            return Ok(());
        }
        Err(SignatureRefusal::WrongDay { scope: self.credential.day.clone(), date })
    }
}

/// A signer may say in a header what it took the body to be; that must be the body's own digest.
fn check_payload(request: &HttpRequest<'_>) -> Result<(), SignatureRefusal> {
    match request.text("x-amz-content-sha256").map(str::trim) {
        None => Ok(()),
        Some("UNSIGNED-PAYLOAD") => Err(SignatureRefusal::UnsignedPayload),
        Some(claimed) if claimed == canonical::sha256(request.body) => Ok(()),
        Some(_) => Err(SignatureRefusal::Mismatch),
    }
}

/// Whether the request is signed as it was before 2012: by parameters of the URL or of a form.
fn is_version_2(request: &HttpRequest<'_>) -> bool {
    let of_version_2 = |form: &[u8]| form::pairs(form).any(|(name, _)| name == "SignatureVersion");
    let is_form = request.text("content-type").is_some_and(|it| it.contains("form-urlencoded"));
    of_version_2(request.query.as_bytes()) || (is_form && of_version_2(request.body))
}
