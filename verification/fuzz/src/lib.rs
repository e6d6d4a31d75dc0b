//! What the fuzz targets share: an HTTP request, taken apart as leniently as it can be.
//!
//! The seeds are requests as SDKs sent them, one a file. So every target reads the same form, and what is recorded for
//! one is a seed for all.
//!
//! # Invariants
//!
//! - Any bytes are a request: what is missing is empty. The targets are about what is behind the HTTP server, which has
//!   its own tests.

use longshore_wire::signature::HttpRequest;

/// A request, taken apart.
#[derive(Debug, Default)]
pub struct Recorded<'a> {
    /// The method.
    pub method: &'a str,
    /// What is before the `?`.
    pub path: &'a str,
    /// What is behind it.
    pub query: &'a str,
    /// The headers: names in lower case, and their values.
    headers: Vec<(String, &'a [u8])>,
    /// What follows the empty line.
    pub body: &'a [u8],
}

impl<'a> Recorded<'a> {
    /// Takes the bytes apart.
    #[must_use]
    pub fn parse(bytes: &'a [u8]) -> Self {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        let (head, body) = end.map_or((bytes, &[][..]), |end| (&bytes[..end], &bytes[end + 4..]));
        let mut lines = head.split(|byte| *byte == b'\n').map(|line| line.trim_ascii_end());
        let mut words = lines.next().map(text).unwrap_or_default().split(' ');
        let method = words.next().unwrap_or_default();
        let target = words.next().unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let headers = lines.filter_map(header).collect();
        Self { method, path, query, headers, body }
    }

    /// The first value of a header, if it is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&'a str> {
        let (_, value) = self.headers.iter().find(|(given, _)| given == name)?;
        std::str::from_utf8(value).ok()
    }

    /// Calls `use_it` with the form in which a signature is verified.
    pub fn with_http_request<T>(&self, use_it: impl FnOnce(&HttpRequest<'_>) -> T) -> T {
        let headers: Vec<_> = self.headers.iter().map(|(name, value)| (&**name, *value)).collect();
        let Self { method, path, query, body, .. } = *self;
        use_it(&HttpRequest { method, path, query, headers: &headers, body })
    }
}

/// The text at the start of the bytes.
fn text(bytes: &[u8]) -> &str {
    match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(fault) => std::str::from_utf8(&bytes[..fault.valid_up_to()]).unwrap_or_default(),
    }
}

fn header(line: &[u8]) -> Option<(String, &[u8])> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let name = text(&line[..colon]).to_ascii_lowercase();
    Some((name, line[colon + 1..].trim_ascii_start()))
}
