//! From an action's name to its request: the one list of actions that every protocol reads by.

use super::{
    AddPermission, CancelMessageMoveTask, ChangeMessageVisibilityBatchEntry, DeleteMessage,
    DeleteMessageBatchEntry, DeleteQueue, GetQueueAttributes, Input, ListDeadLetterSourceQueues,
    ListMessageMoveTasks, ListQueueTags, ListQueues, PurgeQueue, ReceiveMessage, RemovePermission,
    SendMessage, SendMessageBatchEntry, SentBatch, SentChangeMessageVisibility, SentCreateQueue,
    SentGetQueueUrl, SetQueueAttributes, StartMessageMoveTask, TagQueue, UntagQueue,
};
use crate::{Request, SqsError};

/// What was sent, in the form of one protocol.
pub(crate) trait Sent {
    /// Reads the members of an action out of it. Those that the action does not have are ignored.
    fn members<I: Input>(&self) -> Result<I, SqsError>;

    /// The request of the action of that name; the case counts.
    fn request(&self, action: &str) -> Result<Request, SqsError> {
        match action {
            "CreateQueue" => self.read::<SentCreateQueue>(),
            "DeleteQueue" => self.read::<DeleteQueue>(),
            "GetQueueUrl" => self.read::<SentGetQueueUrl>(),
            "ListQueues" => self.read::<ListQueues>(),
            "ListDeadLetterSourceQueues" => self.read::<ListDeadLetterSourceQueues>(),
            "GetQueueAttributes" => self.read::<GetQueueAttributes>(),
            "SetQueueAttributes" => self.read::<SetQueueAttributes>(),
            "SendMessage" => self.read::<SendMessage>(),
            "SendMessageBatch" => self.read::<SentBatch<SendMessageBatchEntry>>(),
            "ReceiveMessage" => self.read::<ReceiveMessage>(),
            "DeleteMessage" => self.read::<DeleteMessage>(),
            "DeleteMessageBatch" => self.read::<SentBatch<DeleteMessageBatchEntry>>(),
            "ChangeMessageVisibility" => self.read::<SentChangeMessageVisibility>(),
            "ChangeMessageVisibilityBatch" => {
                self.read::<SentBatch<ChangeMessageVisibilityBatchEntry>>()
            }
            "PurgeQueue" => self.read::<PurgeQueue>(),
            "TagQueue" => self.read::<TagQueue>(),
            "UntagQueue" => self.read::<UntagQueue>(),
            "ListQueueTags" => self.read::<ListQueueTags>(),
            "AddPermission" => self.read::<AddPermission>(),
            "RemovePermission" => self.read::<RemovePermission>(),
            "StartMessageMoveTask" => self.read::<StartMessageMoveTask>(),
            "CancelMessageMoveTask" => self.read::<CancelMessageMoveTask>(),
            "ListMessageMoveTasks" => self.read::<ListMessageMoveTasks>(),
            _ => Err(SqsError::unknown_operation(action)),
        }
    }

    /// The members of an action, and the request that they make.
    fn read<I: Input>(&self) -> Result<Request, SqsError> {
        self.members::<I>()?.into_request()
    }
}
