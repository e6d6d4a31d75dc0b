//! A queue's name.

use std::fmt;

use minicbor::{Decode, Encode};
use thiserror::Error;

use crate::limits::QUEUE_NAME_BYTES_MAX;

/// The ending that makes a queue FIFO.
const FIFO_SUFFIX: &str = ".fifo";

/// A queue's name: 1 to 80 letters, digits, hyphens and underscores; a FIFO queue's ends in
/// `.fifo`, which counts.
///
/// ```
/// use longshore_types::QueueName;
/// # use longshore_types::queue_name::QueueNameError;
///
/// assert!(QueueName::parse("orders.fifo")?.is_fifo());
/// assert!(QueueName::parse("my orders").is_err());
/// # Ok::<(), QueueNameError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct QueueName(#[n(0)] String);

/// The text is not a queue's name.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "`{0}` is not a queue name: a name has 1 to 80 letters, digits, hyphens and underscores, \
     and a FIFO queue's ends in .fifo"
)]
pub struct QueueNameError(String);

impl QueueName {
    /// Parses the name of a standard or of a FIFO queue.
    pub fn parse(text: &str) -> Result<Self, QueueNameError> {
        let stem = text.strip_suffix(FIFO_SUFFIX).unwrap_or(text);
        let part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        let valid =
            !stem.is_empty() && text.len() <= QUEUE_NAME_BYTES_MAX && stem.bytes().all(part);
        if valid { Ok(Self(text.to_owned())) } else { Err(QueueNameError(text.to_owned())) }
    }

    /// The name, suffix included.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the name is a FIFO queue's.
    pub fn is_fifo(&self) -> bool {
        self.0.ends_with(FIFO_SUFFIX)
    }
}

impl fmt::Display for QueueName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_1_to_80_letters_digits_hyphens_and_underscores() {
        for good in
            ["a", "A-b_9", &"x".repeat(80), "orders.fifo", &format!("{}.fifo", "x".repeat(75))]
        {
            assert_eq!(QueueName::parse(good).unwrap().as_str(), good);
        }
        for bad in [
            "",
            ".fifo",
            "a b",
            "a/b",
            "a.b",
            "ä",
            &"x".repeat(81),
            &format!("{}.fifo", "x".repeat(76)),
        ] {
            assert!(QueueName::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn only_the_suffix_makes_a_queue_fifo() {
        assert!(QueueName::parse("orders.fifo").unwrap().is_fifo());
        assert!(!QueueName::parse("fifo").unwrap().is_fifo());
    }
}
