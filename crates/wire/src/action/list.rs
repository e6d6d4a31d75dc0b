//! The list of actions, from which every table of them is made, here and in the broker.

/// Hands the list to the macro `table`: of each action its name, by which of its members it names its
/// queue, whether the queue's policy can let anyone carry it out or its owner alone may, and, where
/// they are not the action itself and nothing, the form in which it is sent and what it answers.
#[macro_export]
macro_rules! each_action {
    ($table:ident) => {
        $table! {
            CreateQueue by name for owner sent as (SentCreateQueue) answers (CreateQueueReply);
            DeleteQueue by url for owner;
            GetQueueUrl by name for anyone sent as (SentGetQueueUrl) answers (GetQueueUrlReply);
            ListQueues by none for owner answers (ListQueuesReply);
            ListDeadLetterSourceQueues by url for anyone answers (ListDeadLetterSourceQueuesReply);
            GetQueueAttributes by url for anyone answers (GetQueueAttributesReply);
            SetQueueAttributes by url for owner;
            SendMessage by url for anyone answers (SendMessageReply);
            SendMessageBatch by url for anyone sent as (SentBatch<SendMessageBatchEntry>) answers (SendMessageBatchReply);
            ReceiveMessage by url for anyone answers (ReceiveMessageReply);
            DeleteMessage by url for anyone;
            DeleteMessageBatch by url for anyone sent as (SentBatch<DeleteMessageBatchEntry>) answers (DeleteMessageBatchReply);
            ChangeMessageVisibility by url for anyone sent as (SentChangeMessageVisibility);
            ChangeMessageVisibilityBatch by url for anyone sent as (SentBatch<ChangeMessageVisibilityBatchEntry>) answers (ChangeMessageVisibilityBatchReply);
            PurgeQueue by url for anyone;
            TagQueue by url for owner;
            UntagQueue by url for owner;
            ListQueueTags by url for owner answers (ListQueueTagsReply);
            AddPermission by url for owner;
            RemovePermission by url for owner;
            StartMessageMoveTask by arn for owner answers (StartMessageMoveTaskReply);
            CancelMessageMoveTask by none for owner answers (CancelMessageMoveTaskReply);
            ListMessageMoveTasks by arn for owner answers (ListMessageMoveTasksReply);
        }
    };
}
