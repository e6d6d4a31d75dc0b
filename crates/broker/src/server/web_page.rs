//! Requests that a web page made in somebody's browser, which are refused: whoever visits a page
//! must not open the broker on the same machine to it.
//!
//! A script's POST bears an `Origin`. A GET need not, but browsers say which site made it, be it a
//! script or an image. They do not say so to a name that is no trusted one: a page whose own name was
//! made to resolve to this host, which the name in `Host` gives away.

use std::net::SocketAddr;

use hyper::Method;
use hyper::header::{HOST, HeaderMap, HeaderName, ORIGIN};
use hyper::http::uri::Authority;

use super::header::text;

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Whether a web page made the request, which arrived at the address `local`.
pub(super) fn made(method: &Method, headers: &HeaderMap, local: Option<SocketAddr>) -> bool {
    // The address bar is no page.
    let from_a_site = headers.get(FETCH_SITE).is_some_and(|site| site.as_bytes() != b"none");
    let private = local.is_some_and(|address| address.ip().is_loopback());
    let host = text(headers, &HOST);
    let strange = private && method == Method::GET && host.is_some_and(|host| !is_own(host));
    headers.contains_key(ORIGIN) || from_a_site || strange
}

/// Whether the name in `Host` cannot be that of a site on the internet: an address, `localhost`, or a
/// name of one label.
fn is_own(host: &str) -> bool {
    let Ok(authority) = host.parse::<Authority>() else { return false };
    let name = authority.host();
    let address = name.starts_with('[') || name.parse::<std::net::Ipv4Addr>().is_ok();
    address || !name.contains('.') || name.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    #[track_caller]
    fn check(method: &Method, local: &str, header: (HeaderName, &'static str), expect: bool) {
        let (name, value) = header;
        let headers = HeaderMap::from_iter([(name, HeaderValue::from_static(value))]);
        assert_eq!(made(method, &headers, local.parse().ok()), expect, "{method} {local} {value}");
    }

    #[test]
    fn a_script_and_an_image_are_of_a_page_and_the_address_bar_is_not() {
        for method in [Method::GET, Method::POST] {
            check(&method, "0.0.0.0:1", (ORIGIN, "null"), true);
            check(&method, "0.0.0.0:1", (FETCH_SITE, "cross-site"), true);
            check(&method, "0.0.0.0:1", (FETCH_SITE, "same-origin"), true);
            check(&method, "0.0.0.0:1", (FETCH_SITE, "none"), false);
        }
    }

    #[test]
    fn on_loopback_a_get_is_asked_by_which_name_it_came() {
        for own in [
            "127.0.0.1:9324",
            "[::1]:9324",
            "localhost:9324",
            "localhost",
            "broker:1",
            "a.localhost",
        ] {
            check(&Method::GET, "127.0.0.1:9324", (HOST, own), false);
        }
        for strange in ["evil.example", "evil.example:9324", "127.0.0.1.evil.example", "a b"] {
            check(&Method::GET, "127.0.0.1:9324", (HOST, strange), true);
            check(&Method::GET, "[::1]:9324", (HOST, strange), true);
        }
    }

    #[test]
    fn a_post_and_a_broker_for_everyone_are_reached_by_any_name() {
        check(&Method::POST, "127.0.0.1:9324", (HOST, "queues.example"), false);
        check(&Method::GET, "0.0.0.0:9324", (HOST, "queues.example"), false);
    }
}
