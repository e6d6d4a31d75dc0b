//! How each refusal of a signature is spelled.

use super::SqsError;
use crate::signature::SignatureRefusal;

impl SqsError {
    /// The error for a request to `resource`, the URL that was asked, whose signature is refused.
    pub fn of_signature(refusal: &SignatureRefusal, resource: &str) -> Self {
        let text = refusal.to_string();
        match refusal {
            SignatureRefusal::Missing => {
                let text = format!("Access to the resource {resource} is denied.");
                Self::MissingAuthenticationToken(text)
            }
            SignatureRefusal::UnknownKey => Self::UnrecognizedClient,
            SignatureRefusal::UnsupportedAlgorithm
            | SignatureRefusal::MissingInHeader(_)
            | SignatureRefusal::MissingInUrl(_)
            | SignatureRefusal::MissingDate
            | SignatureRefusal::MalformedDate
            | SignatureRefusal::MalformedExpires
            | SignatureRefusal::MalformedCredential => Self::IncompleteSignature(text),
            SignatureRefusal::WrongRegion
            | SignatureRefusal::WrongService
            | SignatureRefusal::WrongTerminator
            | SignatureRefusal::WrongDay { .. }
            | SignatureRefusal::NotSigned(_)
            | SignatureRefusal::Expired { .. }
            | SignatureRefusal::NotYetCurrent { .. }
            | SignatureRefusal::UnsignedPayload
            | SignatureRefusal::Mismatch => Self::InvalidSignature(text),
        }
    }
}
