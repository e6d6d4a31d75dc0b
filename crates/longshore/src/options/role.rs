//! The flags of the commands of an application: which groups each has.

use std::net::SocketAddr;
use std::num::NonZeroU32;

use clap::{Args, ValueEnum};

use super::application::HEALTH_LISTEN;
use super::{
    BrokerOptions, DataOptions, DrainOptions, EndpointOptions, HttpOptions, PageOptions,
    QueueOptions, ReceiveOptions, ResultOptions, TaskFlags, TraceOptions, WorkerOptions,
    parse_address,
};

/// `up`: everything in one process.
#[derive(Args, Clone, Debug)]
pub(crate) struct UpOptions<O: Args> {
    /// The application's own flags.
    #[command(flatten)]
    pub(crate) application: O,
    /// The app's HTTP.
    #[command(flatten)]
    pub(crate) http: HttpOptions,
    /// Workers in the process
    #[arg(
        long, env = "LONGSHORE_WORKERS", value_name = "N", default_value = "2",
        value_parser = clap::value_parser!(u16).range(1..), help_heading = "Workers"
    )]
    pub(crate) workers: u16,
    /// What each worker does.
    #[command(flatten)]
    pub(crate) worker: WorkerOptions,
    /// The broker.
    #[command(flatten)]
    pub(crate) broker: BrokerOptions,
    /// Where things are kept.
    #[command(flatten)]
    pub(crate) data: DataOptions,
    /// Where SQS is, if not in this process.
    #[command(flatten)]
    pub(crate) endpoint: EndpointOptions,
    /// Which queues.
    #[command(flatten)]
    pub(crate) queues: QueueOptions,
    /// How messages are received.
    #[command(flatten)]
    pub(crate) receive: ReceiveOptions,
    /// Where spans are exported.
    #[command(flatten)]
    pub(crate) traces: TraceOptions,
    /// How it ends.
    #[command(flatten)]
    pub(crate) drain: DrainOptions,
}

/// `app`: HTTP and the reply queue.
#[derive(Args, Clone, Debug)]
pub(crate) struct AppOptions<O: Args> {
    /// The application's own flags.
    #[command(flatten)]
    pub(crate) application: O,
    /// The app's HTTP.
    #[command(flatten)]
    pub(crate) http: HttpOptions,
    /// Its pages for operators.
    #[command(flatten)]
    pub(crate) pages: PageOptions,
    /// What an operator says of tasks.
    #[command(flatten)]
    pub(crate) tasks: TaskFlags,
    /// Where things are kept.
    #[command(flatten)]
    pub(crate) data: DataOptions,
    /// Where SQS is.
    #[command(flatten)]
    pub(crate) endpoint: EndpointOptions,
    /// Which queues.
    #[command(flatten)]
    pub(crate) queues: QueueOptions,
    /// How messages are received.
    #[command(flatten)]
    pub(crate) receive: ReceiveOptions,
    /// Where spans are exported.
    #[command(flatten)]
    pub(crate) traces: TraceOptions,
    /// How it ends.
    #[command(flatten)]
    pub(crate) drain: DrainOptions,
}

/// `worker`: the task queue.
#[derive(Args, Clone, Debug)]
pub(crate) struct WorkerRoleOptions<O: Args> {
    /// The application's own flags.
    #[command(flatten)]
    pub(crate) application: O,
    /// Workers in the process
    #[arg(
        long, env = "LONGSHORE_WORKERS", value_name = "N", default_value = "1",
        value_parser = clap::value_parser!(u16).range(1..), help_heading = "Workers"
    )]
    pub(crate) workers: u16,
    /// What each worker does.
    #[command(flatten)]
    pub(crate) worker: WorkerOptions,
    /// How long results are kept.
    #[command(flatten)]
    pub(crate) results: ResultOptions,
    /// Where things are kept.
    #[command(flatten)]
    pub(crate) data: DataOptions,
    /// Where SQS is.
    #[command(flatten)]
    pub(crate) endpoint: EndpointOptions,
    /// Which queues.
    #[command(flatten)]
    pub(crate) queues: QueueOptions,
    /// How messages are received.
    #[command(flatten)]
    pub(crate) receive: ReceiveOptions,
    /// Where spans are exported.
    #[command(flatten)]
    pub(crate) traces: TraceOptions,
    /// How it ends.
    #[command(flatten)]
    pub(crate) drain: DrainOptions,
}

/// `queues apply`: creates and changes queues.
#[derive(Args, Clone, Debug)]
pub(crate) struct QueuesApplyOptions {
    /// Print what would be done, and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Where SQS is.
    #[command(flatten)]
    pub(crate) endpoint: EndpointOptions,
    /// Which queues.
    #[command(flatten)]
    pub(crate) queues: QueueOptions,
}

/// `queues pause` and `queues resume`: an order to the workers of a queue.
#[derive(Args, Clone, Debug)]
pub(crate) struct QueueOrderOptions {
    /// Queue of tasks, by the name that it has on the endpoint
    #[arg(value_name = "QUEUE")]
    pub(crate) queue: String,
    /// Who says so, for whoever looks
    #[arg(long, value_name = "WHO")]
    pub(crate) by: Option<String>,
    /// Why, for whoever looks
    #[arg(long, value_name = "WORDS")]
    pub(crate) why: Option<String>,
    /// Where the store is that the workers read.
    #[command(flatten)]
    pub(crate) data: DataOptions,
    /// Which queues.
    #[command(flatten)]
    pub(crate) queues: QueueOptions,
}

/// `queues concurrency`: how many tasks each worker of a queue runs at once.
#[derive(Args, Clone, Debug)]
pub(crate) struct QueueConcurrencyOptions {
    /// Which queue, and who says so.
    #[command(flatten)]
    pub(crate) order: QueueOrderOptions,
    /// Tasks that each worker runs at once, or `default`: as many as it was started with
    #[arg(value_name = "N|default", value_parser = ConcurrencyChoice::parse)]
    pub(crate) count: ConcurrencyChoice,
}

/// How many tasks run at once, as an operator chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ConcurrencyChoice {
    /// As many as the worker was started with.
    Default,
    /// So many.
    Count(NonZeroU32),
}

impl ConcurrencyChoice {
    fn parse(text: &str) -> Result<Self, String> {
        if text == "default" {
            return Ok(Self::Default);
        }
        let count = text.parse::<u16>().ok().and_then(|count| NonZeroU32::new(count.into()));
        count.map(Self::Count).ok_or_else(|| {
            "write a number from 1 to 65535, or `default`; `queues pause` has none run".to_owned()
        })
    }

    /// `None` leaves it to the worker.
    pub(crate) fn count(self) -> Option<NonZeroU32> {
        match self {
            Self::Default => None,
            Self::Count(count) => Some(count),
        }
    }
}

/// What a process does in the system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Role {
    /// HTTP and the reply queue.
    App,
    /// The task queue.
    Worker,
    /// The queues.
    Broker,
}

/// `health`: asks a running role how it is.
#[derive(Args, Clone, Debug)]
pub(crate) struct HealthOptions {
    /// Which role to ask, at the address where it listens
    #[arg(long, value_enum, default_value = "app")]
    pub(crate) role: Role,
    /// URL of a health page, instead of a role of this host
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<String>,
    /// Where the app listens
    #[arg(
        long, env = "LONGSHORE_LISTEN", value_name = "ADDRESS",
        value_parser = parse_address, default_value = "127.0.0.1:5000"
    )]
    pub(crate) listen: SocketAddr,
    /// Where the workers' health page is
    #[arg(
        long, env = "LONGSHORE_HEALTH_LISTEN", value_name = "ADDRESS",
        value_parser = parse_address, default_value_t = HEALTH_LISTEN
    )]
    pub(crate) health_listen: SocketAddr,
    /// Where the broker listens
    #[arg(
        long, env = "LONGSHORE_BROKER_LISTEN", value_name = "ADDRESS",
        value_parser = parse_address, default_value = "127.0.0.1:9324"
    )]
    pub(crate) broker_listen: SocketAddr,
}
