//! Patterns: `*` stands for any characters, also none, and `?` for one.

use super::verdict::Verdict;

/// A pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern {
    text: String,
    /// Whether the pattern has a policy variable, `${…}`, whose value is not known here.
    variable: bool,
}

impl Pattern {
    /// A pattern of a document in which `${…}` is a variable, if `variables`.
    pub(super) fn new(text: String, variables: bool) -> Self {
        let variable = variables && text.contains("${");
        Self { text, variable }
    }

    /// Whether the pattern matches a text; the case counts.
    pub(super) fn matches(&self, text: &str) -> Verdict {
        if self.variable { Verdict::Unknown } else { matches(&self.text, text).into() }
    }
}

/// Whether a pattern matches a text. It takes time in proportion to the product of their lengths
/// at most: after a mismatch only the last `*` is tried again, with one character more.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    let (mut pattern, mut text) = (pattern.chars(), text.chars());
    let mut retry: Option<(std::str::Chars<'_>, std::str::Chars<'_>)> = None;
    loop {
        let here = text.clone();
        match (pattern.next(), text.next()) {
            (None, None) => return true,
            (Some('*'), _) => {
                text = here;
                retry = Some((pattern.clone(), text.clone()));
            }
            (Some('?'), Some(_)) => {}
            (Some(wanted), Some(found)) if wanted == found => {}
            (_, _) => {
                let Some((after_star, mut from)) = retry else { return false };
                if from.next().is_none() {
                    return false;
                }
                (pattern, text) = (after_star.clone(), from.clone());
                retry = Some((after_star, from));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_any_text_and_a_question_mark_one_character() {
        let matching = [
            ("*", ""),
            ("a*", "a"),
            ("a*c*", "abcbc"),
            ("*b?d", "abcbéd"),
            ("a**", "ab"),
            ("", ""),
        ];
        for (pattern, text) in matching {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("", "a"), ("?", ""), ("a*b", "abc"), ("A", "a"), ("*a?", "ba")] {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn many_stars_take_no_long_time() {
        assert!(!matches(&"*a".repeat(2_000), &"a".repeat(1_999)));
        assert!(!matches(&("*a".repeat(2_000) + "b"), &"a".repeat(4_000)));
    }

    #[test]
    fn a_variable_is_not_known_where_documents_have_variables() {
        let pattern = |variables| Pattern::new("${aws:username}".to_owned(), variables);
        assert_eq!(pattern(true).matches("${aws:username}"), Verdict::Unknown);
        assert_eq!(pattern(false).matches("${aws:username}"), Verdict::Holds);
    }
}
