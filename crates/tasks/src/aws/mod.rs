//! What every client of the AWS SDK here shares: where the endpoint is, what requests are signed
//! with, the HTTP client, and an error's words.

pub(crate) mod config;
pub(crate) mod endpoint;
pub(crate) mod http;
#[cfg(feature = "dynamodb")]
pub(crate) mod words;
