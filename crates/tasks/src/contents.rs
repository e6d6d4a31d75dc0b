//! What a message's text can be: not empty, and of the characters that SQS carries.
//!
//! Source: the SQS API reference, `SendMessage`: `#x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to
//! #xFFFD | #x10000 to #x10FFFF`.

/// Whether a message can carry the character.
pub(crate) fn is_allowed(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{FFFD}' | '\u{10000}'..)
}

/// Checks a body; else says what is wrong with it.
pub(crate) fn check_body(body: &str) -> Result<(), &'static str> {
    if body.is_empty() {
        return Err("its body is empty");
    }
    if body.chars().all(is_allowed) { Ok(()) } else { Err("it has characters that SQS refuses") }
}

/// JSON that any message can carry. The two characters that SQS refuses and JSON does not escape
/// can only be within its strings, where their escapes mean the same.
pub(crate) fn escape_json(json: String) -> String {
    if json.is_ascii() || !json.contains(['\u{FFFE}', '\u{FFFF}']) {
        return json;
    }
    json.replace('\u{FFFE}', "\\ufffe").replace('\u{FFFF}', "\\uffff")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_not_empty_and_has_only_what_sqs_carries() {
        for good in ["8", "\t\r\n \u{7f}é\u{fffd}😀"] {
            assert_eq!(check_body(good), Ok(()), "{good:?}");
        }
        for bad in ["", "\0", "a\u{b}", "\u{fffe}", "x\u{ffff}"] {
            assert!(check_body(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn json_is_escaped_without_changing_what_it_says() {
        let value = serde_json::Value::from("a\0\u{fffe}\u{ffff}é");
        let escaped = escape_json(value.to_string());
        assert_eq!(check_body(&escaped), Ok(()));
        assert_eq!(serde_json::from_str::<serde_json::Value>(&escaped).unwrap(), value);
    }
}
