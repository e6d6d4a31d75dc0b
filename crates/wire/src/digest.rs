//! The MD5 digests by which clients check that a message crossed the wire unharmed.
//!
//! ```text
//! for each attribute, by name in byte order:
//! ├─ len ─┼─ name ─┼─ len ─┼─ data type ─┼─ tag ─┼─ len ─┼─ value ─┤
//!   u32 be           u32 be                 1       u32 be
//! ```
//!
//! The tag is 1 for text and 2 for binary. Lengths count bytes; a binary value is digested as it
//! was decoded, a number as it was written. Source: "Calculating the MD5 message digest for
//! message attributes" in the SQS developer guide.

use longshore_types::{AttributeValue, MessageAttribute};
use md5::{Digest, Md5};

/// The digest of a body: 32 hexadecimal digits in lower case.
pub fn body(body: &str) -> String {
    hex(&Md5::digest(body.as_bytes()))
}

/// The digest of message attributes, or `None` if there are none.
///
/// The attributes must come in the byte order of their names, as a
/// [`MessageAttributes`](longshore_types::MessageAttributes) or a filtered one yields them.
pub fn attributes<'a>(
    attributes: impl IntoIterator<Item = (&'a String, &'a MessageAttribute)>,
) -> Option<String> {
    let mut attributes = attributes.into_iter().peekable();
    attributes.peek()?;
    let mut md5 = Md5::new();
    for (name, attribute) in attributes {
        part(&mut md5, name.as_bytes());
        part(&mut md5, attribute.data_type.as_bytes());
        md5.update([tag(&attribute.value)]);
        part(&mut md5, attribute.value.as_bytes());
    }
    Some(hex(&md5.finalize()))
}

/// The digest of system attributes, of which a send can bear one: the trace header.
pub fn trace_header(header: &str) -> String {
    let name = "AWSTraceHeader".to_owned();
    attributes([(&name, &MessageAttribute::text(header))]).expect("one attribute was given")
}

fn tag(value: &AttributeValue) -> u8 {
    match value {
        AttributeValue::Text(_) => 1,
        AttributeValue::Binary(_) => 2,
    }
}

fn part(md5: &mut Md5, bytes: &[u8]) {
    let len = u32::try_from(bytes.len()).expect("a request is far shorter than 4 GiB");
    md5.update(len.to_be_bytes());
    md5.update(bytes);
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}
