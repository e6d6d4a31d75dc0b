//! Says whose contents have rotted: each message once, with its queue and its place on the disk.

use longshore_engine::MessageKey;
use longshore_storage::{Quarantined, ReadError};
use longshore_types::{MessageId, QueueArn};

use crate::core::{Delivered, Ledger};
use crate::driver::Driver;

/// How many messages a start names.
const NAMED_MAX: usize = 100;

const ROTTEN: &str = "the content of a message is not as it was written: it is not delivered, and the others are; look at the disk, and see what `verify` says";

/// Names what was found when the log was replayed.
pub(crate) fn announce(ledger: &Ledger, found: &[Quarantined]) {
    for Quarantined { key, file, offset, .. } in found.iter().take(NAMED_MAX) {
        if let Some((queue, id)) = ledger.named(MessageKey::new(key.0)) {
            tracing::error!(%queue, message_id = %id, file, offset, "{ROTTEN}");
        }
    }
    let unnamed = found.len().saturating_sub(NAMED_MAX);
    if unnamed > 0 {
        tracing::error!(
            messages = unnamed,
            "so is the content of more messages: `verify` names all"
        );
    }
}

/// Names a message whose content was not read. What has rotted is named once.
pub(crate) fn tell(driver: &Driver, message: &Delivered, failure: &ReadError) {
    let queue = driver.look(|core| core.ledger().arn(message.receipt.queue)).flatten();
    let queue = queue.as_ref().map(QueueArn::to_string).unwrap_or_default();
    let id: MessageId = message.id;
    match failure {
        ReadError::Damaged { is_new: false, .. } => {}
        ReadError::Damaged { file, offset, reason, .. } => {
            tracing::error!(queue, message_id = %id, file, offset, reason, "{ROTTEN}");
        }
        ReadError::Io { .. } | _ => {
            tracing::error!(queue, message_id = %id, %failure, "the content of a message cannot be read now: it is delivered later");
        }
    }
}
