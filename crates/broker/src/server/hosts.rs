//! Which hosts a broker without signatures serves, by the name in a request's `Host`.
//!
//! A page whose own name was made to resolve to this broker's address sends what the page's script
//! likes, as a request to the page's own site: nothing but the name tells it from a program's. So
//! names that nobody on the internet can own are served, those that the operator gives to the
//! broker, and no others, wherever the broker listens.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use thiserror::Error;

use super::target::host_and_port;

/// Names below these belong to one host or one network. The last is a public name that its owner
/// points at the loopback address, because people's programs name their stand-in for AWS so.
const OWN_DOMAINS: [&str; 5] =
    ["localhost", "internal", "svc", "svc.cluster.local", "localhost.localstack.cloud"];

/// A host that a broker is told to serve: a name, or with `*.` before it all names below.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedHost {
    name: String,
    below: bool,
}

/// The text is not a host that a broker could be told to serve.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "`{0}` is not a host: write a name without a port, such as sqs.example.org, or \
     *.example.org for every name below it"
)]
pub struct AllowedHostError(String);

impl FromStr for AllowedHost {
    type Err = AllowedHostError;

    fn from_str(text: &str) -> Result<Self, AllowedHostError> {
        let (name, below) = match text.strip_prefix("*.") {
            Some(name) => (name, true),
            None => (text, false),
        };
        let in_a_name = |char: char| char.is_ascii_alphanumeric() || "-_.".contains(char);
        if name.is_empty() || name.starts_with('.') || !name.chars().all(in_a_name) {
            return Err(AllowedHostError(text.to_owned()));
        }
        Ok(Self { name: plain(name), below })
    }
}

impl AllowedHost {
    fn covers(&self, name: &str) -> bool {
        if self.below { is_below(name, &self.name) } else { name == self.name }
    }
}

/// The hosts that a broker serves.
#[derive(Clone, Debug)]
pub(super) struct Hosts {
    allowed: Vec<AllowedHost>,
    /// The name in the public URL.
    public: Option<String>,
}

impl Hosts {
    pub(super) fn new(allowed: &[AllowedHost], public_url: Option<&str>) -> Self {
        let authority = public_url.and_then(|url| {
            let (_, rest) = url.split_once("://")?;
            host_and_port(rest.split('/').next()?)
        });
        let public = authority.map(|authority| plain(authority.host()));
        Self { allowed: allowed.to_vec(), public }
    }

    /// Whether a request for `host`, which may have a port, is served. Only an old client names
    /// none, and no browser.
    pub(super) fn serve(&self, host: Option<&str>) -> bool {
        let Some(host) = host else { return true };
        let Some(authority) = host_and_port(host) else { return false };
        let name = plain(authority.host());
        is_address(&name)
            || !authority.host().contains('.')
            || OWN_DOMAINS.iter().any(|own| name == *own || is_below(&name, own))
            || self.public.as_deref() == Some(name.as_str())
            || self.allowed.iter().any(|allowed| allowed.covers(&name))
    }
}

/// A name in small letters, without the full stop that says that it is complete.
fn plain(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

fn is_below(name: &str, domain: &str) -> bool {
    name.strip_suffix(domain).is_some_and(|below| below.len() > 1 && below.ends_with('.'))
}

fn is_address(name: &str) -> bool {
    let bracketed = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
    bracketed.map_or_else(
        || name.parse::<Ipv4Addr>().is_ok(),
        |address| address.parse::<Ipv6Addr>().is_ok(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(hosts: &Hosts, host: &str, served: bool) {
        assert_eq!(hosts.serve(Some(host)), served, "{host}");
    }

    #[test]
    fn c6_only_hosts_that_nobody_on_the_internet_can_own_are_served() {
        let hosts = Hosts::new(&[], None);
        for own in [
            "127.0.0.1:9324",
            "10.1.2.3",
            "[::1]:9324",
            "localhost",
            "LOCALHOST:9324",
            "localhost.",
            "broker:1",
            "sqs.localhost",
            "queue.ns.svc",
            "queue.ns.svc.cluster.local.",
        ] {
            check(&hosts, own, true);
        }
        for strange in [
            "evil.example",
            "evil.example:9324",
            "127.0.0.1.evil.example",
            "localhost.evil.example",
            "evillocalhost.example",
            "my.evilinternal",
            ".internal",
            "ai.",
            "[::1].evil.example",
            "user@evil.example",
            "a b",
            "",
        ] {
            check(&hosts, strange, false);
        }
    }

    #[test]
    fn c7_what_stand_ins_for_aws_and_containers_call_this_host_is_served() {
        let hosts = Hosts::new(&[], None);
        for name in [
            "localhost.localstack.cloud:4566",
            "sqs.eu-west-1.localhost.localstack.cloud:4566",
            "host.docker.internal:9324",
            "host.containers.internal",
        ] {
            check(&hosts, name, true);
        }
        check(&hosts, "localstack.cloud", false);
        check(&hosts, "evil-localhost.localstack.cloud", false);
    }

    #[test]
    fn the_public_url_and_the_operator_name_further_hosts() {
        let allowed = ["sqs.example.org", "*.corp.example"].map(|text| text.parse().unwrap());
        let hosts = Hosts::new(&allowed, Some("https://queues.example.com:8443/sqs"));
        for served in [
            "queues.example.com",
            "Queues.Example.com:1",
            "sqs.example.org:80",
            "a.corp.example",
            "a.b.corp.example",
        ] {
            check(&hosts, served, true);
        }
        for strange in ["example.com", "a.sqs.example.org", "corp.example", "acorp.example"] {
            check(&hosts, strange, false);
        }
    }

    #[test]
    fn an_allowed_host_is_a_name_without_a_port() {
        for bad in ["", "*", "*.", "a:80", "http://a", "a/b", ".a", "*.*.a"] {
            assert!(bad.parse::<AllowedHost>().is_err(), "{bad}");
        }
    }
}
