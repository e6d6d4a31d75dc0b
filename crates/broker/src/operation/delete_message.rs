//! `DeleteMessage`.
//!
//! A receipt handle of a standard queue is honoured for 12 hours, also after its visibility timeout
//! has ended and after the message was received again: the work was reported done. One of a FIFO
//! queue is honoured while its lease lasts. Deleting again succeeds.

use longshore_engine::{QueueId, Receipt, Refusal};
use longshore_wire::{DeleteMessage, SqsError};

use crate::core::{Operation, Turn};
use crate::log::Room;
use crate::runtime::Runtime;

/// A delete, prepared.
#[derive(Debug)]
pub(super) struct Delete {
    queue_url: String,
    handle: Handle,
}

impl Delete {
    pub(super) fn prepare(input: DeleteMessage, runtime: &Runtime) -> Self {
        let handle = Handle::parse(input.receipt_handle, runtime);
        Self { queue_url: input.queue_url, handle }
    }
}

serve_by!(DeleteMessage, |input, runtime, _| Delete::prepare(input, runtime));

impl Operation for Delete {
    type Reply = ();

    fn room(&self) -> Room {
        Room::shrink()
    }

    fn run(self, turn: &mut Turn<'_>) -> Result<(), SqsError> {
        let id = turn.resolve(&self.queue_url)?;
        delete(turn, id, &self.handle)?;
        Ok(())
    }
}

/// Deletes one message, for a single delete and for an entry of a batch.
pub(super) fn delete(turn: &mut Turn<'_>, id: QueueId, handle: &Handle) -> Result<(), SqsError> {
    let receipt = handle.receipt()?;
    let decided = turn.queue(id)?.delete(&receipt, turn.now());
    if let Some(event) = decided.map_err(|refusal| handle.refused(refusal, 0))? {
        turn.commit(id, event)?;
    }
    turn.count(id, |tally| tally.deleted += 1);
    Ok(())
}

/// A receipt handle as it was sent, and the delivery that it names.
#[derive(Debug)]
pub(super) struct Handle {
    text: String,
    receipt: Option<Receipt>,
}

impl Handle {
    pub(super) fn parse(text: String, runtime: &Runtime) -> Self {
        let receipt = runtime.receipts().parse(&text);
        Self { text, receipt }
    }

    /// The delivery that the handle names.
    pub(super) fn receipt(&self) -> Result<Receipt, SqsError> {
        if self.text.is_empty() {
            return Err(SqsError::MissingParameter("ReceiptHandle".to_owned()));
        }
        self.receipt.ok_or_else(|| SqsError::ReceiptHandleIsInvalid(self.text.clone()))
    }

    /// How SQS says that the queue refused; `seconds` is the visibility timeout that was asked.
    pub(super) fn refused(&self, refusal: Refusal, seconds: u64) -> SqsError {
        match refusal {
            Refusal::ReceiptOfAnotherQueue { .. } => {
                SqsError::ReceiptHandleIsInvalid(self.text.clone())
            }
            Refusal::ReceiptExpired { .. } => SqsError::receipt_handle_expired(&self.text),
            Refusal::NotAvailable { .. } => {
                SqsError::NotAvailableForVisibilityChange(self.text.clone())
            }
            Refusal::VisibilityTooLong { .. } => SqsError::visibility_beyond_limit(seconds),
            Refusal::OverLimit { .. } => SqsError::too_many_in_flight(),
        }
    }
}
