//! Groups of flags that several roles share.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::BoolishValueParser;
use clap::{Args, ValueHint};
use longshore_types::limits::RECEIVE_WAIT_MAX;
use longshore_types::{AccountId, QueueName};

use super::{duration, parse_address, parse_origin, queue_name};
use crate::queues::QueueFile;

/// Where a worker's health page is when nobody says otherwise.
#[cfg(feature = "application")]
pub(crate) const HEALTH_LISTEN: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 4000);

/// What one worker does.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Workers")]
pub struct WorkerOptions {
    /// Tasks that each worker runs at once; 10 unless the application says otherwise
    #[arg(
        long, env = "LONGSHORE_CONCURRENCY", value_name = "N",
        value_parser = clap::value_parser!(u16).range(1..)
    )]
    pub concurrency: Option<u16>,

    /// How long a task is handed back that no worker knows, or can read, before it is dead; 1h unless
    /// the application says otherwise
    #[arg(
        long, env = "LONGSHORE_UNKNOWN_PATIENCE", value_name = "DURATION", value_parser = duration
    )]
    pub unknown_patience: Option<Duration>,

    /// Further queue that replies may go to, by name or URL, where a task names it; again for another
    #[arg(long, env = "LONGSHORE_ALLOW_REPLY_QUEUE", value_name = "QUEUE", value_delimiter = ',')]
    pub allow_reply_queue: Vec<String>,

    /// Where the workers' health page is; 127.0.0.1:4000 unless said, and if that one is taken
    /// a free port, which the start-up message names
    #[arg(
        long, env = "LONGSHORE_HEALTH_LISTEN", value_name = "ADDRESS",
        value_parser = parse_address
    )]
    pub health_listen: Option<SocketAddr>,
}

/// The broker.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag that is typed or is not")]
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Broker")]
pub struct BrokerOptions {
    /// Where the broker listens for SQS requests. An address beyond this host needs
    /// --require-signatures, or --allow-anonymous
    #[arg(
        long, env = "LONGSHORE_BROKER_LISTEN", value_name = "ADDRESS",
        value_parser = parse_address, default_value = "127.0.0.1:9324"
    )]
    pub broker_listen: SocketAddr,

    /// Keep the broker's messages in memory only: they end with the process
    #[arg(long, env = "LONGSHORE_IN_MEMORY", value_parser = BoolishValueParser::new())]
    pub in_memory: bool,

    /// Refuse what SQS refuses for 60 seconds: a second purge, and a queue of a deleted one's name
    #[arg(long, env = "LONGSHORE_STRICT", value_parser = BoolishValueParser::new())]
    pub strict: bool,

    /// Let everyone who can reach the broker's address use it, without a signature
    #[arg(long, env = "LONGSHORE_ALLOW_ANONYMOUS", value_parser = BoolishValueParser::new())]
    pub allow_anonymous: bool,

    /// Serve only requests that are signed with a key of --access-keys, and only what the policies
    /// of other accounts' queues allow
    #[arg(long, env = "LONGSHORE_REQUIRE_SIGNATURES", value_parser = BoolishValueParser::new())]
    pub require_signatures: bool,

    /// TOML file of the access keys that the broker knows, each with its secret, and whose account
    /// each is: docs/access.md
    #[arg(long, env = "LONGSHORE_ACCESS_KEYS", value_name = "FILE")]
    pub access_keys: Option<PathBuf>,

    /// Account of the queues of callers whose access key says no other: 12 digits
    #[arg(
        long, env = "LONGSHORE_ACCOUNT", value_name = "ACCOUNT",
        value_parser = AccountId::parse, default_value_t = AccountId::default()
    )]
    pub account: AccountId,

    /// What queue URLs begin with.
    #[arg(
        help = "What queue URLs begin with, such as https://queues.example.org; without it, the \
                Host that the request named",
        long, env = "LONGSHORE_BROKER_PUBLIC_URL", value_name = "URL",
        value_parser = parse_origin
    )]
    pub broker_public_url: Option<String>,

    /// Where the broker's metrics are, for Prometheus, at /metrics; without it nowhere. They bear
    /// the names of queues and nothing of messages, and everyone who reaches the address can read
    /// them
    #[arg(
        long, env = "LONGSHORE_METRICS_LISTEN", value_name = "ADDRESS",
        value_parser = parse_address
    )]
    pub metrics_listen: Option<SocketAddr>,
}

/// Which queues there are, and which two are used.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Queues")]
pub struct QueueOptions {
    /// TOML file that declares the queues, instead of the declaration that is built in
    #[arg(
        long, env = "LONGSHORE_QUEUES", value_name = "FILE",
        value_parser = QueueFile::parse, value_hint = ValueHint::FilePath
    )]
    pub queues: Option<QueueFile>,

    /// Queue of tasks, if not the declared one; a name that ends in .fifo makes it a FIFO queue. Where
    /// the application has several: DECLARED=NAME, again for another
    #[arg(
        long, env = "LONGSHORE_TASK_QUEUE", value_name = "NAME", value_delimiter = ',',
        value_parser = chosen_queue
    )]
    pub task_queue: Vec<String>,

    /// Queue of replies, if not the declared one; a name that ends in .fifo makes it a FIFO queue
    #[arg(long, env = "LONGSHORE_REPLY_QUEUE", value_name = "NAME", value_parser = queue_name)]
    pub reply_queue: Option<QueueName>,

    /// Earlier name of --reply-queue, which wins
    #[arg(
        long, env = "LONGSHORE_STATUS_QUEUE", value_name = "NAME", value_parser = queue_name,
        hide = true
    )]
    pub status_queue: Option<QueueName>,
}

impl QueueOptions {
    /// The queue of replies that was chosen, by either name of the flag.
    pub fn reply_queue(&self) -> Option<&QueueName> {
        self.reply_queue.as_ref().or(self.status_queue.as_ref())
    }
}

/// Reads `NAME` or `DECLARED=NAME`: which queues there are is known later.
fn chosen_queue(text: &str) -> Result<String, String> {
    let name = text.rsplit('=').next().unwrap_or(text);
    queue_name(name).map(|_| text.to_owned()).map_err(|fault| fault.to_string())
}

/// How long results are kept.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Data")]
pub struct ResultOptions {
    /// How long a result is kept after its task ended; then its status is 404
    #[arg(
        long, env = "LONGSHORE_RESULT_RETENTION", value_name = "DURATION",
        value_parser = duration, default_value = "4d"
    )]
    pub result_retention: Duration,
}

/// How messages are received.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Queues")]
pub struct ReceiveOptions {
    /// How long a receive waits for a message, up to 20s
    #[arg(
        long, env = "LONGSHORE_RECEIVE_WAIT", value_name = "DURATION",
        value_parser = receive_wait, default_value = "20s"
    )]
    pub receive_wait: Duration,
}

fn receive_wait(text: &str) -> Result<Duration, String> {
    let wait = duration(text).map_err(|fault| fault.to_string())?;
    if wait > RECEIVE_WAIT_MAX {
        return Err("a receive waits for 20s at most".to_owned());
    }
    Ok(wait)
}

/// How a role ends.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Shutdown")]
pub struct DrainOptions {
    /// How long requests and tasks that have begun may take to end after SIGTERM or Ctrl-C; what
    /// is left is handed back to its queue
    #[arg(
        long, env = "LONGSHORE_GRACE", value_name = "DURATION",
        value_parser = duration, default_value = "25s"
    )]
    pub grace: Duration,
}
