//! What the codes of refusals say.

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
