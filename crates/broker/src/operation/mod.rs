//! The SQS actions, a file each.
//!
//! An action is prepared before its turn (digests and checks of content need no queue) and then
//! runs in one turn at the ledger: look the queue up, check what depends on it, decide by the
//! engine, commit, answer. The order of the checks is the one that SQS keeps: required members,
//! the queue, the shape of a batch, the values, the state.
//!
//! A batch loops over the single action's own code.
//!
//! To add an action: a file here like `delete_message.rs`, and its line in [`dispatch`].

mod batch;
mod cancel_message_move_task;
mod change_message_visibility;
mod create_queue;
mod delete_message;
mod delete_queue;
mod draft;
mod fifo_ids;
mod get_queue_attributes;
mod get_queue_url;
mod list_dead_letter_source_queues;
mod list_message_move_tasks;
mod list_queue_tags;
mod list_queues;
mod page;
mod peek;
mod permission;
mod purge_queue;
mod receive_message;
mod send_message;
mod set_queue_attributes;
mod start_message_move_task;
mod tag_queue;
mod task_handle;

use longshore_wire::{Reply, Request, SqsError};

use crate::caller::Caller;
use crate::core::{Answer, Asker, Step};
use crate::runtime::Runtime;

use batch::{ChangeVisibilityBatch, DeleteBatch, SendBatch};
use change_message_visibility::ChangeVisibility;
use delete_message::Delete;
use send_message::Send;
use start_message_move_task::StartMove;

pub(crate) use peek::{PeekMessages, peek};

/// Carries out a request.
pub(crate) async fn dispatch(
    runtime: &Runtime,
    caller: &Caller,
    request: Request,
) -> Result<Reply, SqsError> {
    let asker = Asker::new(caller, request.action());
    match request {
        Request::CreateQueue(input) => runtime.reply_to(asker, (input, caller.clone())).await,
        Request::DeleteQueue(input) => runtime.reply_to(asker, input).await,
        Request::GetQueueUrl(input) => runtime.reply_to(asker, (input, caller.clone())).await,
        Request::ListQueues(input) => runtime.reply_to(asker, (input, caller.clone())).await,
        Request::ListDeadLetterSourceQueues(input) => {
            runtime.reply_to(asker, (input, caller.clone())).await
        }
        Request::GetQueueAttributes(input) => runtime.reply_to(asker, input).await,
        Request::SetQueueAttributes(input) => runtime.reply_to(asker, input).await,
        Request::SendMessage(input) => {
            runtime.reply_to(asker, Send::prepare(input, runtime, caller)).await
        }
        Request::SendMessageBatch(input) => {
            runtime.reply_to(asker, SendBatch::prepare(input, runtime, caller)).await
        }
        Request::ReceiveMessage(input) => receive_message::receive(runtime, asker, input).await,
        Request::DeleteMessage(input) => {
            runtime.reply_to(asker, Delete::prepare(input, runtime)).await
        }
        Request::DeleteMessageBatch(input) => {
            runtime.reply_to(asker, DeleteBatch::prepare(input, runtime)).await
        }
        Request::ChangeMessageVisibility(input) => {
            runtime.reply_to(asker, ChangeVisibility::prepare(input, runtime)).await
        }
        Request::ChangeMessageVisibilityBatch(input) => {
            runtime.reply_to(asker, ChangeVisibilityBatch::prepare(input, runtime)).await
        }
        Request::PurgeQueue(input) => runtime.reply_to(asker, input).await,
        Request::TagQueue(input) => runtime.reply_to(asker, input).await,
        Request::UntagQueue(input) => runtime.reply_to(asker, input).await,
        Request::ListQueueTags(input) => runtime.reply_to(asker, input).await,
        Request::AddPermission(input) => runtime.reply_to(asker, input).await,
        Request::RemovePermission(input) => runtime.reply_to(asker, input).await,
        Request::StartMessageMoveTask(input) => {
            runtime.reply_to(asker, StartMove::prepare(input, runtime)).await
        }
        Request::CancelMessageMoveTask(input) => runtime.reply_to(asker, input).await,
        Request::ListMessageMoveTasks(input) => runtime.reply_to(asker, input).await,
    }
}

/// An operation that is over with its turn.
fn done(reply: Reply) -> Step {
    Step::Done(Answer::Reply(reply))
}
