//! `GetQueueAttributes`: what a queue is set to, and how many messages it has.

use longshore_wire::{GetQueueAttributes, GetQueueAttributesReply, SqsError};

use crate::attribute::{self, Facts};
use crate::core::{Operation, Turn};
use crate::log::Room;

impl Operation for GetQueueAttributes {
    type Reply = GetQueueAttributesReply;

    fn room(&self) -> Room {
        Room::none()
    }

    fn run(self, turn: &mut Turn<'_>) -> Result<GetQueueAttributesReply, SqsError> {
        let id = turn.resolve(&self.queue_url)?;
        let wanted = attribute::wanted(&self.attribute_names, turn.queue(id)?.kind())?;
        let entry = turn.entry(id)?;
        let facts = Facts {
            counts: turn.queue(id)?.counts(),
            created_at: turn.shown(entry.created_at),
            modified_at: turn.shown(entry.modified_at),
        };
        Ok(GetQueueAttributesReply { attributes: attribute::show(entry, &facts, &wanted) })
    }
}
