//! An error of one entry of a batch, which differs from the same error of a single request.

use super::{Fault, SqsError};
use crate::action::BatchResultErrorEntry;

impl SqsError {
    /// This error as the result of a batch's entry. Two things differ from a single request: an
    /// empty body has the code `EmptyValue`, and a message that is too long "cannot be
    /// validated" rather than being invalid.
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
        let empty_body = matches!(self, Self::MissingParameter(name) if name == "MessageBody");
        empty_body.then_some("EmptyValue")
    }

    fn entry_text(&self) -> String {
        if let Self::MessageTooLong(bytes_max) = self {
            return format!(
                "One or more parameters cannot be validated. \
                 Reason: Message must be shorter than {bytes_max} bytes."
            );
        }
        self.to_string()
    }
}
