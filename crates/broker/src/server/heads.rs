//! Heads of requests as they arrive: how long they are, and that their lines end as they should.
//!
//! The parser behind takes a line feed alone for the end of a line. Whoever stands between may not,
//! and then one of the two sees a header, or a whole request, that the other does not (RFC 9112,
//! 2.2).

use std::cmp::{max, min};

use memchr::memchr;

/// Bytes at the beginning of a line that tell what it says of the body's length.
const LINE_BYTES: usize = 64;

/// Where in the stream of requests a connection is.
#[derive(Debug)]
pub(super) enum HeadWatch {
    /// In a head.
    Head(Head),
    /// In a body of which so many bytes are left.
    Body(u64),
    /// In a body of unknown length: nothing follows it, because the connection ends with it.
    Last,
}

/// A head, as far as it has come.
#[derive(Debug, Default)]
pub(super) struct Head {
    bytes: usize,
    /// The beginning of the line that is being read.
    line: Vec<u8>,
    /// The last byte of what came before.
    last: u8,
    lines: usize,
    body: u64,
    is_chunked: bool,
    is_over: bool,
}

/// A line ends in a line feed alone, at this position of what was seen.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct BareLineFeed(pub(super) usize);

impl Default for HeadWatch {
    fn default() -> Self {
        Self::Head(Head::default())
    }
}

impl HeadWatch {
    /// Sees what has arrived. Answers how long the head is that some of it is of, as far as that has
    /// come; of several heads, the longest.
    pub(super) fn see(&mut self, arrived: &[u8]) -> Result<usize, BareLineFeed> {
        let (mut at, mut head_bytes) = (0, 0);
        while at < arrived.len() {
            let rest = &arrived[at..];
            at += match self {
                Self::Last => rest.len(),
                Self::Body(left) => {
                    let seen = min(*left, rest.len() as u64);
                    *left -= seen;
                    if *left == 0 {
                        *self = Self::default();
                    }
                    usize::try_from(seen).unwrap_or(rest.len())
                }
                Self::Head(head) => {
                    let seen = head.see(rest).map_err(|BareLineFeed(by)| BareLineFeed(at + by))?;
                    head_bytes = max(head_bytes, head.bytes);
                    if let Some(next) = head.next() {
                        *self = next;
                    }
                    seen
                }
            };
        }
        Ok(head_bytes)
    }
}

impl Head {
    /// Sees a line, or what has arrived of it: so many bytes.
    fn see(&mut self, arrived: &[u8]) -> Result<usize, BareLineFeed> {
        let end = memchr(b'\n', arrived);
        let part = &arrived[..end.unwrap_or(arrived.len())];
        let last = part.last().copied().unwrap_or(self.last);
        self.bytes += part.len();
        let Some(end) = end else {
            self.last = last;
            self.keep(part);
            return Ok(part.len());
        };
        if last != b'\r' {
            return Err(BareLineFeed(end));
        }
        if self.line.is_empty() {
            // Nearly always a line arrives whole.
            self.end_line(beginning(part));
        } else {
            self.keep(part);
            let line = std::mem::take(&mut self.line);
            self.end_line(&line);
        }
        Ok(end + 1)
    }

    /// Keeps the beginning of a line whose end has not arrived.
    fn keep(&mut self, part: &[u8]) {
        let room = LINE_BYTES - self.line.len();
        self.line.extend_from_slice(&part[..min(room, part.len())]);
    }

    fn end_line(&mut self, line: &[u8]) {
        self.bytes += 1;
        self.last = 0;
        let line = line.trim_ascii_end();
        // An empty line before the first one is none of the head (RFC 9112, 2.2).
        self.is_over = line.is_empty() && self.lines > 0;
        self.lines += usize::from(!line.is_empty());
        if let Some(value) = value_of(line, b"content-length:") {
            let value = str::from_utf8(value).unwrap_or_default();
            self.body = value.trim_ascii().parse().unwrap_or_default();
        }
        self.is_chunked |= value_of(line, b"transfer-encoding:").is_some();
    }

    /// What follows, once the head is over.
    fn next(&self) -> Option<HeadWatch> {
        self.is_over.then(|| match self.body {
            _ if self.is_chunked => HeadWatch::Last,
            0 => HeadWatch::default(),
            bytes => HeadWatch::Body(bytes),
        })
    }
}

/// What of a line tells what it says of the body's length.
fn beginning(line: &[u8]) -> &[u8] {
    &line[..min(LINE_BYTES, line.len())]
}

/// What a line says, if it begins with that name and its colon, in whatever letters.
fn value_of<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let (named, value) = line.split_at_checked(name.len())?;
    named.eq_ignore_ascii_case(name).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a connection on which `stream` arrives in pieces of `size` bytes comes to.
    fn watched(stream: &str, size: usize) -> Result<HeadWatch, usize> {
        let (mut watch, mut seen) = (HeadWatch::default(), 0);
        for piece in stream.as_bytes().chunks(size) {
            watch.see(piece).map_err(|BareLineFeed(at)| seen + at)?;
            seen += piece.len();
        }
        Ok(watch)
    }

    #[test]
    fn c15_a_line_that_ends_in_a_line_feed_alone_is_seen_in_every_head() {
        for stream in [
            "GET / HTTP/1.1\n",
            "GET / HTTP/1.1\r\nhost: a\n",
            "GET / HTTP/1.1\r\nhost: a\r\n\n",
            "\n",
            "POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\n\n\n\nGET / HTTP/1.1\n",
            "GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\na: b\n",
        ] {
            for size in [1, 2, 7, stream.len()] {
                let fault = watched(stream, size).expect_err(stream);
                assert_eq!(fault, stream.len() - 1, "{stream:?} by {size}");
            }
        }
    }

    #[test]
    fn what_is_in_a_body_is_no_head() {
        let head = "POST / HTTP/1.1\r\ncontent-length:  4 \r\n\r\n";
        for size in [1, 3, 100] {
            let after = watched(&format!("{head}\n\n\n\n"), size).unwrap();
            assert!(matches!(after, HeadWatch::Head(Head { bytes: 0, .. })), "{after:?}");
            let within = watched(&format!("{head}\n"), size).unwrap();
            assert!(matches!(within, HeadWatch::Body(3)), "{within:?}");
            let chunked = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\n";
            assert!(matches!(watched(chunked, size), Ok(HeadWatch::Last)));
        }
    }

    #[test]
    fn a_head_is_as_long_as_what_has_come_of_it() {
        for (stream, bytes) in [
            ("", 0),
            ("GET ", 4),
            ("GET /\r\nhost:", 12),
            ("G\r\n\r\n", 5),
            ("G\r\n\r\nGET /\r\n\r\nG", 9),
            ("G\r\nContent-Length: 9\r\n\r\nlong body", 24),
        ] {
            assert_eq!(HeadWatch::default().see(stream.as_bytes()), Ok(bytes), "{stream:?}");
            let mut watch = HeadWatch::default();
            let in_pieces = stream.as_bytes().chunks(1).map(|piece| watch.see(piece).unwrap());
            assert_eq!(in_pieces.max().unwrap_or_default(), bytes, "{stream:?}");
        }
    }
}
