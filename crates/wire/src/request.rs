//! Every request that can be decoded, and every reply that can be encoded.
//!
//! Both enums are closed on purpose: whoever answers requests must think of each action.

use serde::Serialize;

use crate::action::{
    AddPermission, CancelMessageMoveTask, CancelMessageMoveTaskReply, ChangeMessageVisibility,
    ChangeMessageVisibilityBatch, ChangeMessageVisibilityBatchReply, CreateQueue, CreateQueueReply,
    DeleteMessage, DeleteMessageBatch, DeleteMessageBatchReply, DeleteQueue, GetQueueAttributes,
    GetQueueAttributesReply, GetQueueUrl, GetQueueUrlReply, ListDeadLetterSourceQueues,
    ListDeadLetterSourceQueuesReply, ListMessageMoveTasks, ListMessageMoveTasksReply,
    ListQueueTags, ListQueueTagsReply, ListQueues, ListQueuesReply, PurgeQueue, ReceiveMessage,
    ReceiveMessageReply, RemovePermission, SendMessage, SendMessageBatch, SendMessageBatchReply,
    SendMessageReply, SetQueueAttributes, StartMessageMoveTask, StartMessageMoveTaskReply,
    TagQueue, UntagQueue,
};

macro_rules! requests {
    ($($action:ident)*) => {
        /// A decoded request: its required members are there, nothing else has been checked.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Request {
            $(#[doc = concat!("`", stringify!($action), "`.")] $action($action),)*
        }

        impl Request {
            /// The name of every action that can be decoded.
            pub const ACTIONS: &'static [&'static str] = &[$(stringify!($action)),*];

            /// The action's name, as SQS spells it.
            pub const fn action(&self) -> &'static str {
                match self { $(Self::$action(_) => stringify!($action),)* }
            }
        }

        $(impl From<$action> for Request {
            fn from(input: $action) -> Self {
                Self::$action(input)
            }
        })*
    };
}

requests! {
    CreateQueue DeleteQueue GetQueueUrl ListQueues ListDeadLetterSourceQueues GetQueueAttributes SetQueueAttributes
    SendMessage SendMessageBatch ReceiveMessage DeleteMessage DeleteMessageBatch
    ChangeMessageVisibility ChangeMessageVisibilityBatch PurgeQueue
    TagQueue UntagQueue ListQueueTags
    AddPermission RemovePermission
    StartMessageMoveTask CancelMessageMoveTask ListMessageMoveTasks
}

/// What an action that succeeded answers; it is serialized as the members of its output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Reply {
    /// Answers `CreateQueue`.
    CreateQueue(CreateQueueReply),
    /// Answers `GetQueueUrl`.
    GetQueueUrl(GetQueueUrlReply),
    /// Answers `ListDeadLetterSourceQueues`.
    ListDeadLetterSourceQueues(ListDeadLetterSourceQueuesReply),
    /// Answers `ListQueues`.
    ListQueues(ListQueuesReply),
    /// Answers `GetQueueAttributes`.
    GetQueueAttributes(GetQueueAttributesReply),
    /// Answers `SendMessage`.
    SendMessage(SendMessageReply),
    /// Answers `SendMessageBatch`.
    SendMessageBatch(SendMessageBatchReply),
    /// Answers `ReceiveMessage`.
    ReceiveMessage(ReceiveMessageReply),
    /// Answers `DeleteMessageBatch`.
    DeleteMessageBatch(DeleteMessageBatchReply),
    /// Answers `ChangeMessageVisibilityBatch`.
    ChangeMessageVisibilityBatch(ChangeMessageVisibilityBatchReply),
    /// Answers `ListQueueTags`.
    ListQueueTags(ListQueueTagsReply),
    /// Answers `StartMessageMoveTask`.
    StartMessageMoveTask(StartMessageMoveTaskReply),
    /// Answers `CancelMessageMoveTask`.
    CancelMessageMoveTask(CancelMessageMoveTaskReply),
    /// Answers `ListMessageMoveTasks`.
    ListMessageMoveTasks(ListMessageMoveTasksReply),
    /// Answers every action that has no output: the two deletes, `SetQueueAttributes`,
    /// `ChangeMessageVisibility`, `PurgeQueue`, `TagQueue`, `UntagQueue`, `AddPermission` and
    /// `RemovePermission`.
    Empty,
}
