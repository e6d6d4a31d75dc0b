//! AWS Signature Version 4: whether a request was signed by somebody who knows a secret key.
//!
//! ```text
//! request ─► Claim::of ─► access key ─► (the caller finds its secret) ─► Claim::verify(…, now)
//!              │                                                             │
//!              └ authorization: the header, or presigned: the URL            └ canonical, key
//! ```
//!
//! A [`Claim`] is what a request says of its signer, and nothing that it says is true before
//! [`Claim::verify`] has returned. Both forms of a signature are read: the `Authorization` header,
//! and the parameters of a presigned URL. The list of signed headers is the signer's own, because
//! every SDK signs others; only what gives a request its meaning must be in it.
//!
//! # Invariants
//!
//! - Nothing here knows a clock, a queue or a socket: time is an argument.
//! - The body is always part of what is verified, as it arrived: a payload that its signer left
//!   unsigned is refused, because nothing would then bind the action's members to the signature.
//! - Signatures are compared in constant time, and a secret is never shown.
//!
//! What is not here: who may do what. A signature says who asks, and no more.

mod authorization;
mod canonical;
mod claim;
mod credential;
mod key;
mod presigned;
mod refusal;
mod request;
mod signing_time;

pub use claim::Claim;
pub use credential::Credential;
pub use key::SecretKey;
pub use refusal::SignatureRefusal;
pub use request::HttpRequest;

/// The one algorithm that is verified.
const ALGORITHM: &str = "AWS4-HMAC-SHA256";
