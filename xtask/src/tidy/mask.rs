//! Rust source with its comments and literals blanked out, so that what is left can be read word by word.
//!
//! Not a parser: it knows where comments, strings and characters begin and end, and nothing else.

/// The same text, byte for byte as long and with the same lines, with blanks for comments and literals.
pub(super) fn mask(source: &str) -> String {
    let mut masked: Vec<u8> = Vec::with_capacity(source.len());
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let blank = blank_length(rest, masked.last().copied());
        let length = blank.unwrap_or(first.len_utf8());
        let (taken, left) = rest.split_at(length);
        if blank.is_some() || !first.is_ascii() {
            masked.extend(taken.bytes().map(|byte| if byte == b'\n' { byte } else { b' ' }));
        } else {
            masked.extend(taken.bytes());
        }
        rest = left;
    }
    String::from_utf8(masked).expect("what is kept is ASCII, and blanks are too")
}

/// How many bytes from here on are a comment or a literal; none if code is here.
fn blank_length(rest: &str, before: Option<u8>) -> Option<usize> {
    let starts_word = !before.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    match rest.as_bytes() {
        [b'/', b'/', ..] => Some(rest.find('\n').unwrap_or(rest.len())),
        [b'/', b'*', ..] => Some(block_comment(rest)),
        [b'"', ..] => Some(quoted(rest, 1)),
        [b'\'', ..] => character(rest),
        [b'b' | b'c', b'"', ..] if starts_word => Some(quoted(rest, 2)),
        [b'r', ..] if starts_word => raw_string(rest, 1),
        [b'b' | b'c', b'r', ..] if starts_word => raw_string(rest, 2),
        _ => None,
    }
}

/// Block comments nest.
fn block_comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < rest.len() {
        match rest.as_bytes()[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at.min(rest.len())
}

/// A string whose text begins at `start`, after the opening quote.
fn quoted(rest: &str, start: usize) -> usize {
    let mut escaped = false;
    for (at, byte) in rest.bytes().enumerate().skip(start) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// `r"…"`, `r#"…"#` and so on; not a raw identifier such as `r#type`.
fn raw_string(rest: &str, prefix: usize) -> Option<usize> {
    let hashes = rest[prefix..].bytes().take_while(|&byte| byte == b'#').count();
    let start = prefix + hashes;
    if rest.as_bytes().get(start) != Some(&b'"') {
        return None;
    }
    let close = format!("\"{}", "#".repeat(hashes));
    let end = rest[start + 1..].find(&close).map(|at| start + 1 + at + close.len());
    Some(end.unwrap_or(rest.len()))
}

/// A character literal; a lifetime has no closing quote where one would be.
fn character(rest: &str) -> Option<usize> {
    if rest.starts_with("'\\") {
        // The escaped character may be the quote itself, so the search begins after it.
        return rest.get(3..)?.find('\'').map(|at| 3 + at + 1);
    }
    let first = rest[1..].chars().next()?;
    rest[1 + first.len_utf8()..].starts_with('\'').then(|| first.len_utf8() + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(source: &str, expected: &str) {
        let masked = mask(source);
        assert_eq!(masked.split_whitespace().collect::<Vec<_>>().join(" "), expected);
        assert_eq!(masked.len(), source.len());
    }

    #[test]
    fn comments_and_strings_are_blanked() {
        check("a // fn { \nb /* { /* } */ fn */ c", "a b c");
        check(r#"a("{ \" fn") + b"{" + c"}""#, "a( ) + +");
        check(r##"a(r#"fn " {"#, br"{")"##, "a( , )");
    }

    #[test]
    fn characters_are_blanked_and_lifetimes_are_not() {
        check(r"'{' '\'' '\u{7d}' 'ä' x", "x");
        check("fn f<'a>(x: &'a str) {}", "fn f<'a>(x: &'a str) {}");
    }

    #[test]
    fn raw_identifiers_and_words_that_end_like_a_prefix_are_code() {
        check("r#type bar b", "r#type bar b");
    }
}
