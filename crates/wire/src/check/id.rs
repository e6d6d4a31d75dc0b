//! Ids that a sender chooses: message groups, deduplication ids and receive attempts.

use crate::SqsError;

/// Letters of such an id.
const ID_BYTES_MAX: usize = 128;

/// Checks a message group, on either sort of queue, if there is one.
pub fn message_group_id(id: Option<&str>) -> Result<(), SqsError> {
    chosen_id("MessageGroupId", id)
}

/// Checks a deduplication id, if there is one. Whether the queue takes one is another question.
pub fn message_deduplication_id(id: Option<&str>) -> Result<(), SqsError> {
    chosen_id("MessageDeduplicationId", id)
}

/// Checks that an id has 1 to 128 letters, digits and ASCII punctuation marks. An empty id is
/// refused, and differs from an absent one.
pub(super) fn chosen_id(parameter: &str, id: Option<&str>) -> Result<(), SqsError> {
    let letter = |byte: u8| byte.is_ascii_graphic();
    match id {
        Some(id) if !(1..=ID_BYTES_MAX).contains(&id.len()) || !id.bytes().all(letter) => {
            let reason = format!(
                "{parameter} can only include alphanumeric and punctuation characters. \
                 1 to 128 in length."
            );
            Err(SqsError::invalid_value(id, parameter, &reason))
        }
        _ => Ok(()),
    }
}
