//! What of an HTTP request a signature is about.

use std::fmt;

/// An HTTP request, as it arrived.
#[derive(Clone, Copy)]
pub struct HttpRequest<'a> {
    /// The method, such as `POST`.
    pub method: &'a str,
    /// The path as it was sent, with its percent signs.
    pub path: &'a str,
    /// What follows the `?`, as it was sent; empty if nothing does.
    pub query: &'a str,
    /// Every header in the order of arrival: its name in lower case, and its value.
    pub headers: &'a [(&'a str, &'a [u8])],
    /// The whole body.
    pub body: &'a [u8],
}

impl fmt::Debug for HttpRequest<'_> {
    /// Shows neither headers nor body: the one may hold a signature, the other anybody's secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpRequest")
            .field("method", &self.method)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl<'a> HttpRequest<'a> {
    /// The values of all headers of this name.
    pub(super) fn values(&self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.headers.iter().filter(move |(given, _)| *given == name).map(|(_, value)| *value)
    }

    /// The first value of a header, if it is there and is text.
    pub(super) fn text(&self, name: &str) -> Option<&'a str> {
        std::str::from_utf8(self.values(name).next()?).ok()
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.values(name).next().is_some()
    }
}
