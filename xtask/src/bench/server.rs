//! A program under measurement: started on a free port of the loopback interface, watched, and stopped by its id.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::http::Connection;
use super::{machine, sqs};
use crate::program::{Program, free_address};
use crate::stopwatch::Stopwatch;
use crate::workspace;

const START_MAX: Duration = Duration::from_secs(30);

/// Where a broker keeps its messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Storage {
    /// A reply means that it is on disk.
    Durable,
    /// Nothing is kept.
    InMemory,
}

/// Another broker to measure beside ours.
#[derive(Debug, Clone)]
pub(super) struct Peer {
    name: String,
    command: String,
}

impl FromStr for Peer {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let (name, command) = text.split_once('=').context("say NAME=COMMAND")?;
        ensure!(command.contains("{port}"), "say where the port goes: {{port}}");
        Ok(Self { name: name.to_owned(), command: command.to_owned() })
    }
}

/// A running program.
#[derive(Debug)]
pub(super) struct Server {
    /// What it is called in reports.
    pub(super) name: String,
    /// Where it answers.
    pub(super) address: SocketAddr,
    /// From its start to its first answer.
    pub(super) start_up: Duration,
    program: Program,
}

impl Server {
    /// A broker with data of its own.
    pub(super) fn broker(binary: &Path, data: &Path, storage: Storage) -> Result<Self> {
        let name = match storage {
            Storage::Durable => "durable",
            Storage::InMemory => "in memory",
        };
        let address = free_address()?;
        let mut command = workspace::command(binary);
        command.args(["broker", "--broker-listen", &address.to_string()]);
        command.arg("--data").arg(data.join(name.replace(' ', "-")));
        if storage == Storage::InMemory {
            command.arg("--in-memory");
        }
        Self::start(name, command, data, address, &sqs::request(address, "ListQueues", "{}"))
    }

    /// Another broker, by a command in which `{port}` stands for the port that it shall listen on.
    pub(super) fn peer(peer: &Peer, data: &Path) -> Result<Self> {
        let address = free_address()?;
        let command = peer.command.replace("{port}", &address.port().to_string());
        let mut words = command.split_whitespace();
        let mut command = workspace::command(words.next().context("a peer needs a command")?);
        command.args(words);
        Self::start(&peer.name, command, data, address, &sqs::request(address, "ListQueues", "{}"))
    }

    /// The reference system in one process: app, workers and durable broker, without working time; on a store, or on
    /// its own file.
    pub(super) fn reference_system(
        binary: &Path,
        data: &Path,
        store: Option<&str>,
    ) -> Result<Self> {
        let name = system_name(store);
        let (address, broker) = (free_address()?, free_address()?);
        let mut command = workspace::command(binary);
        command.args(["up", "--work-time", "0s", "--health-listen", "127.0.0.1:0"]);
        command.args(["--listen", &address.to_string(), "--broker-listen", &broker.to_string()]);
        command.arg("--data").arg(data.join(format!("system-{}", broker.port())));
        command.args(store.iter().flat_map(|store| ["--store", store]));
        Self::start(&name, command, data, address, &get(address, "/"))
    }

    fn start(
        name: &str,
        mut command: Command,
        data: &Path,
        address: SocketAddr,
        hello: &[u8],
    ) -> Result<Self> {
        let watch = Stopwatch::start();
        let mut program = Program::start(name, command.env("RUST_LOG", "warn"), data)?;
        program.wait_until(START_MAX, || {
            Connection::open(address).is_ok_and(|mut connection| connection.ask(hello).is_ok())
        })?;
        Ok(Self { name: name.to_owned(), address, start_up: watch.elapsed(), program })
    }

    /// Has it be killed when it is dropped, and not asked to stop.
    pub(super) fn killed_at_the_end(self) -> Self {
        Self { program: self.program.stopped_by("KILL"), ..self }
    }

    /// Its process id.
    pub(super) fn id(&self) -> u32 {
        self.program.id()
    }

    /// Time of all processors that it has used so far.
    pub(super) fn cpu_time(&self) -> Result<Duration> {
        cpu_time(&self.program.id().to_string())
    }

    /// Most memory that it has held so far, in MiB.
    pub(super) fn memory_max_mib(&self) -> Result<u64> {
        let value = machine::field(&format!("/proc/{}/status", self.program.id()), "VmHWM");
        let kib = value.and_then(|value| value.split(' ').next()?.parse::<u64>().ok());
        Ok(kib.with_context(|| {
            format!("the {} program is gone; it said:\n{}", self.name, self.program.said())
        })? / 1024)
    }
}

/// A store is named by its scheme: its URL may hold a password, and a path would make no name of a file.
fn system_name(store: Option<&str>) -> String {
    let scheme =
        |store: &str| store.split_once("://").map_or("file", |(scheme, _)| scheme).to_owned();
    store.map_or("reference system".to_owned(), |store| {
        format!("reference system on {}", scheme(store))
    })
}

/// Time of all processors that the load generator itself has used so far.
pub(super) fn own_cpu_time() -> Result<Duration> {
    cpu_time("self")
}

/// Time of all processors that a process has used; its id, or `self`.
///
/// The kernel counts in hundredths of a second towards user space, whatever its own tick is.
pub(super) fn cpu_time(process: &str) -> Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).context("a program is gone")?;
    // The second field is a name in parentheses that may hold anything; user and system time are the 14th and 15th.
    let after_name = stat.rsplit_once(')').map_or("", |(_, after)| after);
    let ticks = after_name
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|ticks| ticks.parse::<u64>().ok());
    Ok(Duration::from_millis(10 * ticks.sum::<u64>()))
}

/// A `GET` request for a path.
pub(super) fn get(address: SocketAddr, path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_is_a_name_and_a_command_with_a_port() {
        assert!("other=run --port {port}".parse::<Peer>().is_ok());
        assert!("other=run".parse::<Peer>().is_err() && "run {port}".parse::<Peer>().is_err());
    }

    #[test]
    fn a_reference_system_is_named_by_its_store_and_never_by_a_password() {
        assert_eq!(system_name(None), "reference system");
        let named = system_name(Some("postgres://ann:s3cret@host/tasks"));
        assert_eq!(named, "reference system on postgres");
    }

    #[test]
    fn cpu_time_of_a_running_program_can_be_read() {
        assert!(own_cpu_time().is_ok());
    }
}
