//! Groups of flags that several roles of an application share.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use clap::{Args, ValueHint};
use longshore_types::QueueName;
use longshore_types::limits::RECEIVE_WAIT_MAX;
use longshore_types::queue_name::QueueNameError;

use super::{TaskOverride, duration, parse_address};
use crate::queues::QueueFile;

/// Where a worker's health page is when nobody says otherwise.
pub(crate) const HEALTH_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 4000);

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

    /// How long the lease on a running task is renewed for at most: with long leases a long run costs
    /// fewer requests, and the task of a killed worker waits longer; 5m unless the application says
    /// otherwise
    #[arg(long, env = "LONGSHORE_LEASE_MAX", value_name = "DURATION", value_parser = duration)]
    pub lease_max: Option<Duration>,

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

    /// What an operator says of tasks.
    #[command(flatten)]
    pub tasks: TaskFlags,
}

/// What an operator says of tasks, over the code. Apps have it too, for whoever sends a task decides how it is
/// replied to.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Tasks")]
pub struct TaskFlags {
    /// Options of one task, over those in the code.
    #[arg(
        help = "Options of one task, over those in the code: NAME attempts=8 backoff=2s..15m timeout=30s \
                concurrency=4 concurrency_per_key=2 rate_limit=20/s burst=5 retention=1d reply_by=store, as many \
                of them as wanted; again for another task. An app needs reply_by, and a worker the others",
        long, env = "LONGSHORE_TASK_OPTIONS", value_name = "NAME OPTION=VALUE…", value_delimiter = ',',
        value_parser = TaskOverride::parse
    )]
    pub task_options: Vec<TaskOverride>,

    /// Bytes of an argument that the task's record keeps, for dead letters that outlive the message;
    /// 262144 unless said. Give apps and workers the same
    #[arg(long, env = "LONGSHORE_ARGUMENT_KEPT_BYTES", value_name = "BYTES")]
    pub argument_kept_bytes: Option<usize>,
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

/// Reads a flag's queue name.
fn queue_name(text: &str) -> Result<QueueName, QueueNameError> {
    QueueName::parse(text)
}

/// How long results are kept.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Data")]
pub(crate) struct ResultOptions {
    /// How long a result is kept after its task ended; then its status is 404
    #[arg(
        long, env = "LONGSHORE_RESULT_RETENTION", value_name = "DURATION",
        value_parser = duration, default_value = "4d"
    )]
    pub(crate) result_retention: Duration,
}

/// How messages are received.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Queues")]
pub(crate) struct ReceiveOptions {
    /// How long a receive waits for a message, up to 20s
    #[arg(
        long, env = "LONGSHORE_RECEIVE_WAIT", value_name = "DURATION",
        value_parser = receive_wait, default_value = "20s"
    )]
    pub(crate) receive_wait: Duration,

    /// How long a task, a reply or a receive may wait for others to share its request, under load
    /// only; 0s turns that off
    #[arg(
        long, env = "LONGSHORE_LINGER", value_name = "DURATION", value_parser = linger,
        default_value = "50ms"
    )]
    pub(crate) linger: Duration,
}

/// A linger beyond this would be noticed by everybody who waits.
const LINGER_MAX: Duration = Duration::from_secs(5);

fn linger(text: &str) -> Result<Duration, String> {
    let linger = duration(text).map_err(|fault| fault.to_string())?;
    if linger > LINGER_MAX {
        return Err("a request waits for others for 5s at most".to_owned());
    }
    Ok(linger)
}

fn receive_wait(text: &str) -> Result<Duration, String> {
    let wait = duration(text).map_err(|fault| fault.to_string())?;
    if wait > RECEIVE_WAIT_MAX {
        return Err("a receive waits for 20s at most".to_owned());
    }
    Ok(wait)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_linger_is_a_duration_up_to_5_s_or_nothing() {
        assert_eq!(linger("0"), Ok(Duration::ZERO));
        assert_eq!(linger("50ms"), Ok(Duration::from_millis(50)));
        assert!(linger("6s").unwrap_err().contains("5s at most"));
        assert!(linger("soon").is_err());
    }
}
