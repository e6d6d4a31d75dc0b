//! The characters of a body.

use crate::SqsError;

/// Checks a body: not empty, and only characters that SQS allows.
///
/// # Errors
///
/// [`SqsError::MissingParameter`] for an empty body, which in a batch fails the entry as
/// `EmptyValue`; [`SqsError::InvalidMessageContents`] for a forbidden character.
pub fn body(body: &str) -> Result<(), SqsError> {
    if body.is_empty() {
        return Err(SqsError::MissingParameter("MessageBody".to_owned()));
    }
    if is_allowed(body) { Ok(()) } else { Err(SqsError::InvalidMessageContents) }
}

/// Whether a text has only the characters of XML 1.0: tab, line feed, carriage return, and from
/// the space on all but U+FFFE and U+FFFF.
pub(super) fn is_allowed(text: &str) -> bool {
    let control = |byte: u8| byte < b' ' && !matches!(byte, b'\t' | b'\n' | b'\r');
    // Looking at every byte, found or not, is what lets the compiler look at many at once; and
    // most bodies are ASCII, which spares the pass over characters.
    let controlled = text.bytes().fold(false, |found, byte| found | control(byte));
    !controlled && (text.is_ascii() || !text.contains(['\u{FFFE}', '\u{FFFF}']))
}
