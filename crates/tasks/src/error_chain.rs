//! An error and its causes in words, for records, dead letters and the log.

use std::error::Error;

/// Links of a chain that are kept.
const LINKS_MAX: usize = 10;
/// Characters of a link.
const LINK_CHARS_MAX: usize = 1000;

/// The error, then its causes, each in its own words. A cause whose words the error before it ends
/// with is left out: many libraries say it twice.
pub(crate) fn error_chain(error: &(dyn Error + 'static)) -> Vec<String> {
    let mut links: Vec<String> = Vec::new();
    let causes =
        std::iter::successors(Some(error), |cause: &&'_ (dyn Error + 'static)| (*cause).source());
    for cause in causes {
        let text: String = cause.to_string().chars().take(LINK_CHARS_MAX).collect();
        if links.last().is_none_or(|last| !last.ends_with(&text)) {
            links.push(text);
        }
    }
    links.truncate(LINKS_MAX);
    links
}

/// The error and its causes on one line.
pub(crate) fn one_line(error: &(dyn Error + 'static)) -> String {
    error_chain(error).join(": ")
}
