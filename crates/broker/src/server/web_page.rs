//! Requests that a web page made in somebody's browser, which are refused: whoever visits a page
//! must not open the broker on the same machine to it.
//!
//! A script's POST bears an `Origin`. A GET need not, but browsers say which site made it, be it a
//! script or an image. They do not say so to a name that is no trusted one: a page whose own name was
//! made to resolve to this host, which the name in `Host` gives away (`hosts.rs`).

use hyper::header::{HeaderMap, HeaderName, ORIGIN};

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Whether a web page made the request that has these headers.
pub(super) fn made(headers: &HeaderMap) -> bool {
    // The address bar is no page.
    let from_a_site = headers.get(FETCH_SITE).is_some_and(|site| site.as_bytes() != b"none");
    headers.contains_key(ORIGIN) || from_a_site
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    #[track_caller]
    fn check(name: HeaderName, value: &'static str, expect: bool) {
        let headers = HeaderMap::from_iter([(name, HeaderValue::from_static(value))]);
        assert_eq!(made(&headers), expect, "{value}");
    }

    #[test]
    fn a_script_and_an_image_are_of_a_page_and_the_address_bar_is_not() {
        check(ORIGIN, "null", true);
        check(FETCH_SITE, "cross-site", true);
        check(FETCH_SITE, "same-origin", true);
        check(FETCH_SITE, "none", false);
    }
}
