//! `ListDeadLetterSourceQueues`: the queues that dead-letter to a queue, by name, in pages if asked.

use longshore_engine::QueueEntry;
use longshore_wire::{
    Action, ListDeadLetterSourceQueues, ListDeadLetterSourceQueuesReply, SqsError,
};

use super::Serve;
use super::page::Page;
use crate::bounds::Share;
use crate::broker::Broker;
use crate::caller::Caller;
use crate::core::{Asker, Operation, Turn};
use crate::log::Room;

impl Serve for ListDeadLetterSourceQueues {
    async fn serve(
        self,
        broker: &Broker,
        caller: &Caller,
        _: &mut Share,
    ) -> Result<Self::Reply, SqsError> {
        broker.runtime().perform((self, caller.clone()), Asker::new(caller, Self::NAME)).await
    }
}

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
