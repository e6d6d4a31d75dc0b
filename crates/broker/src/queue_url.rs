//! Queue URLs: how one is built, and which queue one means.
//!
//! Clients reach the same broker as `localhost`, by a container's name and through proxies, so a
//! URL's scheme, host and port mean nothing: the last two segments of the path are the account
//! and the name, and a bare name is a queue of the caller's own account. That is how SQS itself
//! reads a `QueueUrl`. The region is the caller's too: a URL's path has none.

use longshore_types::{AccountId, QueueName};

/// The queue that a `QueueUrl` means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct QueueAddress {
    /// The account, if the URL names one.
    pub(crate) account: Option<AccountId>,
    /// The queue's name.
    pub(crate) name: QueueName,
}

impl QueueAddress {
    /// Reads a `QueueUrl`; `None` if it names no queue.
    pub(crate) fn parse(url: &str) -> Option<Self> {
        let path = url.split_once("://").map_or(url, |(_, rest)| after_host(rest));
        let path = path.split(['?', '#']).next().unwrap_or(path);
        let mut segments = path.rsplit('/').filter(|segment| !segment.is_empty());
        let name = QueueName::parse(segments.next()?).ok()?;
        let account = segments.next().and_then(|account| AccountId::parse(account).ok());
        Some(Self { account, name })
    }

    /// Whether a `QueueUrl` means a FIFO queue, if it means one.
    pub(crate) fn is_fifo(url: &str) -> bool {
        Self::parse(url).is_some_and(|address| address.name.is_fifo())
    }
}

fn after_host(rest: &str) -> &str {
    rest.find('/').map_or("", |slash| &rest[slash..])
}

/// The URL of a queue for a client that reaches the broker at `base_url`.
pub(crate) fn queue_url(base_url: &str, account: &AccountId, name: &QueueName) -> String {
    format!("{}/{account}/{name}", base_url.trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(url: &str, expect: Option<(Option<&str>, &str)>) {
        let expect = expect.map(|(account, name)| QueueAddress {
            account: account.map(|account| AccountId::parse(account).unwrap()),
            name: QueueName::parse(name).unwrap(),
        });
        assert_eq!(QueueAddress::parse(url), expect, "{url}");
    }

    #[test]
    fn only_the_path_of_a_url_counts() {
        let queue = Some((Some("123456789012"), "jobs"));
        check("https://sqs.us-east-1.amazonaws.com/123456789012/jobs", queue);
        check("http://broker:9324/123456789012/jobs/", queue);
        check("http://[::1]:9324/prefix/123456789012/jobs?x=1", queue);
    }

    #[test]
    fn a_bare_name_is_a_queue_of_the_callers_account() {
        check("jobs", Some((None, "jobs")));
        check("http://localhost:9324/jobs", Some((None, "jobs")));
    }

    #[test]
    fn a_url_without_a_path_names_no_queue() {
        check("http://localhost:9324", None);
        check("http://localhost:9324/", None);
        check("", None);
    }
}
