//! `PurgeQueue`: every message goes, available, delayed and in flight; later sends stay.

use std::time::Duration;

use longshore_engine::QueueId;
use longshore_wire::{PurgeQueue, SqsError};

use crate::core::{Operation, Turn};
use crate::log::Room;

/// How long a strict broker refuses to purge a queue again.
const PURGE_AGAIN_AFTER: Duration = Duration::from_secs(60);

impl Operation for PurgeQueue {
    type Reply = ();

    fn room(&self) -> Room {
        Room::shrink()
    }

    fn run(self, turn: &mut Turn<'_>) -> Result<(), SqsError> {
        let id = turn.resolve(&self.queue_url)?;
        if turn.rules().strict && purged_lately(turn, id) {
            return Err(SqsError::PurgeQueueInProgress(turn.entry(id)?.arn.name.to_string()));
        }
        let queue = turn.queue(id)?;
        // A strict broker has to remember also that a queue was purged that was empty.
        if !queue.is_purged() || turn.rules().strict {
            let event = queue.purge();
            turn.commit(id, event)?;
        }
        Ok(())
    }
}

fn purged_lately(turn: &Turn<'_>, id: QueueId) -> bool {
    turn.purged_at(id).is_some_and(|at| turn.now().since(at) < PURGE_AGAIN_AFTER)
}
