//! `ListQueues`: the URLs of the account's queues, by name, in pages if asked.

use longshore_wire::{ListQueues, ListQueuesReply, SqsError};

use super::page::Page;
use crate::caller::Caller;
use crate::core::{Operation, Turn};
use crate::log::Room;

serve_by!(ListQueues, |input, _, caller| (input, caller.clone()));

impl Operation for (ListQueues, Caller) {
    type Reply = ListQueuesReply;

    fn room(&self) -> Room {
        Room::none()
    }

    fn run(self, turn: &mut Turn<'_>) -> Result<ListQueuesReply, SqsError> {
        let (input, caller) = self;
        let page = Page::parse(input.max_results, input.next_token.as_deref())?;
        let prefix = input.queue_name_prefix.as_deref().unwrap_or_default();
        let place = turn.place();
        let found = turn.catalog().in_account(&place.region, &place.account, prefix);
        let (queue_urls, next_token) = page.of(found, &caller);
        Ok(ListQueuesReply { queue_urls, next_token })
    }
}
