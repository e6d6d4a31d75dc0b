//! Where the caller finds this server: the beginning of every callback URL.
//!
//! A configured public URL wins. Without one it is the `Host` that the request named, so that a
//! caller on a laptop, in a container or behind a port mapping gets back a URL that works for it.
//! The scheme is then `http`, because this server speaks no TLS: behind a proxy that does, the
//! public URL has to be configured.

use std::fmt;

use axum::http::HeaderMap;
use axum::http::header::HOST;
use axum::http::uri::{Authority, Uri};
use thiserror::Error;

use crate::problem::Problem;

/// A scheme, an authority and maybe a path, without a slash at the end.
///
/// ```
/// use longshore_gateway::BaseUrl;
///
/// let base = BaseUrl::parse("https://example.org/tasks/")?;
/// assert_eq!(base.join("/status/1"), "https://example.org/tasks/status/1");
/// assert!(BaseUrl::parse("example.org").is_err());
/// # Ok::<(), longshore_gateway::BaseUrlError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl(String);

/// The text is not a URL that others can be built from.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "`{0}` is not a base URL: write http://host, https://host:port or https://host/path, \
     without a query"
)]
pub struct BaseUrlError(String);

impl BaseUrl {
    /// Parses an absolute `http` or `https` URL without query; slashes at its end are dropped.
    pub fn parse(text: &str) -> Result<Self, BaseUrlError> {
        let fault = || BaseUrlError(text.to_owned());
        let uri: Uri = text.parse().map_err(|_| fault())?;
        let scheme = matches!(uri.scheme_str(), Some("http" | "https"));
        let authority = uri.authority().is_some_and(|authority| !authority.host().is_empty());
        let rest = uri.query().is_none() && !text.contains('#') && !text.contains('@');
        if !(scheme && authority && rest) {
            return Err(fault());
        }
        Ok(Self(text.trim_end_matches('/').to_owned()))
    }

    /// The base that the request itself named, in its `Host`.
    ///
    /// # Errors
    ///
    /// A 400 where the header is missing or is not a host with or without a port.
    pub fn of_request(headers: &HeaderMap) -> Result<Self, Problem> {
        let host = headers.get(HOST).and_then(|host| host.to_str().ok());
        let authority = host.and_then(|host| host.parse::<Authority>().ok());
        let named = authority.filter(|named| !named.host().is_empty() && !has_user(named));
        named.map(|named| Self(format!("http://{named}"))).ok_or_else(|| {
            Problem::bad_request(
                "the request has no usable Host header, and callback URLs begin with it: \
                 send one, or configure the public URL of this server",
            )
        })
    }

    /// The URL of `path`, which begins with a slash.
    pub fn join(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }
}

fn has_user(authority: &Authority) -> bool {
    authority.as_str().contains('@')
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn a_base_url_keeps_its_path_and_loses_its_last_slash() {
        let base = BaseUrl::parse("https://example.org/tasks/").unwrap();
        assert_eq!(base.join("/status/1"), "https://example.org/tasks/status/1");
    }

    #[test]
    fn only_absolute_http_urls_without_query_are_bases() {
        for bad in ["", "example.org", "/path", "ftp://a", "http://a?b=1", "http://a@b", "http://"]
        {
            assert!(BaseUrl::parse(bad).is_err(), "{bad}");
        }
    }

    fn of_host(host: &'static str) -> Result<BaseUrl, Problem> {
        BaseUrl::of_request(&HeaderMap::from_iter([(HOST, HeaderValue::from_static(host))]))
    }

    #[test]
    fn the_host_of_a_request_is_echoed_with_its_port() {
        assert_eq!(of_host("localhost:5000").unwrap().to_string(), "http://localhost:5000");
        assert_eq!(of_host("[::1]:5000").unwrap().to_string(), "http://[::1]:5000");
    }

    #[test]
    fn a_host_that_is_none_is_a_bad_request() {
        for bad in ["", "a b", "user@host", "host/path"] {
            assert!(of_host(bad).is_err(), "{bad}");
        }
        assert!(BaseUrl::of_request(&HeaderMap::new()).is_err());
    }
}
