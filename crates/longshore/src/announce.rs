//! What a role says on stdout when it has started: what listens where, and what to try.

#[cfg(feature = "application")]
pub(crate) mod roles;

use std::fmt::Write as _;
use std::io::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use crate::options::address::reachable;
use crate::options::broker_region;
use crate::role::broker::BrokerRole;

/// Writes `message` to stdout. Nobody may be reading it, and that is no reason to fail.
pub(crate) fn say(message: &str) {
    let mut stdout = std::io::stdout().lock();
    let written = writeln!(stdout, "{message}").and_then(|()| stdout.flush());
    if let Err(fault) = written {
        tracing::debug!(%fault, "the start-up message could not be written");
    }
}

/// The start-up message of `broker`.
pub(crate) fn broker(
    role: &BrokerRole,
    address: SocketAddr,
    metrics_address: Option<SocketAddr>,
) -> String {
    let data = if role.broker.in_memory {
        "in memory: it ends with this process".to_owned()
    } else {
        let directory = role.directory.display().to_string();
        directory + &synced(role.broker.sync_interval)
    };
    let declared: Vec<_> = role.declared.iter().map(|queue| queue.name.as_str()).collect();
    let queues = if declared.is_empty() { "none declared".to_owned() } else { declared.join(", ") };
    let mut lines = vec![
        ("broker", sqs(address, role.region.as_deref(), role.broker.require_signatures)),
        ("health", format!("{}/health", url(address))),
        ("queues", queues),
        ("data", data),
    ];
    lines.extend(metrics_address.map(metrics));
    head(&role.program, "broker listens", &lines)
}

/// How often a log is synced, if that is not before each answer.
fn synced(interval: Option<Duration>) -> String {
    interval.map(|interval| format!(", synced every {interval:?}")).unwrap_or_default()
}

fn head(program: &str, what: &str, lines: &[(&str, String)]) -> String {
    let mut text = format!("{program} {what}.\n\n");
    for (name, value) in lines {
        writeln!(text, "  {name:<8} {value}").expect("a String takes everything");
    }
    text
}

fn sqs(broker: SocketAddr, region: Option<&str>, require_signatures: bool) -> String {
    let whose = if require_signatures { "its own access keys" } else { "any credentials" };
    format!("{}  (SQS in {}, {whose})", url(broker), broker_region(region))
}

fn metrics(address: SocketAddr) -> (&'static str, String) {
    ("metrics", format!("{}/metrics", url(address)))
}

fn url(address: SocketAddr) -> String {
    let address = reachable(address);
    if address.ip() == std::net::Ipv4Addr::LOCALHOST {
        return format!("http://localhost:{}", address.port());
    }
    format!("http://{address}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broker_that_requires_signatures_does_not_promise_to_take_any_credentials() {
        let address = "127.0.0.1:9324".parse().unwrap();
        for (require, said) in [
            (false, "http://localhost:9324  (SQS in eu-west-1, any credentials)"),
            (true, "http://localhost:9324  (SQS in eu-west-1, its own access keys)"),
        ] {
            assert_eq!(sqs(address, Some("eu-west-1"), require), said);
        }
    }
}
