//! `ListQueueTags`.

use longshore_wire::{ListQueueTags, ListQueueTagsReply, Reply, SqsError};

use super::done;
use crate::core::{Operation, Step, Turn};
use crate::log::Room;

impl Operation for ListQueueTags {
    fn room(&self) -> Room {
        Room::none()
    }

    fn run(self, turn: &mut Turn<'_>) -> Result<Step, SqsError> {
        let id = turn.resolve(&self.queue_url)?;
        let tags = turn.entry(id)?.tags.clone();
        Ok(done(Reply::ListQueueTags(ListQueueTagsReply { tags })))
    }
}
