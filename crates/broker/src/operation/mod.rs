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
mod change_message_visibility;
mod create_queue;
mod delete_message;
mod delete_queue;
mod draft;
mod fifo_ids;
mod get_queue_attributes;
mod get_queue_url;
mod list_dead_letter_source_queues;
mod list_queue_tags;
mod list_queues;
mod page;
mod purge_queue;
mod receive_message;
mod send_message;
mod set_queue_attributes;
mod tag_queue;

use longshore_wire::{Reply, Request, SqsError};

use crate::broker::Broker;
use crate::caller::Caller;
use crate::core::{Answer, Step};

use batch::{ChangeVisibilityBatch, DeleteBatch, SendBatch};
use change_message_visibility::ChangeVisibility;
use delete_message::Delete;
use send_message::Send;

/// Carries out a request.
pub(crate) async fn dispatch(
    broker: &Broker,
    caller: &Caller,
    request: Request,
) -> Result<Reply, SqsError> {
    match request {
        Request::CreateQueue(input) => broker.reply_to(caller, (input, caller.clone())).await,
        Request::DeleteQueue(input) => broker.reply_to(caller, input).await,
        Request::GetQueueUrl(input) => broker.reply_to(caller, (input, caller.clone())).await,
        Request::ListQueues(input) => broker.reply_to(caller, (input, caller.clone())).await,
        Request::ListDeadLetterSourceQueues(input) => {
            broker.reply_to(caller, (input, caller.clone())).await
        }
        Request::GetQueueAttributes(input) => broker.reply_to(caller, input).await,
        Request::SetQueueAttributes(input) => broker.reply_to(caller, input).await,
        Request::SendMessage(input) => {
            broker.reply_to(caller, Send::prepare(input, broker, caller)).await
        }
        Request::SendMessageBatch(input) => {
            broker.reply_to(caller, SendBatch::prepare(input, broker, caller)).await
        }
        Request::ReceiveMessage(input) => receive_message::receive(broker, caller, input).await,
        Request::DeleteMessage(input) => {
            broker.reply_to(caller, Delete::prepare(input, broker)).await
        }
        Request::DeleteMessageBatch(input) => {
            broker.reply_to(caller, DeleteBatch::prepare(input, broker)).await
        }
        Request::ChangeMessageVisibility(input) => {
            broker.reply_to(caller, ChangeVisibility::prepare(input, broker)).await
        }
        Request::ChangeMessageVisibilityBatch(input) => {
            broker.reply_to(caller, ChangeVisibilityBatch::prepare(input, broker)).await
        }
        Request::PurgeQueue(input) => broker.reply_to(caller, input).await,
        Request::TagQueue(input) => broker.reply_to(caller, input).await,
        Request::UntagQueue(input) => broker.reply_to(caller, input).await,
        Request::ListQueueTags(input) => broker.reply_to(caller, input).await,
    }
}

/// An operation that is over with its turn.
fn done(reply: Reply) -> Step {
    Step::Done(Answer::Reply(reply))
}
