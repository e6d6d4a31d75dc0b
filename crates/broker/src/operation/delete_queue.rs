//! `DeleteQueue`: the queue goes, with all its messages, and those who wait for them are told.

use longshore_wire::{DeleteQueue, SqsError};

use crate::core::{Operation, Turn};
use crate::log::Room;

impl Operation for DeleteQueue {
    type Reply = ();

    fn room(&self) -> Room {
        Room::shrink()
    }

    fn run(self, turn: &mut Turn<'_>) -> Result<(), SqsError> {
        let id = turn.resolve(&self.queue_url)?;
        let event = turn.catalog().delete(id).map_err(|_| SqsError::QueueDoesNotExist)?;
        turn.commit_catalog(event, None)?;
        Ok(())
    }
}
