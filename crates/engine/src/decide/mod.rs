//! Decisions: a queue, a request and the time in; an event or a refusal out.
//!
//! # Invariants
//!
//! - A decision changes nothing.
//! - A decision at a time is asked of a queue that has been advanced to that time.

pub(crate) mod receive;
pub(crate) mod send;

mod delete;
mod purge;
mod redrive;
mod visibility;

use crate::{Queue, Receipt, Refusal};

impl Queue {
    fn check_receipt(&self, receipt: &Receipt) -> Result<(), Refusal> {
        if receipt.queue == self.id {
            Ok(())
        } else {
            Err(Refusal::ReceiptOfAnotherQueue { asked: self.id, receipt: receipt.queue })
        }
    }
}
