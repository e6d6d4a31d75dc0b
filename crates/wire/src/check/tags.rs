//! A queue's tags.

use std::collections::BTreeMap;

use longshore_types::limits::{TAG_KEY_CHARS_MAX, TAG_VALUE_CHARS_MAX};

use crate::SqsError;

/// Checks tags that a request adds. How many a queue can have in total is for whoever knows the
/// queue.
pub fn tags(tags: &BTreeMap<String, String>) -> Result<(), SqsError> {
    tag_keys(tags.keys())?;
    if tags.values().any(|value| value.chars().count() > TAG_VALUE_CHARS_MAX) {
        return Err(refuse("Tag values must be between 0 and 256 characters in length."));
    }
    Ok(())
}

/// Checks tag keys: 1 to 128 letters of any script, digits, white space and a few marks; not in
/// the namespace `aws:`.
pub fn tag_keys<'a>(keys: impl IntoIterator<Item = &'a String>) -> Result<(), SqsError> {
    keys.into_iter().try_for_each(|key| tag_key(key))
}

fn tag_key(key: &str) -> Result<(), SqsError> {
    let letter = |c: char| c.is_alphanumeric() || c.is_whitespace() || "_.:/=+-@".contains(c);
    if !(1..=TAG_KEY_CHARS_MAX).contains(&key.chars().count()) {
        return Err(refuse("Tag keys must be between 1 and 128 characters in length."));
    }
    if !key.chars().all(letter) {
        return Err(refuse(
            "Tag keys may only contain unicode letters, digits, whitespace, or one of these \
             symbols: _ . : / = + - @",
        ));
    }
    if key.get(..4).is_some_and(|prefix| prefix.eq_ignore_ascii_case("aws:")) {
        return Err(refuse("Tag keys must not begin with 'aws:', which is reserved."));
    }
    Ok(())
}

fn refuse(text: &str) -> SqsError {
    SqsError::InvalidParameterValue(text.to_owned())
}
