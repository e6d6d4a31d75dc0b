//! `ListQueueTags`.

use longshore_wire::{ListQueueTags, ListQueueTagsReply, SqsError};

use crate::core::{Operation, Turn};
use crate::log::Room;

impl Operation for ListQueueTags {
    type Reply = ListQueueTagsReply;

    fn room(&self) -> Room {
        Room::none()
    }

    fn run(self, turn: &mut Turn<'_>) -> Result<ListQueueTagsReply, SqsError> {
        let id = turn.resolve(&self.queue_url)?;
        let tags = turn.entry(id)?.tags.clone();
        Ok(ListQueueTagsReply { tags })
    }
}
