//! A task's name: as the attribute gives it, or the type's name in kebab-case.

use proc_macro2::Span;
use syn::ext::IdentExt as _;
use syn::{Error, Ident, LitStr, Result};

/// Characters of a task's name.
const NAME_CHARS_MAX: usize = 128;

/// The name that the attribute gives, or that follows from the type's.
pub(crate) fn task_name(given: Option<&LitStr>, type_name: &Ident) -> Result<LitStr> {
    if let Some(name) = given {
        return Ok(name.clone());
    }
    let name = kebab_case(&type_name.unraw().to_string());
    check(&name, type_name.span())?;
    Ok(LitStr::new(&name, type_name.span()))
}

/// Refuses a name that no message could bear.
pub(crate) fn check(name: &str, span: Span) -> Result<()> {
    let count = name.chars().count();
    if count == 0 {
        let message = "the name is empty, and workers find the handler by it: give one, or leave `name` \
                       out to use the type's name";
        return Err(Error::new(span, message));
    }
    if count > NAME_CHARS_MAX {
        let message = format!(
            "the name has {count} characters, and at most {NAME_CHARS_MAX} are allowed: give a shorter `name`"
        );
        return Err(Error::new(span, message));
    }
    match name.chars().find(|c| !is_allowed(*c)) {
        Some(c) => {
            let message = format!(
                "the name has the character {}, which no message attribute can carry: remove it",
                c.escape_unicode()
            );
            Err(Error::new(span, message))
        }
        None => Ok(()),
    }
}

/// Whether SQS carries the character. Source: the SQS API reference, `SendMessage`.
fn is_allowed(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{FFFD}' | '\u{10000}'..)
}

/// `ResizeImage` as `resize-image`, `HTTPRequest` as `http-request`.
fn kebab_case(name: &str) -> String {
    let chars: Vec<char> = name.chars().collect();
    let mut kebab = String::new();
    for (place, &c) in chars.iter().enumerate() {
        let before = place.checked_sub(1).map(|before| chars[before]);
        let after = chars.get(place + 1);
        if c == '_' || begins_word(before, c, after.copied()) {
            separate(&mut kebab);
        }
        kebab.extend(c.to_lowercase().filter(|c| *c != '_'));
    }
    kebab.trim_end_matches('-').to_owned()
}

/// Whether a word begins at `c`: at a capital after a small letter or digit, and at the last of several
/// capitals if a small letter follows.
fn begins_word(before: Option<char>, c: char, after: Option<char>) -> bool {
    let Some(before) = before else { return false };
    let ends_capitals = before.is_uppercase() && after.is_some_and(char::is_lowercase);
    c.is_uppercase() && (!before.is_uppercase() || ends_capitals)
}

fn separate(kebab: &mut String) {
    if !kebab.is_empty() && !kebab.ends_with('-') {
        kebab.push('-');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_name_becomes_words_with_hyphens() {
        let cases = [
            ("Thumbnail", "thumbnail"),
            ("ResizeImage", "resize-image"),
            ("HTTPRequest", "http-request"),
            ("MP4Encode", "mp4-encode"),
            ("ResizeV2", "resize-v2"),
            ("S3Upload", "s3-upload"),
            ("Old_Name", "old-name"),
            ("_Hidden_", "hidden"),
            ("snake_case", "snake-case"),
            ("ÄußereForm", "äußere-form"),
            ("A", "a"),
        ];
        for (name, kebab) in cases {
            assert_eq!(kebab_case(name), kebab);
        }
    }

    #[test]
    fn a_name_has_1_to_128_characters_that_sqs_carries() {
        let span = Span::call_site();
        for good in ["a", "resize image", "größer", &"ä".repeat(128)] {
            assert!(check(good, span).is_ok(), "{good}");
        }
        for bad in ["", "a\0", "\u{FFFE}", &"a".repeat(129)] {
            assert!(check(bad, span).is_err(), "{bad:?}");
        }
    }
}
