//! Queue URLs: how one is built, and which queue one means.
//!
//! Clients reach the same broker as `localhost`, by a container's name and through proxies, so a
//! URL's scheme, host and port mean nothing: the last two segments of the path are the account
//! and the name, and a bare name is a queue of the caller's own account. That is how SQS itself
//! reads a `QueueUrl`. The region is the caller's too: a URL's path has none.
//!
//! One host does mean something: that of AWS itself, which names a service and a region. Where it
//! names others than the request is for, SQS answers `InvalidAddress`, and so does the broker, rather
//! than to find a queue of the same name in the wrong region.

use std::borrow::Cow;

use longshore_types::{AccountId, QueueName, Region};
use longshore_wire::percent;
use memchr::{memchr, memchr_iter, memchr2, memrchr};

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
        let path = after_scheme(url).map_or(url, after_host);
        let path = memchr2(b'?', b'#', path.as_bytes()).map_or(path, |end| &path[..end]);
        let (before, name) = last_segment(path)?;
        let name = QueueName::parse(&decoded(name)).ok()?;
        let account = last_segment(before);
        let account = account.and_then(|(_, account)| AccountId::parse(&decoded(account)).ok());
        Some(Self { account, name })
    }

    /// Whether a `QueueUrl` means a FIFO queue, if it means one.
    pub(crate) fn is_fifo(url: &str) -> bool {
        Self::parse(url).is_some_and(|address| address.name.is_fifo())
    }
}

/// What follows `://`. Each request has a URL, so its parts are looked for by the byte.
fn after_scheme(url: &str) -> Option<&str> {
    let mut colons = memchr_iter(b':', url.as_bytes());
    colons.find_map(|colon| url[colon..].strip_prefix("://"))
}

fn after_host(rest: &str) -> &str {
    memchr(b'/', rest.as_bytes()).map_or("", |slash| &rest[slash..])
}

/// The last segment of a path that is not empty, and what is before it.
fn last_segment(path: &str) -> Option<(&str, &str)> {
    let path = path.trim_end_matches('/');
    let start = memrchr(b'/', path.as_bytes()).map_or(0, |slash| slash + 1);
    (!path.is_empty()).then(|| path.split_at(start))
}

/// A segment of a path, whose characters some clients escape without need.
fn decoded(segment: &str) -> Cow<'_, str> {
    if memchr(b'%', segment.as_bytes()).is_some() {
        // What is no UTF-8 then is no name of a queue either.
        String::from_utf8_lossy(&percent::decode(segment.as_bytes())).into_owned().into()
    } else {
        segment.into()
    }
}

/// What the hosts end with that are reached by IPv6 too.
const DUAL_STACK: &str = ".api.aws";

/// Whether a `QueueUrl` has a host of AWS that is another service's than SQS, or another region's.
pub(crate) fn is_elsewhere(url: &str, region: &Region) -> bool {
    let Some(rest) = after_scheme(url) else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.split(':').next().unwrap_or_default().to_ascii_lowercase();
    let host = host.strip_suffix(".cn").unwrap_or(&host);
    let domains = [".amazonaws.com", DUAL_STACK];
    let Some(name) = domains.into_iter().find_map(|domain| host.strip_suffix(domain)) else {
        return false;
    };
    match name.split('.').collect::<Vec<_>>()[..] {
        ["sqs" | "sqs-fips", named] | [named, "queue"] => named != region.as_str(),
        // The host of us-east-1 when there was no other region.
        ["queue"] => *region != Region::default(),
        [_service, _region] => true,
        // Private endpoints have names of more parts. A region alone names no other service.
        _ => false,
    }
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
    fn a_path_can_be_escaped() {
        let queue = Some((Some("123456789012"), "my_jobs.fifo"));
        check("http://broker:9324/123456789012/my%5Fjobs%2Efifo", queue);
        check("http://broker:9324/12345678901%32/my%5fjobs.fifo", queue);
        check("http://broker:9324/123456789012/jobs%", None);
        check("http://broker:9324/123456789012/jobs%FF", None);
    }

    #[test]
    fn a_host_of_aws_that_names_another_service_or_region_is_elsewhere() {
        let region = Region::parse("eu-west-1").unwrap();
        for here in [
            "https://sqs.eu-west-1.amazonaws.com/123456789012/jobs",
            "https://SQS-fips.eu-west-1.AmazonAWS.com:443/123456789012/jobs",
            "https://eu-west-1.queue.amazonaws.com/123456789012/jobs",
            "https://sqs.eu-west-1.api.aws/123456789012/jobs",
            "https://sqs-fips.eu-west-1.api.aws/123456789012/jobs",
            // No host of SQS, and yet SQS looks the queue up.
            "https://eu-west-1.amazonaws.com/123456789012/jobs",
            "https://vpce-1.sqs.us-east-1.vpce.amazonaws.com/123456789012/jobs",
            "http://sqs.us-east-1.amazonaws.com.example.org/123456789012/jobs",
            "http://sqs.us-east-1.localhost:9324/123456789012/jobs",
            "http://broker/123456789012/jobs",
            "jobs",
        ] {
            assert!(!is_elsewhere(here, &region), "{here}");
        }
        for elsewhere in [
            "https://sqs.us-east-1.amazonaws.com/123456789012/jobs",
            "https://sqs.cn-north-1.amazonaws.com.cn/123456789012/jobs",
            "https://us-east-1.queue.amazonaws.com/123456789012/jobs",
            "https://queue.amazonaws.com/123456789012/jobs",
            "https://sns.eu-west-1.amazonaws.com/123456789012/jobs",
            "https://sqs.us-east-1.api.aws/123456789012/jobs",
            "https://sqs-fips.us-east-1.api.aws/123456789012/jobs",
            "https://sns.eu-west-1.api.aws/123456789012/jobs",
        ] {
            assert!(is_elsewhere(elsewhere, &region), "{elsewhere}");
        }
        assert!(!is_elsewhere("https://queue.amazonaws.com/1/jobs", &Region::default()));
    }

    #[test]
    fn urls_of_other_stand_ins_lead_to_the_queue() {
        for url in [
            "http://sqs.eu-west-1.localhost.localstack.cloud:4566/123456789012/jobs",
            "http://eu-west-1.queue.localhost.localstack.cloud:4566/123456789012/jobs",
            "http://localhost:4566/queue/eu-west-1/123456789012/jobs",
        ] {
            check(url, Some((Some("123456789012"), "jobs")));
            assert!(!is_elsewhere(url, &Region::default()), "{url}");
        }
        check("http://localhost:9324/queue/jobs", Some((None, "jobs")));
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
