//! The canonical form of a request, in which signer and verifier agree byte for byte.
//!
//! ```text
//! POST
//! /000000000000/jobs                the path, without dots and doubled slashes, encoded once more
//! Action=ListQueues&Version=…       the parameters, sorted, without the signature itself
//! host:localhost:9324               the signed headers in the signer's order, spaces collapsed
//! x-amz-date:20261123T130440Z
//!
//! host;x-amz-date
//! e3b0c442…                         the SHA-256 of the body
//! ```

use sha2::{Digest, Sha256};

use super::presigned;
use super::request::HttpRequest;
use crate::query::form;

/// The SHA-256 of the canonical request, in hexadecimal digits.
pub(super) fn digest(request: &HttpRequest<'_>, signed_headers: &[String]) -> String {
    sha256(&canonical(request, signed_headers))
}

/// The SHA-256 of some bytes, in hexadecimal digits.
pub(super) fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

fn canonical(request: &HttpRequest<'_>, signed_headers: &[String]) -> Vec<u8> {
    let mut text = Vec::new();
    for line in [request.method, &path(request.path), &query(request.query)] {
        text.extend_from_slice(line.as_bytes());
        text.push(b'\n');
    }
    for name in signed_headers {
        header(request, name, &mut text);
    }
    text.push(b'\n');
    text.extend_from_slice(signed_headers.join(";").as_bytes());
    text.push(b'\n');
    text.extend_from_slice(sha256(request.body).as_bytes());
    text
}

/// The path without empty and dotted segments, each of the others percent-encoded as it was sent,
/// so that what is encoded already is encoded twice.
fn path(sent: &str) -> String {
    let mut segments: Vec<&str> = Vec::new();
    for segment in sent.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(segments.pop()),
            segment => segments.push(segment),
        }
    }
    let mut path = String::new();
    for segment in &segments {
        path.push('/');
        encode(segment.as_bytes(), &mut path);
    }
    let open = ["/", "/.", "/.."].iter().any(|end| sent.ends_with(end));
    if open || segments.is_empty() {
        path.push('/');
    }
    path
}

/// The parameters, encoded in one way only, in the order of their names and then their values.
fn query(sent: &str) -> String {
    let encoded = |part: &[u8]| {
        let mut text = String::new();
        encode(part, &mut text);
        text
    };
    let mut pairs: Vec<_> = form::raw_pairs(sent.as_bytes())
        .filter(|(name, _)| name != presigned::SIGNATURE.as_bytes())
        .map(|(name, value)| (encoded(&name), encoded(&value)))
        .collect();
    pairs.sort();
    let pairs: Vec<_> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join("&")
}

/// A header's line: all its values, each without the spaces around it and with one for several.
fn header(request: &HttpRequest<'_>, name: &str, text: &mut Vec<u8>) {
    text.extend_from_slice(name.as_bytes());
    text.push(b':');
    for (index, value) in request.values(name).enumerate() {
        if index > 0 {
            text.push(b',');
        }
        let words = value.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
        text.extend(words.collect::<Vec<_>>().join(&b' '));
    }
    text.push(b'\n');
}

/// Percent-encodes every byte that is not a letter, a digit or one of `-_.~`.
fn encode(bytes: &[u8], text: &mut String) {
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push('%');
            text.push_str(&hex::encode_upper([byte]));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `get-vanilla` of AWS's published test suite.
    #[test]
    fn the_published_request_has_the_published_digest() {
        let headers: [(&str, &[u8]); 2] =
            [("host", b"example.amazonaws.com"), ("x-amz-date", b"20150830T123600Z")];
        let request =
            HttpRequest { method: "GET", path: "/", query: "", headers: &headers, body: b"" };
        let signed = ["host".to_owned(), "x-amz-date".to_owned()];
        let expect = "bb579772317eb040ac9ed261061d46c1f17a8133879d6129b6e1c25292927e63";
        assert_eq!(digest(&request, &signed), expect);
    }

    #[test]
    fn a_path_is_normalized_and_encoded_twice() {
        for (sent, expect) in [
            ("", "/"),
            ("/", "/"),
            ("/000000000000/jobs.fifo", "/000000000000/jobs.fifo"),
            ("//a/./b/../c/", "/a/c/"),
            ("/a/..", "/"),
            ("/a/b/.", "/a/b/"),
            ("/a%20b", "/a%2520b"),
            ("/é", "/%C3%A9"),
        ] {
            assert_eq!(path(sent), expect, "{sent}");
        }
    }

    #[test]
    fn parameters_are_sorted_and_written_in_one_way() {
        for (sent, expect) in [
            ("", ""),
            ("b=2&a=1&a=0", "a=0&a=1&b=2"),
            ("a+b=%7e%2f&c", "a%20b=~%2F&c="),
            ("X-Amz-Signature=00&X-Amz-Date=1", "X-Amz-Date=1"),
            ("a=%zz&b=%FF", "a=%25zz&b=%FF"),
        ] {
            assert_eq!(query(sent), expect, "{sent}");
        }
    }

    #[test]
    fn a_headers_values_are_joined_and_their_spaces_collapsed() {
        let headers: [(&str, &[u8]); 3] = [("a", b"  x   y "), ("b", b"z"), ("a", b"\xC3\xA9")];
        let request =
            HttpRequest { method: "GET", path: "/", query: "", headers: &headers, body: b"" };
        let mut text = Vec::new();
        for name in ["a", "none"] {
            header(&request, name, &mut text);
        }
        assert_eq!(text, "a:x y,é\nnone:\n".as_bytes());
    }
}
