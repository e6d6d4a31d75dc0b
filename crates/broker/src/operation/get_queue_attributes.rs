//! `GetQueueAttributes`: what a queue is set to, and how many messages it has.

use longshore_wire::{GetQueueAttributes, GetQueueAttributesReply, Reply, SqsError};

use super::done;
use crate::attribute;
use crate::core::{Operation, Step, Turn};

impl Operation for GetQueueAttributes {
    fn run(self, turn: &mut Turn<'_>) -> Result<Step, SqsError> {
        let id = turn.resolve(&self.queue_url)?;
        let wanted = attribute::wanted(&self.attribute_names, turn.queue(id)?.kind())?;
        let attributes = attribute::show(turn.entry(id)?, turn.queue(id)?.counts(), &wanted);
        Ok(done(Reply::GetQueueAttributes(GetQueueAttributesReply { attributes })))
    }
}
