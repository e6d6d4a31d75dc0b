//! What the cases before it have called.

use anyhow::Result;

use crate::expect::same;
use crate::wire::{CALLED, Wire};

const OPERATIONS: [&str; 23] = [
    "AddPermission",
    "CancelMessageMoveTask",
    "ChangeMessageVisibility",
    "ChangeMessageVisibilityBatch",
    "CreateQueue",
    "DeleteMessage",
    "DeleteMessageBatch",
    "DeleteQueue",
    "GetQueueAttributes",
    "GetQueueUrl",
    "ListDeadLetterSourceQueues",
    "ListMessageMoveTasks",
    "ListQueueTags",
    "ListQueues",
    "PurgeQueue",
    "ReceiveMessage",
    "RemovePermission",
    "SendMessage",
    "SendMessageBatch",
    "SetQueueAttributes",
    "StartMessageMoveTask",
    "TagQueue",
    "UntagQueue",
];

pub async fn every_operation_was_called(_: &Wire) -> Result<()> {
    let called = CALLED.lock().expect("nothing panics with the lock").clone();
    same(called.iter().map(String::as_str).collect::<Vec<_>>(), OPERATIONS)
}
