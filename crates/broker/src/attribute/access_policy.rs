//! The access policy, which is checked and kept as its text.

use longshore_types::AttributeName;
use longshore_wire::SqsError;

use super::Attributes;
use crate::policy::{Policy, PolicyError};

/// Checks a policy's text; an empty one removes it.
pub(super) fn check(value: &str) -> Result<Option<String>, SqsError> {
    if value.is_empty() {
        return Ok(None);
    }
    let policy = Policy::parse(value).map_err(|fault| refused(&fault))?;
    if policy.is_empty() {
        return Err(SqsError::invalid_attribute(AttributeName::Policy));
    }
    Ok(Some(value.to_owned()))
}

/// The policy among a queue's attributes. One of an older log that cannot be read is none: it
/// grants nothing and denies nothing.
pub(crate) fn policy_of(attributes: &Attributes) -> Option<Policy> {
    Policy::parse(attributes.get(&AttributeName::Policy)?).ok()
}

/// How SQS refuses a text that is no policy. It does not say what is wrong with its shape.
pub(crate) fn refused(fault: &PolicyError) -> SqsError {
    match fault {
        PolicyError::Malformed(_) | PolicyError::TooLong { .. } => {
            SqsError::invalid_attribute(AttributeName::Policy)
        }
        PolicyError::TooMany { what, found, max } => {
            SqsError::policy_over_limit(*found, what, *max)
        }
    }
}
