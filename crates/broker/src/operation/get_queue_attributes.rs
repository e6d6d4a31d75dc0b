//! `GetQueueAttributes`: what a queue is set to, and how many messages it has.

use longshore_wire::{GetQueueAttributes, GetQueueAttributesReply, Reply, SqsError};

use super::done;
use crate::attribute::{self, Facts};
use crate::core::{Operation, Step, Turn};
use crate::log::Room;

impl Operation for GetQueueAttributes {
    fn room(&self) -> Room {
        Room::none()
    }

    fn run(self, turn: &mut Turn<'_>) -> Result<Step, SqsError> {
        let id = turn.resolve(&self.queue_url)?;
        let wanted = attribute::wanted(&self.attribute_names, turn.queue(id)?.kind())?;
        let entry = turn.entry(id)?;
        let facts = Facts {
            counts: turn.queue(id)?.counts(),
            created_at: turn.shown(entry.created_at),
            modified_at: turn.shown(entry.modified_at),
        };
        let attributes = attribute::show(entry, &facts, &wanted);
        Ok(done(Reply::GetQueueAttributes(GetQueueAttributesReply { attributes })))
    }
}
