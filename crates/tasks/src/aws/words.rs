//! What an error of the SDK says.

use std::error::Error;

/// Codes of refusals that pass by themselves.
const THROTTLING: [&str; 8] = [
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestThrottled",
    "TooManyRequestsException",
    "OverLimit",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
];

/// Whether a code, without what stands before it, says that there were too many requests. What is
/// refused so was not carried out.
pub(crate) fn is_throttling(code: &str) -> bool {
    THROTTLING.contains(&code)
}

/// A code without the name space that some endpoints write before it.
pub(crate) fn short_code(code: &str) -> &str {
    code.rsplit(['#', '.']).next().unwrap_or(code)
}

/// An error and its causes, each in its own words. Not as the SDK would show them, which is with
/// the whole response, headers and body.
pub(crate) fn in_words(error: &(dyn Error + 'static)) -> String {
    let mut words: Vec<String> = causes(error).map(ToString::to_string).collect();
    words.dedup();
    words.join(": ")
}

pub(crate) fn causes<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |cause: &&'a (dyn Error + 'static)| (*cause).source())
}
