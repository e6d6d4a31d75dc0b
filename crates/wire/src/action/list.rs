//! The list of actions, from which every table of them is made, here and in the broker.

/// Hands the list to the macro `table`: of each action its name, by which of its members it names its
/// queue, and, where they are not the action itself and nothing, the form in which it is sent and
/// what it answers.
#[macro_export]
macro_rules! each_action {
    ($table:ident) => {
        $table! {
            CreateQueue by name sent as (SentCreateQueue) answers (CreateQueueReply);
            DeleteQueue by url;
            GetQueueUrl by name sent as (SentGetQueueUrl) answers (GetQueueUrlReply);
            ListQueues by none answers (ListQueuesReply);
            ListDeadLetterSourceQueues by url answers (ListDeadLetterSourceQueuesReply);
            GetQueueAttributes by url answers (GetQueueAttributesReply);
            SetQueueAttributes by url;
            SendMessage by url answers (SendMessageReply);
            SendMessageBatch by url sent as (SentBatch<SendMessageBatchEntry>) answers (SendMessageBatchReply);
            ReceiveMessage by url answers (ReceiveMessageReply);
            DeleteMessage by url;
            DeleteMessageBatch by url sent as (SentBatch<DeleteMessageBatchEntry>) answers (DeleteMessageBatchReply);
            ChangeMessageVisibility by url sent as (SentChangeMessageVisibility);
            ChangeMessageVisibilityBatch by url sent as (SentBatch<ChangeMessageVisibilityBatchEntry>) answers (ChangeMessageVisibilityBatchReply);
            PurgeQueue by url;
            TagQueue by url;
            UntagQueue by url;
            ListQueueTags by url answers (ListQueueTagsReply);
            AddPermission by url;
            RemovePermission by url;
            StartMessageMoveTask by arn answers (StartMessageMoveTaskReply);
            CancelMessageMoveTask by none answers (CancelMessageMoveTaskReply);
            ListMessageMoveTasks by arn answers (ListMessageMoveTasksReply);
        }
    };
}
