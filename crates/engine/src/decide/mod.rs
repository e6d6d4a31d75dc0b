//! Decisions: a queue, a request and the time in; an event or a refusal out.
//!
//! # Invariants
//!
//! - A decision changes nothing.
//! - A decision at a time is asked of a queue that has been advanced to that time.

pub(crate) mod move_task;
pub(crate) mod receive;
pub(crate) mod repeat;
pub(crate) mod send;
pub(crate) mod send_fifo;

mod dead_letter;
mod delete;
mod purge;
mod visibility;
mod withhold;

use crate::message::{Kept, Stage};
use crate::{Queue, Receipt, Refusal};

impl Queue {
    fn check_receipt(&self, receipt: &Receipt) -> Result<(), Refusal> {
        if receipt.queue == self.id {
            Ok(())
        } else {
            Err(Refusal::ReceiptOfAnotherQueue { asked: self.id, receipt: receipt.queue })
        }
    }

    /// The message that the receipt is of. One that was redriven since then is another message, and so is one that was
    /// sent since then: it has the key of a message that a power cut took back.
    fn named_by(&self, receipt: &Receipt) -> Option<Kept> {
        let message = self.messages.get(receipt.key)?;
        let before = message.delivery_before_redrive();
        let is_before = before > 0 && receipt.delivery <= before;
        let is_older = is_before || receipt.received_at < message.sent_at;
        (!is_older).then_some(message)
    }

    /// Whether the receipt is worth nothing any more. A standard queue believes whoever had the
    /// message once; a FIFO queue, only who has it now.
    fn is_void(&self, receipt: &Receipt, message: &Kept) -> bool {
        let has_it =
            matches!(message.stage, Stage::InFlight(_)) && message.delivery == receipt.delivery;
        self.fifo.is_some() && !has_it
    }
}
