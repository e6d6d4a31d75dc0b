//! `ListQueues`: the URLs of the account's queues, by name, in pages if asked.
//!
//! A page's token is the last name of the page, in base64: the next page begins after it, whatever
//! was created or deleted meanwhile.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use longshore_engine::QueueEntry;
use longshore_types::QueueName;
use longshore_wire::{ListQueues, ListQueuesReply, Reply, SqsError, check};

use super::done;
use crate::caller::Caller;
use crate::core::{Operation, Step, Turn};

/// URLs of a reply that was not asked for pages.
const UNPAGED_MAX: usize = 1000;

impl Operation for (ListQueues, Caller) {
    fn run(self, turn: &mut Turn<'_>) -> Result<Step, SqsError> {
        let (input, caller) = self;
        let page = check::max_results(input.max_results)?;
        let after = input.next_token.as_deref().map(parse_token).transpose()?;
        let prefix = input.queue_name_prefix.as_deref().unwrap_or_default();
        let place = turn.place();
        let mut found = turn
            .catalog()
            .in_account(&place.region, &place.account, prefix)
            .filter(|entry| after.as_ref().is_none_or(|after| entry.arn.name > *after));
        let shown: Vec<&QueueEntry> = found.by_ref().take(page.unwrap_or(UNPAGED_MAX)).collect();
        let more = page.is_some() && found.next().is_some();
        let last = shown.last().filter(|_| more);
        let reply = ListQueuesReply {
            queue_urls: shown.iter().map(|entry| caller.queue_url(&entry.arn)).collect(),
            next_token: last.map(|entry| URL_SAFE_NO_PAD.encode(entry.arn.name.as_str())),
        };
        Ok(done(Reply::ListQueues(reply)))
    }
}

fn parse_token(token: &str) -> Result<QueueName, SqsError> {
    let name = URL_SAFE_NO_PAD.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    name.and_then(|name| QueueName::parse(&name).ok())
        .ok_or_else(|| SqsError::InvalidParameterValue("Invalid or expired next token.".to_owned()))
}
