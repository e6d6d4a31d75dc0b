//! An error of one entry of a batch, which differs from the same error of a single request.

use super::text::NOT_AVAILABLE;
use super::{Fault, SqsError};
use crate::action::BatchResultErrorEntry;

impl SqsError {
    /// This error as the result of a batch's entry. Three things differ from a single request: an
    /// empty body has the code `EmptyValue`, a message that is too long "cannot be validated"
    /// rather than being invalid, and the handle of a message whose visibility cannot change is
    /// itself what is invalid, by its code, in the reason's words alone.
    pub fn into_entry(self, id: impl Into<String>) -> BatchResultErrorEntry {
        let spelling = self.spelling();
        BatchResultErrorEntry {
            id: id.into(),
            sender_fault: spelling.fault == Fault::Sender,
            code: self.entry_code().unwrap_or(spelling.query_code).to_owned(),
            message: self.entry_text(),
        }
    }

    fn entry_code(&self) -> Option<&'static str> {
        if matches!(self, Self::NotAvailableForVisibilityChange(_)) {
            return Some("ReceiptHandleIsInvalid");
        }
        let empty_body = matches!(self, Self::MissingParameter(name) if name == "MessageBody");
        empty_body.then_some("EmptyValue")
    }

    fn entry_text(&self) -> String {
        if matches!(self, Self::NotAvailableForVisibilityChange(_)) {
            return NOT_AVAILABLE.to_owned();
        }
        if let Self::MessageTooLong(bytes_max) = self {
            return format!(
                "One or more parameters cannot be validated. \
                 Reason: Message must be shorter than {bytes_max} bytes."
            );
        }
        self.to_string()
    }
}
