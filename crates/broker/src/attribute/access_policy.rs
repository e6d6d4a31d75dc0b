//! The access policy, which is kept as its text.

use longshore_types::AttributeName;
use longshore_wire::SqsError;

/// Bytes of a policy.
const POLICY_BYTES_MAX: usize = 8192;

/// Checks that a policy is a JSON object; an empty one removes it.
pub(super) fn check(value: &str) -> Result<Option<String>, SqsError> {
    if value.is_empty() {
        return Ok(None);
    }
    let object = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(value);
    if object.is_err() || value.len() > POLICY_BYTES_MAX {
        return Err(SqsError::invalid_attribute(AttributeName::Policy));
    }
    Ok(Some(value.to_owned()))
}
