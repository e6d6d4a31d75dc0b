//! `ChangeMessageVisibility`: a lease ends so many seconds from now; zero hands the message back.

use std::time::Duration;

use longshore_engine::QueueId;
use longshore_wire::{ChangeMessageVisibility, SqsError, check};

use super::delete_message::Handle;
use crate::core::{Operation, Turn};
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

serve_by!(ChangeMessageVisibility, |input, runtime, _| ChangeVisibility::prepare(input, runtime));

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
