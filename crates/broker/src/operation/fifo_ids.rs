//! The message group and the deduplication id that every message of a FIFO queue has.
//!
//! Without an id of the sender's own, the digest of the body is the deduplication id, if the queue
//! deduplicates by content; the digest is made before the turn, like all that looks at a body.

use std::fmt::Write as _;

use longshore_engine::QueueId;
use longshore_types::AttributeName;
use longshore_wire::{SendMessage, SqsError, check};
use sha2::{Digest, Sha256};

use crate::core::Turn;

/// The ids of a message for a FIFO queue.
#[derive(Clone, Debug)]
pub(super) struct FifoIds {
    pub(super) group: String,
    pub(super) deduplication_id: String,
    /// Whether the deduplication id is the sender's own, and not the body's digest.
    is_chosen: bool,
}

impl FifoIds {
    /// Checks the ids of a send to a FIFO queue, and its delay, which must not be its own.
    pub(super) fn check(input: &SendMessage) -> Result<Self, SqsError> {
        let group = input.message_group_id.clone();
        let group = group.ok_or_else(|| SqsError::MissingParameter("MessageGroupId".to_owned()))?;
        check::message_group_id(Some(&group))?;
        let chosen = input.message_deduplication_id.clone();
        check::message_deduplication_id(chosen.as_deref())?;
        check::delay(input.delay_seconds.as_ref(), false)?;
        let is_chosen = chosen.is_some();
        let deduplication_id = chosen.unwrap_or_else(|| digest(&input.message_body));
        Ok(Self { group, deduplication_id, is_chosen })
    }

    /// Refuses a digest where the queue does not deduplicate by content.
    pub(super) fn check_queue(&self, queue: QueueId, turn: &Turn<'_>) -> Result<(), SqsError> {
        let attributes = &turn.entry(queue)?.attributes;
        let by_content = attributes.get(&AttributeName::ContentBasedDeduplication);
        if self.is_chosen || by_content.is_some_and(|value| value == "true") {
            return Ok(());
        }
        Err(SqsError::deduplication_id_needed())
    }
}

/// The SHA-256 of a body in hexadecimal.
fn digest(body: &str) -> String {
    Sha256::digest(body).iter().fold(String::with_capacity(64), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a string cannot fail");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_of_a_body_is_its_sha_256_in_lower_case() {
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(digest("abc"), expected);
    }
}
