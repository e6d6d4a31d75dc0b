//! `ListDeadLetterSourceQueues`: the queues that dead-letter to a queue, by name, in pages if asked.

use longshore_engine::QueueEntry;
use longshore_wire::{ListDeadLetterSourceQueues, ListDeadLetterSourceQueuesReply, SqsError};

use super::page::Page;
use crate::caller::Caller;
use crate::core::{Operation, Turn};
use crate::log::Room;

serve_by!(ListDeadLetterSourceQueues, |input, _, caller| (input, caller.clone()));

impl Operation for (ListDeadLetterSourceQueues, Caller) {
    type Reply = ListDeadLetterSourceQueuesReply;

    fn room(&self) -> Room {
        Room::none()
    }

    fn run(self, turn: &mut Turn<'_>) -> Result<ListDeadLetterSourceQueuesReply, SqsError> {
        let (input, caller) = self;
        let id = turn.resolve(&input.queue_url)?;
        let page = Page::parse(input.max_results, input.next_token.as_deref())?;
        let mut sources: Vec<&QueueEntry> =
            turn.catalog().sources_of(&turn.entry(id)?.arn).collect();
        sources.sort_by(|one, other| one.arn.name.cmp(&other.arn.name));
        let (queue_urls, next_token) = page.of(sources.into_iter(), &caller);
        let reply = ListDeadLetterSourceQueuesReply { queue_urls, next_token };
        Ok(reply)
    }
}
