//! An error and its causes, each in its own words.
//!
//! Many errors print their cause within their own text, and others do not. Here what a cause says
//! is told once, by the cause: whatever an error repeats of what is behind it is left out. So the
//! lines can be shown one under the other, and joined.

use std::error::Error;

/// Characters of one cause.
const CHARS_MAX: usize = 1000;
/// Causes that are told.
const CAUSES_MAX: usize = 10;
/// Causes that are looked at, so that no error of somebody else's keeps us for ever.
const DEPTH_MAX: usize = 100;

/// An error and its causes, outermost first, each in its own words: at least one, and at most ten,
/// of which the last is the root; each of at most 1000 characters.
///
/// ```
/// use std::io;
///
/// use longshore_tasks::error_chain;
///
/// # #[derive(Debug)]
/// # struct NoUpload(io::Error);
/// # impl std::fmt::Display for NoUpload {
/// #     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
/// #         write!(f, "cat.png was not uploaded: {}", self.0)
/// #     }
/// # }
/// # impl std::error::Error for NoUpload {
/// #     fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
/// #         Some(&self.0)
/// #     }
/// # }
/// let error = NoUpload(io::Error::other("the disk is full"));
/// assert_eq!(error.to_string(), "cat.png was not uploaded: the disk is full");
/// assert_eq!(error_chain(&error), ["cat.png was not uploaded", "the disk is full"]);
/// ```
pub fn error_chain(error: &(dyn Error + 'static)) -> Vec<String> {
    let texts: Vec<String> = causes(error).take(DEPTH_MAX).map(ToString::to_string).collect();
    let own = |place: usize| own_words(&texts[place], &texts[place + 1..]);
    let mut told: Vec<&str> =
        (0..texts.len()).map(own).filter(|text| !text.trim().is_empty()).collect();
    if told.is_empty() {
        told.push("an error without words");
    }
    if told.len() > CAUSES_MAX {
        let root = told[told.len() - 1];
        told.truncate(CAUSES_MAX - 1);
        told.push(root);
    }
    told.into_iter().map(shortened).collect()
}

/// An error and its causes themselves, outermost first.
pub(crate) fn causes<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |cause: &&'a (dyn Error + 'static)| (*cause).source())
}

/// An error and its causes in one line, as [`error_chain`] tells them.
pub fn in_one_line(error: &(dyn Error + 'static)) -> String {
    error_chain(error).join(": ")
}

/// What `text` says before it repeats what is behind it.
fn own_words<'a>(text: &'a str, behind: &[String]) -> &'a str {
    let mut own = text;
    for cause in behind.iter().map(|cause| cause.trim()).filter(|cause| !cause.is_empty()) {
        if own.trim() == cause {
            return "";
        }
        let before = own
            .trim_end()
            .strip_suffix(cause)
            .and_then(|before| before.trim_end().strip_suffix(':'));
        own = before.map_or(own, str::trim_end);
    }
    own
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(CHARS_MAX) {
        None => text.to_owned(),
        Some(_) => text.chars().take(CHARS_MAX - 1).chain(['…']).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{text}")]
    struct Said {
        text: String,
        source: Option<Box<Self>>,
    }

    /// An error that says the first of these texts, with the others behind it.
    fn error(texts: &[&str]) -> Said {
        let (first, behind) = texts.split_first().expect("a text");
        let source = (!behind.is_empty()).then(|| Box::new(error(behind)));
        Said { text: (*first).to_owned(), source }
    }

    #[test]
    fn each_cause_is_told_once_whoever_repeats_it() {
        let cases: [(&[&str], &[&str]); 6] = [
            (&["a", "b"], &["a", "b"]),
            (&["a: b", "b"], &["a", "b"]),
            (&["a: b: c", "b: c", "c"], &["a", "b", "c"]),
            (&["a: c", "b", "c"], &["a", "b", "c"]),
            (&["b", "b", "c"], &["b", "c"]),
            (&["no file", "file"], &["no file", "file"]),
        ];
        for (texts, told) in cases {
            assert_eq!(error_chain(&error(texts)), told, "{texts:?}");
        }
    }

    #[test]
    fn the_root_is_told_however_many_causes_stand_before_it() {
        let texts: Vec<String> = (0..15).map(|number| number.to_string()).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let told = error_chain(&error(&texts));
        assert_eq!(told, ["0", "1", "2", "3", "4", "5", "6", "7", "8", "14"]);
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        for (length, end) in [(1000, 'ä'), (1001, '…')] {
            let told = error_chain(&error(&[&"ä".repeat(length)]));
            assert_eq!((told[0].chars().count(), told[0].chars().last()), (1000, Some(end)));
        }
    }

    #[test]
    fn an_error_without_words_is_told_as_one() {
        assert_eq!(error_chain(&error(&[""])), ["an error without words"]);
        assert_eq!(in_one_line(&error(&["", "b", "c"])), "b: c");
    }
}
