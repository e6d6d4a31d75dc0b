//! Lone surrogates: escapes such as `\ud800` that stand for half a character.
//!
//! Languages whose strings are UTF-16 can send them. JSON's grammar allows them, a Rust string
//! cannot hold them, and SQS refuses the one message that has them as it does any other forbidden
//! character. So each is replaced by U+FFFF, which is forbidden too.

/// The escape that stands in for a lone surrogate.
const STAND_IN: &[u8] = b"\\uffff";

/// Bytes of an escape `\uXXXX`.
const ESCAPE_BYTES: usize = 6;

/// `json` with each lone surrogate replaced, or `None` if it has none.
pub(super) fn replace_lone(json: &[u8]) -> Option<Vec<u8>> {
    let mut replaced: Option<Vec<u8>> = None;
    let mut at = 0;
    while at < json.len() {
        let step = step(&json[at..]);
        if let Step::Lone = step {
            let copy = replaced.get_or_insert_with(|| json.to_vec());
            copy[at..at + ESCAPE_BYTES].copy_from_slice(STAND_IN);
        }
        at += step.bytes();
    }
    replaced
}

/// What stands at the head of the text.
enum Step {
    /// A byte that begins no escape.
    Byte,
    /// An escape of two letters, such as `\\` or `\n`.
    Short,
    /// An escape of a whole character, `\uXXXX`.
    Whole,
    /// Two escapes that make one character.
    Pair,
    /// Half of a pair, alone.
    Lone,
}

impl Step {
    const fn bytes(&self) -> usize {
        match self {
            Self::Byte => 1,
            Self::Short => 2,
            Self::Whole | Self::Lone => ESCAPE_BYTES,
            Self::Pair => 2 * ESCAPE_BYTES,
        }
    }
}

fn step(text: &[u8]) -> Step {
    if text.first() != Some(&b'\\') {
        return Step::Byte;
    }
    match code_unit(text) {
        None => Step::Short,
        Some(0xD800..=0xDBFF) if follows_low(text) => Step::Pair,
        Some(0xD800..=0xDFFF) => Step::Lone,
        Some(_) => Step::Whole,
    }
}

fn follows_low(text: &[u8]) -> bool {
    text.get(ESCAPE_BYTES..)
        .and_then(code_unit)
        .is_some_and(|unit| (0xDC00..=0xDFFF).contains(&unit))
}

/// The code unit of an escape `\uXXXX` at the head of the text.
fn code_unit(text: &[u8]) -> Option<u16> {
    let digits = text.strip_prefix(b"\\u")?.get(..4)?;
    let digits = std::str::from_utf8(digits).ok()?;
    u16::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_half_a_pair_is_replaced() {
        let cases = [
            (r#""\ud800""#, Some(r#""\uffff""#)),
            (r#""\udc00\ud83d""#, Some(r#""\uffff\uffff""#)),
            (r#""\ud800\ud83d\ude00""#, Some(r#""\uffff\ud83d\ude00""#)),
            (r#""\ud83d\ude00""#, None),
            (r#""\\ud800""#, None),
            (r#""\u0041""#, None),
            (r#""\ud8"#, None),
        ];
        for (json, expected) in cases {
            let replaced = replace_lone(json.as_bytes());
            assert_eq!(replaced.as_deref(), expected.map(str::as_bytes), "{json}");
        }
    }
}
