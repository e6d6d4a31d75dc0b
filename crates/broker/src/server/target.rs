//! Which host a request is for.
//!
//! A request names one host, in `Host` or as a whole URL in its first line, which wins (RFC 9112,
//! 3.2.2); it is in `Host` from then on. One that names two, or none, or what cannot be one, is
//! refused: whoever stands between may have understood another.

use hyper::header::{HOST, HeaderMap, HeaderValue};
use hyper::http::uri::Authority;
use hyper::{Request, Version};

use super::header::text;

/// Settles the host that the request is for.
///
/// # Errors
///
/// The request names no host that could be meant: a sentence on that.
pub(super) fn settle<B>(request: &mut Request<B>) -> Result<(), &'static str> {
    check(request.version(), request.headers())?;
    let Some(authority) = request.uri().authority() else { return Ok(()) };
    let named = HeaderValue::from_str(host_of(authority)).map_err(|_| NOT_A_HOST)?;
    request.headers_mut().insert(HOST, named);
    Ok(())
}

const ONE_HOST: &str = "a request has one Host header: send it with exactly one";
const NOT_A_HOST: &str = "the Host header is not a host with or without a port";

fn check(version: Version, headers: &HeaderMap) -> Result<(), &'static str> {
    let mut named = headers.get_all(HOST).iter();
    match (named.next(), named.next()) {
        (Some(_), None) => text(headers, &HOST).and_then(host_and_port).map(drop).ok_or(NOT_A_HOST),
        (None, _) if version < Version::HTTP_11 => Ok(()),
        (_, _) => Err(ONE_HOST),
    }
}

/// A host with or without a port, and nothing else.
pub(super) fn host_and_port(text: &str) -> Option<Authority> {
    let authority: Authority = text.parse().ok()?;
    let rest = text.strip_prefix(authority.host())?;
    let port = if rest.is_empty() { "" } else { rest.strip_prefix(':')? };
    let is_port = port.chars().all(|char| char.is_ascii_digit());
    (is_port && !authority.host().is_empty()).then_some(authority)
}

/// Without a name and a password, which no `Host` has.
fn host_of(authority: &Authority) -> &str {
    let text = authority.as_str();
    text.rsplit_once('@').map_or(text, |(_, host)| host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(version: Version, target: &str, hosts: &[&str]) -> Request<()> {
        let mut request = Request::builder().version(version).uri(target);
        for host in hosts {
            request = request.header(HOST, *host);
        }
        request.body(()).unwrap()
    }

    #[track_caller]
    fn check(version: Version, target: &str, hosts: &[&str], expect: Option<&str>) {
        let mut request = request(version, target, hosts);
        let settled = settle(&mut request).map(|()| text(request.headers(), &HOST));
        assert_eq!(settled.ok().flatten(), expect, "{target} {hosts:?}");
    }

    #[test]
    fn q9_a_request_names_one_host() {
        check(Version::HTTP_11, "/", &["a:1"], Some("a:1"));
        for bad in [&[][..], &["a", "a"], &["a", "b"], &[""], &["a b"], &["a@b"], &["[::1].a"]] {
            check(Version::HTTP_11, "/", bad, None);
            assert!(settle(&mut request(Version::HTTP_11, "/", bad)).is_err(), "{bad:?}");
        }
        assert!(settle(&mut request(Version::HTTP_10, "/", &[])).is_ok());
    }

    #[test]
    fn q9_a_whole_url_in_the_first_line_wins() {
        check(Version::HTTP_11, "http://a:1/x", &["b"], Some("a:1"));
        check(Version::HTTP_11, "http://u@a/x", &["b"], Some("a"));
        check(Version::HTTP_11, "http://a/x", &[], None);
    }
}
