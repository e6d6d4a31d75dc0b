//! A program under measurement: started on a free port of the loopback interface, watched, and stopped by its id.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::str::FromStr;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use super::http::Connection;
use super::{machine, sqs};
use crate::stopwatch::Stopwatch;
use crate::workspace;

const START_MAX: Duration = Duration::from_secs(30);
const STOP_MAX: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(5);

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
    child: Child,
    log: PathBuf,
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

    /// The reference system in one process: app, workers and durable broker, without working time.
    pub(super) fn reference_system(binary: &Path, data: &Path) -> Result<Self> {
        let (address, broker) = (free_address()?, free_address()?);
        let mut command = workspace::command(binary);
        command.args(["up", "--work-time", "0s", "--health-listen", "127.0.0.1:0"]);
        command.args(["--listen", &address.to_string(), "--broker-listen", &broker.to_string()]);
        command.arg("--data").arg(data.join("system"));
        Self::start("reference system", command, data, address, &get(address, "/"))
    }

    fn start(
        name: &str,
        mut command: Command,
        data: &Path,
        address: SocketAddr,
        hello: &[u8],
    ) -> Result<Self> {
        let log = data.join(format!("{}.log", name.replace(' ', "-")));
        let file = File::create(&log)?;
        command.env("RUST_LOG", "warn").stdout(file.try_clone()?).stderr(file);
        let watch = Stopwatch::start();
        let child = command.spawn().with_context(|| format!("cannot start the {name} program"))?;
        let mut server =
            Self { name: name.to_owned(), address, start_up: Duration::ZERO, child, log };
        server.wait_for_answer(hello, watch)?;
        server.start_up = watch.elapsed();
        Ok(server)
    }

    fn wait_for_answer(&mut self, hello: &[u8], watch: Stopwatch) -> Result<()> {
        loop {
            if Connection::open(self.address)
                .is_ok_and(|mut connection| connection.ask(hello).is_ok())
            {
                return Ok(());
            }
            let ended = self.child.try_wait()?;
            if ended.is_some() || watch.elapsed() > START_MAX {
                let how = ended.map_or("gave no answer in time".to_owned(), |status| {
                    format!("ended with {status}")
                });
                bail!("the {} program {how}; it said:\n{}", self.name, self.said());
            }
            thread::park_timeout(PAUSE);
        }
    }

    /// Time of all processors that it has used so far.
    pub(super) fn cpu_time(&self) -> Result<Duration> {
        cpu_time(&self.child.id().to_string())
    }

    /// Most memory that it has held so far, in MiB.
    pub(super) fn memory_max_mib(&self) -> Result<u64> {
        let value = machine::field(&format!("/proc/{}/status", self.child.id()), "VmHWM");
        let kib = value.and_then(|value| value.split(' ').next()?.parse::<u64>().ok());
        Ok(kib.with_context(|| {
            format!("the {} program is gone; it said:\n{}", self.name, self.said())
        })? / 1024)
    }

    /// The end of its log.
    fn said(&self) -> String {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }

    /// Asks it to stop, and waits until it has.
    fn stop(&mut self) -> Result<()> {
        if self.child.try_wait()?.is_some() {
            return Ok(());
        }
        workspace::succeed(
            workspace::command("kill").args(["-TERM", &self.child.id().to_string()]),
        )?;
        let watch = Stopwatch::start();
        while watch.elapsed() < STOP_MAX {
            if self.child.try_wait()?.is_some() {
                return Ok(());
            }
            thread::park_timeout(PAUSE);
        }
        bail!("it did not stop within {} s of being asked", STOP_MAX.as_secs())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Err(failure) = self.stop() {
            println!("the {} program is killed: {failure:#}", self.name);
            drop(self.child.kill());
            drop(self.child.wait());
        }
    }
}

/// Time of all processors that the load generator itself has used so far.
pub(super) fn own_cpu_time() -> Result<Duration> {
    cpu_time("self")
}

/// The kernel counts in hundredths of a second towards user space, whatever its own tick is.
fn cpu_time(process: &str) -> Result<Duration> {
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

/// The port is free now; nothing else on a quiet machine takes it before the program does.
fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_ends_at_once_is_reported_with_what_it_said() {
        let data = std::env::temp_dir().join(format!("longshore-xtask-{}", std::process::id()));
        fs::create_dir_all(&data).unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "echo 'no such disk'; exit 3"]);
        let started = Server::start("durable", command, &data, free_address().unwrap(), b"?");
        let failure = started.unwrap_err().to_string();
        fs::remove_dir_all(&data).unwrap();
        assert!(failure.contains("ended with exit status: 3; it said:\nno such disk"), "{failure}");
    }

    #[test]
    fn a_peer_is_a_name_and_a_command_with_a_port() {
        assert!("other=run --port {port}".parse::<Peer>().is_ok());
        assert!("other=run".parse::<Peer>().is_err() && "run {port}".parse::<Peer>().is_err());
    }

    #[test]
    fn cpu_time_of_a_running_program_can_be_read() {
        assert!(own_cpu_time().is_ok());
    }
}
