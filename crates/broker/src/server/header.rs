//! Reading headers.

use hyper::header::{HeaderMap, HeaderName};

/// The text of a header, if it is there and is text.
pub(super) fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
