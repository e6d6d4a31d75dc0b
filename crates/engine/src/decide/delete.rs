//! Deleting a message.

use longshore_types::{Timestamp, limits};

use crate::{Event, Queue, Receipt, Refusal};

impl Queue {
    /// Decides a delete at `now`. In a standard queue a superseded receipt deletes as well as the
    /// latest one does: who reports the work done is believed. `None` if the message is already
    /// gone, for whatever reason, which is a success.
    ///
    /// # Errors
    ///
    /// [`Refusal::ReceiptOfAnotherQueue`], and [`Refusal::ReceiptExpired`] if the message is still
    /// here but the receipt is of a receive more than 12 hours ago, or, in a FIFO queue, of one
    /// whose lease is over.
    pub fn delete(&self, receipt: &Receipt, now: Timestamp) -> Result<Option<Event>, Refusal> {
        assert!(self.is_advanced_to(now), "a delete from a queue that was not advanced");
        self.check_receipt(receipt)?;
        let key = receipt.key;
        let Some(message) = self.named_by(receipt) else { return Ok(None) };
        let too_old = now.since(receipt.received_at) > limits::VISIBILITY_TIMEOUT_MAX;
        if too_old || self.is_void(receipt, &message) {
            return Err(Refusal::ReceiptExpired { key });
        }
        Ok(Some(Event::Deleted { key }))
    }
}
