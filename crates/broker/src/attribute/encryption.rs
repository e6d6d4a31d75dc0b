//! The attributes of encryption, which this broker keeps and echoes: it encrypts nothing.
//!
//! A queue has one sort of encryption at a time. Naming a KMS key turns SQS's own off, and turning
//! SQS's own on takes the key away; taking the key away does not turn it on again. That is what AWS
//! does.

use longshore_types::AttributeName;
use longshore_wire::SqsError;

use super::{Attributes, Checked};

/// Checks a boolean; what is kept is in lower case.
pub(super) fn check_bool(name: AttributeName, value: &str) -> Result<Option<String>, SqsError> {
    let value = value.to_ascii_lowercase();
    if matches!(value.as_str(), "true" | "false") {
        Ok(Some(value))
    } else {
        Err(SqsError::invalid_attribute(name))
    }
}

/// Settles what a request's encryption attributes mean together, and for those already `present`.
pub(super) fn settle(checked: &mut Checked, present: &Attributes) -> Result<(), SqsError> {
    let Some(key) = checked.get(&AttributeName::KmsMasterKeyId).cloned() else {
        replace_key(checked, present);
        return Ok(());
    };
    if key.is_some() && turns_own_keys_on(checked) {
        return Err(SqsError::two_encryptions());
    }
    if key.is_none() {
        checked.insert(AttributeName::KmsDataKeyReusePeriodSeconds, None);
    }
    if key.is_some() || present.contains_key(&AttributeName::KmsMasterKeyId) {
        let own_keys = checked.entry(AttributeName::SqsManagedSseEnabled);
        own_keys.or_insert_with(|| Some("false".to_owned()));
    }
    Ok(())
}

/// SQS's own keys, when they are turned on, take the place of a KMS key.
fn replace_key(checked: &mut Checked, present: &Attributes) {
    if turns_own_keys_on(checked) && present.contains_key(&AttributeName::KmsMasterKeyId) {
        checked.insert(AttributeName::KmsMasterKeyId, None);
        checked.insert(AttributeName::KmsDataKeyReusePeriodSeconds, None);
    }
}

fn turns_own_keys_on(checked: &Checked) -> bool {
    let own_keys = checked.get(&AttributeName::SqsManagedSseEnabled);
    own_keys.and_then(Option::as_deref) == Some("true")
}
