//! Changing when a received message becomes available again.

use std::time::Duration;

use longshore_types::{Timestamp, limits};

use crate::message::Stage;
use crate::{Event, Queue, Receipt, Refusal};

impl Queue {
    /// Decides a change of visibility at `now`: the message is in flight for `timeout` from now
    /// on, and available at once if that is zero. A standard queue honours a superseded receipt. `None` if the
    /// message is available already, and stays so.
    ///
    /// # Errors
    ///
    /// [`Refusal::ReceiptOfAnotherQueue`]; [`Refusal::NotAvailable`] if the message is gone,
    /// or, in a FIFO queue, no longer leased to who has the receipt;
    /// [`Refusal::VisibilityTooLong`] if it would be in flight for more than 12 hours since the
    /// receive that gave the receipt. SQS never clamps, and neither do we.
    pub fn change_visibility(
        &self,
        receipt: &Receipt,
        timeout: Duration,
        now: Timestamp,
    ) -> Result<Option<Event>, Refusal> {
        assert!(self.is_advanced_to(now), "a change in a queue that was not advanced");
        self.check_receipt(receipt)?;
        let key = receipt.key;
        let message = self.named_by(receipt).ok_or(Refusal::NotAvailable { key })?;
        if self.is_void(receipt, &message) {
            return Err(Refusal::NotAvailable { key });
        }
        let spent = now.since(receipt.received_at);
        if spent.saturating_add(timeout) > limits::VISIBILITY_TIMEOUT_MAX {
            return Err(Refusal::VisibilityTooLong { key });
        }
        match message.stage {
            Stage::InFlight(_) => Ok(Some(Event::VisibilityChanged { key, until: now + timeout })),
            Stage::Available | Stage::Delayed(_) => Ok(None),
        }
    }
}
