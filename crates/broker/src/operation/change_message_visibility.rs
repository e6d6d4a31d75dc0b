//! `ChangeMessageVisibility`: a lease ends so many seconds from now; zero hands the message back.

use std::time::Duration;

use longshore_engine::QueueId;
use longshore_wire::{Action, ChangeMessageVisibility, SqsError, check};

use super::Serve;
use super::delete_message::Handle;
use crate::bounds::Share;
use crate::broker::Broker;
use crate::caller::Caller;
use crate::core::{Asker, Operation, Turn};
use crate::log::Room;
use crate::runtime::Runtime;

/// A change of visibility, prepared.
#[derive(Debug)]
pub(super) struct ChangeVisibility {
    queue_url: String,
    handle: Handle,
    timeout: Result<Duration, SqsError>,
}

impl ChangeVisibility {
    pub(super) fn prepare(input: ChangeMessageVisibility, runtime: &Runtime) -> Self {
        let handle = Handle::parse(input.receipt_handle, runtime);
        let timeout = check::visibility(&input.visibility_timeout);
        Self { queue_url: input.queue_url, handle, timeout }
    }
}

impl Serve for ChangeMessageVisibility {
    async fn serve(
        self,
        broker: &Broker,
        caller: &Caller,
        _: &mut Share,
    ) -> Result<Self::Reply, SqsError> {
        let runtime = broker.runtime();
        runtime
            .perform(ChangeVisibility::prepare(self, runtime), Asker::new(caller, Self::NAME))
            .await
    }
}

impl Operation for ChangeVisibility {
    type Reply = ();

    fn room(&self) -> Room {
        Room::keep()
    }

    fn run(self, turn: &mut Turn<'_>) -> Result<(), SqsError> {
        let id = turn.resolve(&self.queue_url)?;
        change_visibility(turn, id, &self.handle, self.timeout)?;
        Ok(())
    }
}

/// Changes one message's visibility, for a single change and for an entry of a batch. SQS looks at
/// the timeout's range before it looks at the handle.
pub(super) fn change_visibility(
    turn: &mut Turn<'_>,
    id: QueueId,
    handle: &Handle,
    timeout: Result<Duration, SqsError>,
) -> Result<(), SqsError> {
    let timeout = timeout?;
    let receipt = handle.receipt()?;
    let decided = turn.queue(id)?.change_visibility(&receipt, timeout, turn.now());
    match decided.map_err(|refusal| handle.refused(refusal, timeout.as_secs()))? {
        Some(event) => turn.commit(id, event),
        None => Ok(()),
    }
}
