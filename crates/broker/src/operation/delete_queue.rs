//! `DeleteQueue`: the queue goes, with all its messages, and those who wait for them are told.

use longshore_wire::{DeleteQueue, Reply, SqsError};

use super::done;
use crate::core::{Operation, Step, Turn};
use crate::log::Room;

impl Operation for DeleteQueue {
    fn room(&self) -> Room {
        Room::shrink()
    }

    fn run(self, turn: &mut Turn<'_>) -> Result<Step, SqsError> {
        let id = turn.resolve(&self.queue_url)?;
        let event = turn.catalog().delete(id).map_err(|_| SqsError::QueueDoesNotExist)?;
        turn.commit_catalog(event, None)?;
        Ok(done(Reply::Empty))
    }
}
