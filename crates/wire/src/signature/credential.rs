//! A credential: whose signature it is, and what it is for.
//!
//! ```text
//! <access key>/<yyyymmdd>/<region>/sqs/aws4_request
//!              └──────────── the scope ───────────┘
//! ```

use longshore_types::Region;

use super::SignatureRefusal;

/// What a scope is for.
pub(super) const SQS: &str = "sqs";
/// What a scope ends with.
pub(super) const TERMINATOR: &str = "aws4_request";

/// Whose signature it is, and for which day and region. The service is SQS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// The access key's id.
    pub access_key: String,
    /// The day: `yyyymmdd`.
    pub day: String,
    /// The region, in which the request's queues are.
    pub region: Region,
}

impl Credential {
    /// Reads a credential.
    ///
    /// # Errors
    ///
    /// [`SignatureRefusal`], if the text is none, or its scope is not that of SQS.
    pub fn parse(text: &str) -> Result<Self, SignatureRefusal> {
        let mut parts = text.rsplitn(5, '/');
        let mut part = || parts.next().filter(|part| !part.is_empty());
        let (Some(terminator), Some(service), Some(region), Some(day), Some(access_key)) =
            (part(), part(), part(), part(), part())
        else {
            return Err(SignatureRefusal::MalformedCredential);
        };
        if terminator != TERMINATOR {
            return Err(SignatureRefusal::WrongTerminator);
        }
        if service != SQS {
            return Err(SignatureRefusal::WrongService);
        }
        let region = Region::parse(region).map_err(|_| SignatureRefusal::WrongRegion)?;
        Ok(Self { access_key: access_key.to_owned(), day: day.to_owned(), region })
    }

    /// The scope, as it is signed.
    pub(super) fn scope(&self) -> String {
        format!("{}/{}/{SQS}/{TERMINATOR}", self.day, self.region)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_is_a_key_and_the_scope_of_sqs() {
        let credential = Credential::parse("a/b/20261123/eu-west-1/sqs/aws4_request").unwrap();
        assert_eq!(credential.access_key, "a/b");
        assert_eq!(credential.scope(), "20261123/eu-west-1/sqs/aws4_request");
        for (text, refusal) in [
            ("", SignatureRefusal::MalformedCredential),
            ("k/20261123/eu-west-1/sqs", SignatureRefusal::MalformedCredential),
            ("/20261123/eu-west-1/sqs/aws4_request", SignatureRefusal::MalformedCredential),
            ("k/20261123/eu-west-1/sns/aws4_request", SignatureRefusal::WrongService),
            ("k/20261123/eu-west-1/sqs/aws5_request", SignatureRefusal::WrongTerminator),
            ("k/20261123/EU/sqs/aws4_request", SignatureRefusal::WrongRegion),
        ] {
            assert_eq!(Credential::parse(text), Err(refusal), "{text}");
        }
    }
}
