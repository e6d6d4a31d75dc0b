//! Why a text is no policy.

use std::fmt;

use thiserror::Error;

/// Why a text is no policy that a queue can have.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PolicyError {
    /// The text is not JSON, or not of a policy's shape; this is where.
    #[error("not an access policy: {0}")]
    Malformed(String),
    /// The text has more bytes than a policy can have.
    #[error("{found} bytes were found in the submitted policy, max allowed is {max}")]
    TooLong {
        /// Bytes of the text.
        found: usize,
        /// Bytes that a policy can have.
        max: usize,
    },
    /// The policy has more of something than it can have.
    #[error("{found} {what} were found in the submitted policy, max allowed is {max}")]
    TooMany {
        /// Of what there are too many.
        what: Counted,
        /// How many there are.
        found: usize,
        /// How many a policy can have.
        max: usize,
    },
}

/// What a policy can have only so many of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// Statements.
    Statements,
    /// Principals, over all statements.
    Principals,
    /// Conditions, an operator with a key each, over all statements.
    Conditions,
}

impl fmt::Display for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Statements => "statements",
            Self::Principals => "principals",
            Self::Conditions => "conditions",
        })
    }
}

/// Refuses a text for its shape.
pub(super) fn malformed<T>(reason: impl Into<String>) -> Result<T, PolicyError> {
    Err(PolicyError::Malformed(reason.into()))
}
