//! Why a signature is not accepted. The texts are those that AWS answers with.
//!
//! The request's own words are not repeated in them, but for dates: an answer is no mirror.

use thiserror::Error;

/// Why a signature is not accepted. `Display` is the text on the wire, but for
/// [`SignatureRefusal::Missing`], whose text names what was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SignatureRefusal {
    /// The request bears no signature.
    #[error("The request is not signed.")]
    Missing,
    /// The request is signed in another way: Signature Version 2, or 4A with its elliptic curves.
    #[error(
        "The authorization mechanism you have provided is not supported. \
         Please use AWS4-HMAC-SHA256."
    )]
    UnsupportedAlgorithm,
    /// The `Authorization` header lacks this part.
    #[error("Authorization header requires '{0}' parameter.")]
    MissingInHeader(&'static str),
    /// The URL of a presigned request lacks this parameter, or has it twice.
    #[error(
        "AWS query-string parameters must include '{0}' once. Re-examine the query-string \
         parameters."
    )]
    MissingInUrl(&'static str),
    /// A signed request has no date.
    #[error("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")]
    MissingDate,
    /// The date cannot be read.
    #[error("Date must be in ISO-8601 'basic format', such as 20260131T235959Z.")]
    MalformedDate,
    /// How long a presigned request holds cannot be read, or is too long.
    #[error("X-Amz-Expires must be a number of seconds from 1 to 604800.")]
    MalformedExpires,
    /// The credential is not an access key and a scope.
    #[error(
        "Credential must have exactly 5 slash-delimited elements, e.g. \
         keyid/date/region/service/term."
    )]
    MalformedCredential,
    /// The scope is of no region.
    #[error("Credential should be scoped to a valid region.")]
    WrongRegion,
    /// The scope is of another service.
    #[error("Credential should be scoped to correct service: 'sqs'.")]
    WrongService,
    /// The scope does not end as scopes do.
    #[error("Credential should be scoped with a valid terminator: 'aws4_request'.")]
    WrongTerminator,
    /// The scope is of another day than the request's date.
    #[error(
        "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from \
         HTTP: '{scope}' != '{date}'."
    )]
    WrongDay {
        /// The scope's day.
        scope: String,
        /// The day of the request's date.
        date: String,
    },
    /// This header gives the request its meaning, and is not signed.
    #[error("'{0}' must be a 'SignedHeader' in the AWS Authorization.")]
    NotSigned(&'static str),
    /// The request was signed too long ago.
    #[error("Signature expired: {signed} is now earlier than {limit} ({now} - {validity}.)")]
    Expired {
        /// When it was signed.
        signed: String,
        /// The earliest signature that holds now.
        limit: String,
        /// The time now.
        now: String,
        /// How long a signature holds: `15 min`, or the seconds of a presigned request.
        validity: String,
    },
    /// The request was signed in the future, by more than clocks may differ.
    #[error("Signature not yet current: {signed} is still later than {limit} ({now} + 15 min.)")]
    NotYetCurrent {
        /// When it was signed.
        signed: String,
        /// The latest signature that holds now.
        limit: String,
        /// The time now.
        now: String,
    },
    /// Nobody here knows the access key.
    #[error("The security token included in the request is invalid.")]
    UnknownKey,
    /// The signer left the body unsigned.
    #[error("The payload must be signed: UNSIGNED-PAYLOAD is not accepted.")]
    UnsignedPayload,
    /// The signature is of another request, or made with another secret.
    #[error(
        "The request signature we calculated does not match the signature you provided. Check \
         your AWS Secret Access Key and signing method. Consult the service documentation for \
         details."
    )]
    Mismatch,
}
