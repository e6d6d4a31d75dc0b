//! What the entrants run on: the broker, which is ours, and the servers that are started when the first entrant needs
//! them. They run through all rounds; while nobody asks them for anything they cost next to nothing.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};

use super::family;
use crate::bench::http::Connection;
use crate::bench::sqs::{self, Queue};
use crate::program::{Program, free_address};
use crate::test::servers::{self, Server, tied};

const START_MAX: Duration = Duration::from_secs(30);

/// Something to run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ground {
    /// Our broker, which answers when a message is on disk.
    Broker,
    /// Another one, which answers when a message is in its file and syncs that once a second.
    BrokerEverysec,
    /// A `PostgreSQL` that answers when a commit is on disk.
    Postgres,
    /// A Redis that syncs its file once a second, as most run it: a power cut takes a second of what it answered for.
    RedisEverysec,
    /// A Redis that syncs before it answers.
    RedisAlways,
}

/// What runs.
pub(super) struct Grounds {
    running: Vec<(Ground, Server)>,
    broker: SocketAddr,
    binary: PathBuf,
    data: PathBuf,
}

impl Grounds {
    /// The broker alone.
    pub(super) fn start(binary: &Path, data: &Path) -> Result<Self> {
        let (broker, server) = start_broker(binary, &data.join("broker"), &[])?;
        let (binary, data) = (binary.to_path_buf(), data.to_path_buf());
        Ok(Self { running: vec![(Ground::Broker, server)], broker, binary, data })
    }

    /// Starts one, unless it runs.
    pub(super) fn need(&mut self, ground: Ground) -> Result<()> {
        if self.server(ground).is_some() {
            return Ok(());
        }
        let server = match ground {
            Ground::Broker => unreachable!("it runs from the start"),
            Ground::BrokerEverysec => {
                let data = self.data.join("broker-everysec");
                start_broker(&self.binary, &data, &["--sync-interval", "1s"])?.1
            }
            Ground::Postgres => servers::postgres(&self.data.join("postgres"))?,
            Ground::RedisEverysec => servers::redis(&self.data.join("redis-everysec"), "everysec")?,
            Ground::RedisAlways => servers::redis(&self.data.join("redis-always"), "always")?,
        };
        self.running.push((ground, server));
        Ok(())
    }

    /// The URL of one that runs.
    pub(super) fn url(&self, ground: Ground) -> Result<&str> {
        Ok(&self.server(ground).with_context(|| format!("{ground:?} does not run"))?.url)
    }

    /// The broker's address, as a host and port.
    pub(super) fn broker(&self) -> SocketAddr {
        self.broker
    }

    /// The URL of a queue of that name, which is created unless it is there.
    pub(super) fn queue(&self, name: &str) -> Result<String> {
        Ok(Queue::create(self.broker, name)?.url().to_owned())
    }

    /// Processor time that these have used so far.
    pub(super) fn cpu_time(&self, grounds: &[Ground]) -> Result<Duration> {
        let used = self.running.iter().filter(|(ground, _)| grounds.contains(ground));
        used.map(|(_, server)| family::time_of(server.program.id())).sum()
    }

    fn server(&self, ground: Ground) -> Option<&Server> {
        self.running.iter().find(|(running, _)| *running == ground).map(|(_, server)| server)
    }
}

/// A broker with its data in a directory of its own, and its address.
fn start_broker(binary: &Path, data: &Path, options: &[&str]) -> Result<(SocketAddr, Server)> {
    let address = free_address()?;
    std::fs::create_dir(data)?;
    let mut command = tied::command(binary, "TERM", data);
    command.args(["broker", "--broker-listen", &address.to_string(), "--data"]);
    command.arg(data.join("messages")).args(options).env("RUST_LOG", "warn");
    let mut program = Program::start("broker", &mut command, data)?;
    let hello = sqs::request(address, "ListQueues", "{}");
    program.wait_until(START_MAX, || {
        Connection::open(address).is_ok_and(|mut connection| connection.ask(&hello).is_ok())
    })?;
    Ok((address, Server { url: format!("http://{address}"), program }))
}
