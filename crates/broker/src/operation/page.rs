//! Lists of queues in pages.
//!
//! A page's token is the last name of the page, in base64: the next page begins after it, whatever
//! was created or deleted meanwhile.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use longshore_engine::QueueEntry;
use longshore_types::QueueName;
use longshore_wire::{SqsError, check};

use crate::caller::Caller;

/// URLs of a reply that was not asked for pages.
const UNPAGED_MAX: usize = 1000;

/// Which page of a list is asked for.
#[derive(Debug)]
pub(super) struct Page {
    count_max: Option<usize>,
    after: Option<QueueName>,
}

impl Page {
    /// Reads a request's `MaxResults` and `NextToken`.
    pub(super) fn parse(
        max_results: Option<i64>,
        next_token: Option<&str>,
    ) -> Result<Self, SqsError> {
        let count_max = check::max_results(max_results)?;
        Ok(Self { count_max, after: next_token.map(parse_token).transpose()? })
    }

    /// The page's URLs, of queues that come in ascending order of their names, and the token of
    /// the next page. A request without a page size gets no token.
    pub(super) fn of<'a>(
        &self,
        queues: impl Iterator<Item = &'a QueueEntry>,
        caller: &Caller,
    ) -> (Vec<String>, Option<String>) {
        let comes_after =
            |entry: &&QueueEntry| self.after.as_ref().is_none_or(|after| entry.arn.name > *after);
        let mut rest = queues.filter(comes_after);
        let count_max = self.count_max.unwrap_or(UNPAGED_MAX);
        let shown: Vec<&QueueEntry> = rest.by_ref().take(count_max).collect();
        let more = self.count_max.is_some() && rest.next().is_some();
        let last = shown.last().filter(|_| more);
        let token = last.map(|entry| URL_SAFE_NO_PAD.encode(entry.arn.name.as_str()));
        (shown.iter().map(|entry| caller.queue_url(&entry.arn)).collect(), token)
    }
}

fn parse_token(token: &str) -> Result<QueueName, SqsError> {
    let name = URL_SAFE_NO_PAD.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    name.and_then(|name| QueueName::parse(&name).ok()).ok_or_else(SqsError::invalid_next_token)
}
