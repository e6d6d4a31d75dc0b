//! The flags of the commands that need a broker and nothing else.
//!
//! `broker` of an application creates the queues that the application declares. The broker on its
//! own belongs to none: it creates what a file declares, and without one nothing.

use std::net::SocketAddr;

use clap::{Args, ValueHint};

#[cfg(feature = "application")]
use super::QueueOptions;
use super::{BrokerOptions, DirectoryOptions, DrainOptions, parse_address};
use crate::queues::QueueFile;

/// `broker` of an application: the queues.
#[derive(Args, Clone, Debug)]
#[cfg(feature = "application")]
pub(crate) struct BrokerRoleOptions {
    /// The broker.
    #[command(flatten)]
    pub(crate) broker: BrokerOptions,
    /// Where things are kept.
    #[command(flatten)]
    pub(crate) data: DirectoryOptions,
    /// The region.
    #[command(flatten)]
    pub(crate) region: RegionOptions,
    /// Which queues.
    #[command(flatten)]
    pub(crate) queues: QueueOptions,
    /// How it ends.
    #[command(flatten)]
    pub(crate) drain: DrainOptions,
}

/// `broker` on its own: the queues, without an application.
#[derive(Args, Clone, Debug)]
pub struct StandaloneOptions {
    /// The broker.
    #[command(flatten)]
    pub(crate) broker: BrokerOptions,
    /// Where things are kept.
    #[command(flatten)]
    pub(crate) data: DirectoryOptions,
    /// The region.
    #[command(flatten)]
    pub(crate) region: RegionOptions,
    /// TOML file that declares queues: they are created at the start, and changed where they
    /// differ. Without it the broker begins with the queues that it has
    #[arg(
        long, env = "LONGSHORE_QUEUES", value_name = "FILE", help_heading = "Queues",
        value_parser = QueueFile::parse, value_hint = ValueHint::FilePath
    )]
    pub(crate) queues: Option<QueueFile>,
    /// How it ends.
    #[command(flatten)]
    pub(crate) drain: DrainOptions,
}

/// The region of a broker.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Broker")]
pub(crate) struct RegionOptions {
    /// The region.
    #[arg(
        help = "Region of the declared queues, and of requests whose signature names none; the \
                same name in another region is another queue. Without it AWS_REGION or \
                AWS_DEFAULT_REGION, else us-east-1",
        long,
        env = "LONGSHORE_REGION",
        value_name = "REGION"
    )]
    pub(crate) region: Option<String>,
}

/// `health` of a broker on its own: asks it how it is.
#[derive(Args, Clone, Debug)]
pub struct BrokerHealthOptions {
    /// URL of a health page, instead of the broker of this host
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
    /// Where the broker listens
    #[arg(
        long, env = "LONGSHORE_BROKER_LISTEN", value_name = "ADDRESS",
        value_parser = parse_address, default_value = "127.0.0.1:9324"
    )]
    pub broker_listen: SocketAddr,
}
