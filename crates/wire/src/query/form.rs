//! The letters of a form: `name=value&name=value`, with `+` for a space and `%XX` for a byte.

use crate::percent;

/// Stands for bytes that are no UTF-8. No message may hold it, so that the check of characters
/// refuses the one message that was malformed, and not the parser all of a batch.
const STAND_IN: char = '\u{FFFF}';

/// The names and values of a form, decoded.
pub(crate) fn pairs(form: &[u8]) -> impl Iterator<Item = (String, String)> {
    raw_pairs(form).map(|(name, value)| (characters(name), characters(value)))
}

/// The names and values of a form, decoded to the bytes that they stand for.
pub(crate) fn raw_pairs(form: &[u8]) -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> {
    let parts = form.split(|&byte| byte == b'&').filter(|part| !part.is_empty());
    parts.map(|part| {
        let end = part.iter().position(|&byte| byte == b'=').unwrap_or(part.len());
        (decode(&part[..end]), decode(part.get(end + 1..).unwrap_or_default()))
    })
}

/// Decodes a name or a value, in which a space is a `+`.
fn decode(text: &[u8]) -> Vec<u8> {
    percent::decode_with(text, |byte| if byte == b'+' { b' ' } else { byte })
}

fn characters(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|fault| {
        let mut text = String::new();
        for chunk in fault.as_bytes().utf8_chunks() {
            text.push_str(chunk.valid());
            text.extend((!chunk.invalid().is_empty()).then_some(STAND_IN));
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_are_decoded() {
        let cases: [(&str, &[(&str, &str)]); 7] = [
            ("", &[]),
            ("&&", &[]),
            ("a=1&b=2", &[("a", "1"), ("b", "2")]),
            ("a&b=", &[("a", ""), ("b", "")]),
            ("a=b=c", &[("a", "b=c")]),
            ("a%2eb=%E2%82%ac+%26%3D%0D", &[("a.b", "€ &=\r")]),
            ("a=%&b=%4&c=%zz&d=100%25", &[("a", "%"), ("b", "%4"), ("c", "%zz"), ("d", "100%")]),
        ];
        for (form, expected) in cases {
            let expected: Vec<_> =
                expected.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
            assert_eq!(pairs(form.as_bytes()).collect::<Vec<_>>(), expected, "{form}");
        }
    }

    #[test]
    fn bytes_that_are_no_utf_8_become_a_character_that_no_message_may_hold() {
        assert_eq!(characters(decode(b"a%FFb%ED%A0%80")), "a\u{FFFF}b\u{FFFF}\u{FFFF}\u{FFFF}");
    }
}
