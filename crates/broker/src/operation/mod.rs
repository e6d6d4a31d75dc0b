//! The SQS actions, a file each.
//!
//! An action is prepared before its turn (digests and checks of content need no queue) and then
//! runs in one turn at the ledger: look the queue up, check what depends on it, decide by the
//! engine, commit, answer. The order of the checks is the one that SQS keeps: required members,
//! the queue, the shape of a batch, the values, the state.
//!
//! A batch loops over the single action's own code.
//!
//! To add an action: a file here like `delete_message.rs`. That every action of the list in `wire` is
//! served, the compiler sees to.

/// Serves an action by the operation that is made of it, of what operations work with, and of the caller.
macro_rules! serve_by {
    ($action:ty, $prepare:expr) => {
        impl crate::operation::Serve for $action {
            async fn serve(
                self,
                broker: &crate::broker::Broker,
                caller: &crate::caller::Caller,
                _: &mut crate::bounds::Share,
            ) -> Result<Self::Reply, longshore_wire::SqsError> {
                let prepare: fn(Self, &crate::runtime::Runtime, &crate::caller::Caller) -> _ =
                    $prepare;
                let asker = crate::core::Asker::new(caller, <Self as longshore_wire::Action>::NAME);
                let runtime = broker.runtime();
                runtime.perform(prepare(self, runtime, caller), asker).await
            }
        }
    };
}

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
mod hand_out;
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

use longshore_wire::{Action, Reply, Request, SqsError, each_action};

use crate::bounds::Share;
use crate::broker::Broker;
use crate::caller::Caller;
use crate::core::{Asker, Operation};

pub(crate) use peek::{PeekMessages, Peeked, peek};

/// An action that the broker carries out, as it does every one.
pub trait Serve: Action {
    /// Carries it out for a caller; `share` grows by the reply of what brings messages.
    fn serve(
        self,
        broker: &Broker,
        caller: &Caller,
        share: &mut Share,
    ) -> impl Future<Output = Result<Self::Reply, SqsError>> + Send;
}

/// What there is to do for an action that needs no preparation.
impl<A> Serve for A
where
    A: Action + Operation<Reply = <A as Action>::Reply> + Send,
    <A as Action>::Reply: Send,
{
    async fn serve(
        self,
        broker: &Broker,
        caller: &Caller,
        _: &mut Share,
    ) -> Result<<A as Action>::Reply, SqsError> {
        broker.runtime().perform(self, Asker::new(caller, A::NAME)).await
    }
}

macro_rules! dispatch {
    ($($action:ident by $by:ident for $whom:ident $(sent as $sent:tt)? $(answers $reply:tt)?;)*) => {
        /// Carries out a request; `share` grows by the reply of what brings messages.
        pub(crate) async fn dispatch(
            broker: &Broker,
            caller: &Caller,
            request: Request,
            share: &mut Share,
        ) -> Result<Reply, SqsError> {
            match request {
                $(Request::$action(action) => {
                    action.serve(broker, caller, share).await.map(Reply::from)
                })*
            }
        }
    };
}

each_action!(dispatch);
