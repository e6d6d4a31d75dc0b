//! Percent-encoding, as forms and the paths of URLs have it.
//!
//! # Invariants
//!
//! - What is encoded wrongly stands for itself: it is for the reader of the text to refuse.

/// The bytes that a text stands for. A `%` that no two hexadecimal digits follow stands for itself.
pub fn decode(text: &[u8]) -> Vec<u8> {
    decode_with(text, |byte| byte)
}

/// [`decode`], where a byte that is not encoded means what `plain` makes of it.
pub(crate) fn decode_with(text: &[u8], plain: impl Fn(u8) -> u8) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, tail)) = rest.split_first() {
        let (byte, after) = match (first, escaped(tail)) {
            (b'%', Some(byte)) => (byte, &tail[2..]),
            _ => (plain(first), tail),
        };
        bytes.push(byte);
        rest = after;
    }
    bytes
}

/// The byte whose two hexadecimal digits stand at the head of the text.
fn escaped(text: &[u8]) -> Option<u8> {
    let digit = |at: usize| char::from(*text.get(at)?).to_digit(16);
    u8::try_from(digit(0)? * 16 + digit(1)?).ok()
}
