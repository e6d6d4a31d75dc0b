//! The operations of SQS: a file per action, with its input, its output and their limits.
//!
//! These are the only definitions of the operations. They bear the member names of the SQS API
//! model as serde names; a protocol is a serde format with its own envelope, so what one action
//! accepts and answers cannot differ between protocols.
//!
//! # Invariants
//!
//! - An input holds what was sent. A `null` member equals an absent one, and a required string
//!   that is absent or empty never gets past decoding.
//! - An output is written without its empty members: SQS sends no empty list or map.

mod add_permission;
mod attribute;
mod batch;
mod cancel_message_move_task;
mod change_message_visibility;
mod change_message_visibility_batch;
mod create_queue;
mod delete_message;
mod delete_message_batch;
mod delete_queue;
mod get_queue_attributes;
mod get_queue_url;
mod list;
mod list_dead_letter_source_queues;
mod list_message_move_tasks;
mod list_queue_tags;
mod list_queues;
mod purge_queue;
pub(crate) mod read;
mod receive_message;
mod remove_permission;
mod send_message;
mod send_message_batch;
pub(crate) mod sent;
mod sent_integer;
mod set_queue_attributes;
mod start_message_move_task;
mod tag_queue;
mod untag_queue;
mod write;

pub use add_permission::AddPermission;
pub use attribute::{RawAttribute, SystemAttributeName};
pub use batch::{BatchKind, BatchResultEntry, BatchResultErrorEntry};
pub use cancel_message_move_task::{CancelMessageMoveTask, CancelMessageMoveTaskReply};
pub use change_message_visibility::ChangeMessageVisibility;
pub use change_message_visibility_batch::{
    ChangeMessageVisibilityBatch, ChangeMessageVisibilityBatchEntry,
    ChangeMessageVisibilityBatchReply,
};
pub use create_queue::{CreateQueue, CreateQueueReply};
pub use delete_message::DeleteMessage;
pub use delete_message_batch::{
    DeleteMessageBatch, DeleteMessageBatchEntry, DeleteMessageBatchReply,
};
pub use delete_queue::DeleteQueue;
pub use get_queue_attributes::{GetQueueAttributes, GetQueueAttributesReply};
pub use get_queue_url::{GetQueueUrl, GetQueueUrlReply};
pub use list_dead_letter_source_queues::{
    ListDeadLetterSourceQueues, ListDeadLetterSourceQueuesReply,
};
pub use list_message_move_tasks::{
    ListMessageMoveTasks, ListMessageMoveTasksReply, ListMessageMoveTasksResultEntry,
};
pub use list_queue_tags::{ListQueueTags, ListQueueTagsReply};
pub use list_queues::{ListQueues, ListQueuesReply};
pub use purge_queue::PurgeQueue;
pub use receive_message::{ReceiveMessage, ReceiveMessageReply, ReceivedMessage};
pub use remove_permission::RemovePermission;
pub use send_message::{SendMessage, SendMessageReply};
pub use send_message_batch::{
    SendMessageBatch, SendMessageBatchEntry, SendMessageBatchReply, SendMessageBatchResultEntry,
};
pub use sent_integer::SentInteger;
pub use set_queue_attributes::SetQueueAttributes;
pub use start_message_move_task::{StartMessageMoveTask, StartMessageMoveTaskReply};
pub use tag_queue::TagQueue;
pub use untag_queue::UntagQueue;

pub(crate) use batch::{BatchEntry, SentBatch};
pub(crate) use change_message_visibility::SentChangeMessageVisibility;
pub(crate) use create_queue::SentCreateQueue;
pub(crate) use get_queue_url::SentGetQueueUrl;

use serde::de::DeserializeOwned;

use crate::{Request, SqsError};

/// The members of an action as they were sent, whatever the protocol.
pub(crate) trait Input: DeserializeOwned + Default {
    /// The request, once no required member is missing.
    fn into_request(self) -> Result<Request, SqsError>;

    /// The same as it was meant, if it came in a protocol that cannot say an empty list: one that is
    /// not there can be that.
    #[must_use]
    fn flattened(self) -> Self {
        self
    }
}

/// Refuses a required string that is absent or empty.
fn require(value: &str, member: &str) -> Result<(), SqsError> {
    if value.is_empty() { Err(SqsError::MissingParameter(member.to_owned())) } else { Ok(()) }
}
