//! `GetQueueAttributes`: what a queue is set to, and how many messages it has.

use longshore_wire::{GetQueueAttributes, GetQueueAttributesReply, SqsError};

use crate::attribute;
use crate::core::{Operation, Turn};

impl Operation for GetQueueAttributes {
    type Reply = GetQueueAttributesReply;

    fn run(self, turn: &mut Turn<'_>) -> Result<GetQueueAttributesReply, SqsError> {
        let id = turn.resolve(&self.queue_url)?;
        let wanted = attribute::wanted(&self.attribute_names, turn.queue(id)?.kind())?;
        let attributes = attribute::show(turn.entry(id)?, turn.queue(id)?.counts(), &wanted);
        Ok(GetQueueAttributesReply { attributes })
    }
}
