//! How a task stands, as whoever asked for it is told.

use crate::life::Shown;
use crate::reply::ReplyStatus;

/// How a task stands.
///
/// ```
/// use longshore_tasks::{Client, Status, StoreError, TaskId};
///
/// async fn page(client: &Client, id: &TaskId) -> Result<String, StoreError> {
///     Ok(match client.status(id).await? {
///         None => "there is no such task".to_owned(),
///         Some(Status::Pending) => "still at work".to_owned(),
///         Some(Status::Completed { body }) => format!("done: {body}"),
///         Some(Status::Failed { body }) => format!("given up: {body}"),
///     })
/// }
/// ```
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
