//! How a task stands, as whoever asked for it is told.

use crate::life::Shown;
use crate::reply::ReplyStatus;

/// How a task stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// Sent, or about to be; no reply yet.
    Pending,
    /// Done.
    Completed {
        /// The reply's body.
        body: String,
    },
    /// Given up.
    Failed {
        /// The reply's body: `{"message":"<text>"}`.
        body: String,
    },
}

impl From<Shown> for Status {
    fn from(shown: Shown) -> Self {
        match shown {
            Shown::Pending => Self::Pending,
            Shown::Ended(reply) => match reply.status {
                ReplyStatus::Completed => Self::Completed { body: reply.body },
                ReplyStatus::Failed => Self::Failed { body: reply.body },
            },
        }
    }
}
