//! The broker as a program: started, perhaps within another program that hurts it, killed, stopped, verified.
//!
//! # Invariants
//!
//! - Only processes that were started here are ended, each by its id, and none is left behind.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use crate::http::Connection;
use crate::stopwatch::{Stopwatch, pause};

/// How long a broker may take to answer after its start, or to end when it is told to: whether it is there is asked here,
/// and not how fast a busy machine is.
const PATIENCE: Duration = Duration::from_secs(120);
const STEP: Duration = Duration::from_millis(2);

/// How the broker is started.
#[derive(Debug, Clone)]
pub(crate) struct Launch {
    pub(crate) binary: PathBuf,
    /// What its `--data` is.
    pub(crate) data: PathBuf,
    pub(crate) address: SocketAddr,
    /// What it says is added here.
    pub(crate) log: PathBuf,
    /// Whether it forgets everything with its process.
    pub(crate) in_memory: bool,
}

impl Launch {
    /// Starts it as the last argument of another command, or on its own if that is empty.
    pub(crate) fn start(&self, within: &[OsString]) -> Result<Running> {
        let address = self.address.to_string();
        let mut words: Vec<&OsStr> = within.iter().map(OsString::as_os_str).collect();
        words.extend([
            self.binary.as_os_str(),
            "broker".as_ref(),
            "--data".as_ref(),
            self.data.as_os_str(),
        ]);
        words.extend(["--broker-listen", &address].map(OsStr::new));
        words.extend(self.in_memory.then_some(OsStr::new("--in-memory")));
        let log = File::options().create(true).append(true).open(&self.log)?;
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let child =
            command.spawn().with_context(|| format!("cannot start {}", words[0].display()))?;
        Ok(Running { child, address: self.address })
    }

    /// What `verify` says against the store, if it says anything.
    pub(crate) fn verify(&self) -> Result<Option<String>> {
        let output =
            Command::new(&self.binary).arg("verify").arg("--data").arg(&self.data).output()?;
        let said = [output.stdout, output.stderr].concat();
        Ok((!output.status.success()).then(|| String::from_utf8_lossy(&said).trim().to_owned()))
    }

    /// The end of what it said.
    pub(crate) fn said(&self) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(8)..].join("\n")
    }
}

/// A broker that was started. Dropped, it is killed.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    address: SocketAddr,
}

impl Running {
    /// Waits until it answers that it is well. `Some` if it ended instead.
    pub(crate) fn wait_until_ready(&mut self) -> Result<Option<ExitStatus>> {
        let watch = Stopwatch::start();
        while watch.elapsed() < PATIENCE {
            if let Some(status) = self.child.try_wait()? {
                return Ok(Some(status));
            }
            if is_well(self.address) {
                return Ok(None);
            }
            pause(STEP);
        }
        bail!("the broker gave no answer within {} s of its start", PATIENCE.as_secs())
    }

    /// Waits until it ends, but no longer than this.
    pub(crate) fn wait_at_most(&mut self, limit: Duration) -> Result<Option<ExitStatus>> {
        let watch = Stopwatch::start();
        loop {
            let ended = self.child.try_wait()?;
            if ended.is_some() || watch.elapsed() >= limit {
                return Ok(ended);
            }
            pause(STEP);
        }
    }

    /// Kills it: it gets no chance to do anything more.
    pub(crate) fn kill(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Asks it to stop, and waits for how it ends.
    pub(crate) fn stop(mut self) -> Result<ExitStatus> {
        let id = Pid::from_child(&self.child);
        kill_process(id, Signal::TERM)?;
        self.wait_at_most(PATIENCE)?.context("the broker did not stop when it was asked to")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn is_well(address: SocketAddr) -> bool {
    let answer = Connection::open(address).and_then(|mut connection| connection.get("/health"));
    answer.is_ok_and(|reply| reply.status == 200)
}

/// An address of the loopback interface whose port is free now.
pub(crate) fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}
