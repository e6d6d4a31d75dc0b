//! Groups of flags that the roles of an application share with the broker on its own.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::Args;
use clap::builder::BoolishValueParser;
use longshore_broker::{AllowedHost, TrustedProxy};
use longshore_types::AccountId;

use super::bounds::BoundOptions;
use super::{duration, parse_address, parse_origin};

/// The broker.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag that is typed or is not")]
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Broker")]
pub(crate) struct BrokerOptions {
    /// Where the broker listens for SQS requests. An address beyond this host needs
    /// --require-signatures, or --allow-anonymous
    #[arg(
        long, env = "LONGSHORE_BROKER_LISTEN", value_name = "ADDRESS",
        value_parser = parse_address, default_value = "127.0.0.1:9324"
    )]
    pub(crate) broker_listen: SocketAddr,

    /// Keep the broker's messages in memory only: they end with the process
    #[arg(long, env = "LONGSHORE_IN_MEMORY", value_parser = BoolishValueParser::new())]
    pub(crate) in_memory: bool,

    /// Answer once the log is written, and sync it this often, 1ms to 60s: a kill loses nothing, and
    /// a power cut what was answered since the last sync. Without it, what an answer says is synced
    #[arg(
        long, env = "LONGSHORE_SYNC_INTERVAL", value_name = "DURATION",
        value_parser = sync_interval
    )]
    pub(crate) sync_interval: Option<Duration>,

    /// Refuse what SQS refuses for 60 seconds: a second purge, and a queue of a deleted one's name
    #[arg(long, env = "LONGSHORE_STRICT", value_parser = BoolishValueParser::new())]
    pub(crate) strict: bool,

    /// How much later than the log's last record the clock may be at the start, and still be
    /// believed at once
    #[arg(
        long, env = "LONGSHORE_CLOCK_JUMP_MAX", value_name = "DURATION",
        value_parser = duration, default_value = "1h"
    )]
    pub(crate) clock_jump_max: Duration,

    /// For how long the clock must go steadily before a greater jump is believed: until then no
    /// message expires by it, and no delay or lease ends
    #[arg(
        long, env = "LONGSHORE_CLOCK_CONFIRMED_AFTER", value_name = "DURATION",
        value_parser = duration, default_value = "5m"
    )]
    pub(crate) clock_confirmed_after: Duration,

    /// Let everyone who can reach the broker's address use it, without a signature
    #[arg(long, env = "LONGSHORE_ALLOW_ANONYMOUS", value_parser = BoolishValueParser::new())]
    pub(crate) allow_anonymous: bool,

    /// Serve only requests that are signed with a key of --access-keys, and only what the policies
    /// of other accounts' queues allow
    #[arg(long, env = "LONGSHORE_REQUIRE_SIGNATURES", value_parser = BoolishValueParser::new())]
    pub(crate) require_signatures: bool,

    /// TOML file of the access keys that the broker knows, each with its secret, and whose account
    /// each is: docs/access.md
    #[arg(long, env = "LONGSHORE_ACCESS_KEYS", value_name = "FILE")]
    pub(crate) access_keys: Option<PathBuf>,

    /// Account of the queues of callers whose access key says no other: 12 digits
    #[arg(
        long, env = "LONGSHORE_ACCOUNT", value_name = "ACCOUNT",
        value_parser = AccountId::parse, default_value_t = AccountId::default()
    )]
    pub(crate) account: AccountId,

    /// What queue URLs begin with.
    #[arg(
        help = "What queue URLs begin with, such as https://queues.example.org; without it, the \
                Host that the request named",
        long, env = "LONGSHORE_BROKER_PUBLIC_URL", value_name = "URL",
        value_parser = parse_origin
    )]
    pub(crate) broker_public_url: Option<String>,

    /// Host that the broker serves, besides loopback, addresses, names without a full stop and names
    /// of one network (docs/access.md), such as sqs.example.org or *.example.org; can be repeated
    #[arg(
        long, env = "LONGSHORE_ALLOWED_HOST", value_name = "HOST", value_delimiter = ',',
        value_parser = AllowedHost::from_str
    )]
    pub(crate) allowed_host: Vec<AllowedHost>,

    /// Address of a proxy, or a network of them such as 10.0.0.0/8, whose X-Forwarded-Proto counts;
    /// can be repeated
    #[arg(
        long, env = "LONGSHORE_TRUSTED_PROXY", value_name = "ADDRESS", value_delimiter = ',',
        value_parser = TrustedProxy::from_str
    )]
    pub(crate) trusted_proxy: Vec<TrustedProxy>,

    /// Where the broker's metrics are, for Prometheus, at /metrics; without it nowhere. They bear
    /// the names of queues and nothing of messages, and everyone who reaches the address can read
    /// them
    #[arg(
        long, env = "LONGSHORE_METRICS_LISTEN", value_name = "ADDRESS",
        value_parser = parse_address
    )]
    pub(crate) metrics_listen: Option<SocketAddr>,

    /// How much clients may take.
    #[command(flatten)]
    pub(crate) bounds: BoundOptions,
}

/// How a role ends.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Shutdown")]
pub(crate) struct DrainOptions {
    /// How long requests and tasks that have begun may take to end after SIGTERM or Ctrl-C; what
    /// is left is handed back to its queue
    #[arg(
        long, env = "LONGSHORE_GRACE", value_name = "DURATION",
        value_parser = duration, default_value = "25s"
    )]
    pub(crate) grace: Duration,
}

/// How often a log is synced.
fn sync_interval(text: &str) -> Result<Duration, String> {
    let interval = duration(text).map_err(|fault| fault.to_string())?;
    let makes_sense = (Duration::from_millis(1)..=Duration::from_secs(60)).contains(&interval);
    makes_sense.then_some(interval).ok_or_else(|| {
        "write 1ms to 60s; without --sync-interval, the log is synced before each answer".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_synced_every_millisecond_to_every_minute() {
        assert_eq!(sync_interval("200ms"), Ok(Duration::from_millis(200)));
        assert_eq!(sync_interval("60s"), Ok(Duration::from_secs(60)));
        for wrong in ["0s", "61s"] {
            assert!(sync_interval(wrong).unwrap_err().contains("1ms to 60s"), "{wrong}");
        }
        assert!(sync_interval("soon").is_err());
    }
}
