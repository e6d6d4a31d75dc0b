//! A reply and its message: body, and the attributes `status`, `replyMessageId`, `createdAt`; and `traceparent` with
//! `tracestate`, if its task is in a trace.

use longshore_types::{MessageAttribute, MessageAttributes, Timestamp, limits};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::contents::{self, escape_json};
use crate::envelope::{self, CREATED_AT};
use crate::id::TaskId;
use crate::trace::TraceContext;
use crate::transport::{OutgoingMessage, QueueHandle};

/// Says whether the task was done or failed.
pub const STATUS: &str = "status";
/// Names the task that is answered: its task id if it had one, else its message id.
pub const REPLY_MESSAGE_ID: &str = "replyMessageId";

/// Bytes of a reply's body: what a message can have, less its attributes.
const BODY_BYTES_MAX: usize = limits::MESSAGE_BYTES_MAX as usize - 1024;

/// How a task ended.
///
/// ```
/// use longshore_tasks::ReplyStatus;
///
/// assert_eq!(ReplyStatus::Failed.as_str(), "FAILED");
/// assert_eq!(ReplyStatus::parse("COMPLETED"), Some(ReplyStatus::Completed));
/// assert_eq!(ReplyStatus::parse("completed"), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum ReplyStatus {
    /// Done; the body is what the codec made of the reply.
    Completed,
    /// Given up; the body is `{"message":"<text>"}`.
    Failed,
}

impl ReplyStatus {
    /// The attribute's value.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
        }
    }

    /// The status of that name; names are case-sensitive.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "COMPLETED" => Some(Self::Completed),
            "FAILED" => Some(Self::Failed),
            _ => None,
        }
    }
}

/// How a task ended, and the text of its body exactly as it goes over the wire.
///
/// ```
/// use longshore_tasks::{Reply, ReplyStatus};
///
/// let done = Reply::completed("13");
/// assert_eq!((done.status, done.body.as_str()), (ReplyStatus::Completed, "13"));
/// let given_up = Reply::failed("no such image");
/// assert_eq!(given_up.body, r#"{"message":"no such image"}"#);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// Done, or given up.
    pub status: ReplyStatus,
    /// JSON as its writer wrote it: numbers keep every digit.
    pub body: String,
}

impl Reply {
    /// A reply of a task that is done.
    pub fn completed(body: impl Into<String>) -> Self {
        Self { status: ReplyStatus::Completed, body: body.into() }
    }

    /// A reply of a task that was given up, with the body `{"message":"<message>"}`. Of a message
    /// that is too long for a reply its beginning is told.
    pub fn failed(message: &str) -> Self {
        let body = failed_body(message);
        let body =
            if body.len() > BODY_BYTES_MAX { failed_body(&beginning(message)) } else { body };
        Self { status: ReplyStatus::Failed, body }
    }

    /// What a FAILED reply says: the message in its body, or the body where it is written otherwise.
    /// `None` for any other reply.
    pub(crate) fn failed_message(&self) -> Option<String> {
        let body = (self.status == ReplyStatus::Failed).then_some(&self.body)?;
        let read = serde_json::from_str::<FailedBody>(body);
        Some(read.map_or_else(|_| body.clone(), |read| read.message))
    }

    /// Says why no message could carry the reply.
    pub(crate) fn check_body(body: &str) -> Result<(), String> {
        if body.len() > BODY_BYTES_MAX {
            return Err(format!(
                "its reply has {} bytes; a message takes {BODY_BYTES_MAX}",
                body.len()
            ));
        }
        contents::check_body(body).map_err(|why| format!("no message can carry its reply: {why}"))
    }
}

/// The body of a FAILED reply. Other members of a foreign worker's are its own.
#[derive(Deserialize)]
struct FailedBody {
    message: String,
}

fn failed_body(message: &str) -> String {
    let text = escape_json(serde_json::Value::from(message).to_string());
    format!("{{\"message\":{text}}}")
}

/// As much of a message as fits a reply even if JSON escapes all of it: six bytes for one.
fn beginning(message: &str) -> String {
    let end = message.floor_char_boundary(BODY_BYTES_MAX / 6 - 100);
    format!("{}…", &message[..end])
}

/// Why a message on a reply queue is no reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NotAReply {
    /// Nothing says how the task ended.
    #[error("the message attribute `status` is missing or is neither COMPLETED nor FAILED")]
    Status,
    /// Nothing says which task ended.
    #[error("the message attribute `replyMessageId` is missing or is not an id")]
    ReplyMessageId,
}

/// Reads a reply's message: the id that it answers to, and the reply.
pub fn open(body: String, attributes: &MessageAttributes) -> Result<(TaskId, Reply), NotAReply> {
    let text = |name| attributes.get(name).and_then(MessageAttribute::as_text);
    let status = text(STATUS).and_then(ReplyStatus::parse).ok_or(NotAReply::Status)?;
    let id = text(REPLY_MESSAGE_ID).and_then(|id| TaskId::parse(id).ok());
    Ok((id.ok_or(NotAReply::ReplyMessageId)?, Reply { status, body }))
}

/// The message that carries `reply` to `queue`, in the trace of its task.
pub fn seal(
    queue: &QueueHandle,
    id: &TaskId,
    reply: Reply,
    now: Timestamp,
    trace: Option<&TraceContext>,
) -> OutgoingMessage {
    let status = reply.status.as_str();
    let mut attributes = MessageAttributes::from([
        (STATUS.to_owned(), MessageAttribute::text(status)),
        (REPLY_MESSAGE_ID.to_owned(), MessageAttribute::text(id.as_str())),
        (CREATED_AT.to_owned(), MessageAttribute::number(now.as_millis())),
    ]);
    attributes.extend(trace.into_iter().flat_map(envelope::trace_attributes));
    // The status is in the deduplication id because COMPLETED must reach the application after a
    // FAILED of the same task, when it was redriven within the five minutes of deduplication.
    OutgoingMessage::new(reply.body, attributes).in_group_of(queue, id, &format!("{id}-{status}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_a_json_object_with_its_message_and_nothing_else() {
        let reply = Reply::failed("Invalid request in message.Body:\"x\"\n");
        assert_eq!(reply.body, r#"{"message":"Invalid request in message.Body:\"x\"\n"}"#);
    }

    #[test]
    fn a_failure_fits_a_message_however_much_there_is_to_say() {
        for c in ["x", "\0", "\u{ffff}", "😀"] {
            let body = Reply::failed(&c.repeat(2_000_000)).body;
            assert_eq!(Reply::check_body(&body), Ok(()), "{c:?}");
            assert!(serde_json::from_str::<serde_json::Value>(&body).is_ok());
        }
    }

    #[test]
    fn a_reply_reads_back_as_it_was_written() {
        let queue = QueueHandle::new("replies", "http://h/1/replies");
        let id = TaskId::parse("t-1").unwrap();
        let reply = Reply::completed(r#"{"arg":8,"value":2.6863810024485354e+208}"#);
        let message = seal(&queue, &id, reply.clone(), Timestamp::from_millis(7), None);
        assert_eq!(open(message.body, &message.attributes), Ok((id, reply)));
    }

    #[test]
    fn a_reply_to_the_longest_id_fits_a_fifo_queue() {
        let queue = QueueHandle::new("replies.fifo", "http://h/1/replies.fifo");
        let id = TaskId::parse(&"x".repeat(128)).unwrap();
        let ids = [Reply::completed("1"), Reply::failed("no")].map(|reply| {
            let message = seal(&queue, &id, reply, Timestamp::from_millis(7), None);
            assert_eq!(message.group_id.as_deref(), Some(id.as_str()));
            message.deduplication_id.unwrap()
        });
        assert!(ids.iter().all(|id| id.len() <= 128) && ids[0] != ids[1], "{ids:?}");
    }

    #[test]
    fn a_message_without_the_expected_attributes_is_no_reply() {
        let mut attributes = MessageAttributes::new();
        assert_eq!(open(String::new(), &attributes), Err(NotAReply::Status));
        attributes.insert(STATUS.to_owned(), MessageAttribute::text("COMPLETED"));
        assert_eq!(open(String::new(), &attributes), Err(NotAReply::ReplyMessageId));
    }
}
