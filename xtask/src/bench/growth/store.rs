//! The store that is filled, the broker over it, and what is seen of both at a step.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::load::{Filling, Passing, Progress};
use super::{Options, Step};
use crate::bench::fleet::{self, Client, Record};
use crate::bench::http::Connection;
use crate::bench::machine;
use crate::bench::server::{Server, Storage};
use crate::bench::sqs::Queue;

/// A broker looks every second whether a checkpoint pays.
const REST: Duration = Duration::from_secs(3);
/// After a start it does a little for some seconds: what only the start needed is given back on the way.
const SETTLE_TURNS: usize = 30;
const SETTLE_PAUSE: Duration = Duration::from_millis(100);
const TURNS: usize = 3;

/// What was seen at a step.
#[derive(Debug, Clone, Copy)]
pub(super) struct Looked {
    pub(super) passed: u64,
    pub(super) held: u64,
    /// From a start after an orderly stop to the first answer.
    pub(super) after_stop: Duration,
    /// The same after a kill.
    pub(super) after_kill: Duration,
    /// Memory after a start, without bodies.
    pub(super) memory: u64,
    /// Memory while messages came and went.
    pub(super) memory_running: u64,
    /// What the directory takes.
    pub(super) disk: u64,
    pub(super) open_files: usize,
    /// Messages a second that are sent, received and deleted.
    pub(super) rate: Option<f64>,
}

/// A broker and its directory.
pub(super) struct Store {
    binary: PathBuf,
    data: PathBuf,
    connections: usize,
    body_bytes: usize,
    limit: Duration,
    server: Option<Server>,
    held: u64,
    passed: u64,
}

impl Store {
    pub(super) fn start(binary: &Path, data: &Path, options: &Options) -> Result<Self> {
        let server = Some(Server::broker(binary, data, Storage::Durable)?);
        Ok(Self {
            binary: binary.to_owned(),
            data: data.to_owned(),
            connections: usize::from(options.connections),
            body_bytes: options.body_bytes,
            limit: Duration::from_secs(60 * options.minutes),
            server,
            held: 0,
            passed: 0,
        })
    }

    /// Has the store be as a step says, and looks at it.
    pub(super) fn look_after(&mut self, step: Step, rate_time: Option<Duration>) -> Result<Looked> {
        let queue = self.queue()?;
        self.pass(&queue, step.passed - self.passed)?;
        self.fill(&queue, step.held - self.held)?;
        (self.passed, self.held) = (step.passed, step.held);
        let rate = rate_time.map(|time| self.rate(&queue, time)).transpose()?;
        thread::park_timeout(REST);
        let memory_running = self.memory()?;
        let after_stop = self.start_after(|server| server)?;
        let after_kill = self.start_after(Server::killed_at_the_end)?;
        self.settle()?;
        Ok(Looked {
            passed: step.passed,
            held: step.held,
            after_stop,
            after_kill,
            memory: self.memory()?,
            memory_running,
            disk: bytes_below(&self.data.join("durable"))?,
            open_files: fs::read_dir(format!("/proc/{}/fd", self.server()?.id()))?.count(),
            rate,
        })
    }

    fn server(&self) -> Result<&Server> {
        self.server.as_ref().context("the broker is not running")
    }

    fn queue(&self) -> Result<Queue> {
        let queue = Queue::create(self.server()?.address, "growth")?;
        Ok(queue.with_bodies_of(self.body_bytes))
    }

    fn fill(&self, queue: &Queue, count: u64) -> Result<()> {
        let progress = Progress::to(count, "sent");
        let client = |connection| Filling { queue, connection, progress: &progress };
        let record = self.drive(queue, client, self.limit)?;
        self.check_time(record.messages, count)
    }

    fn pass(&self, queue: &Queue, count: u64) -> Result<()> {
        let progress = Progress::to(count, "passed");
        let client = |connection| Passing { queue, connection, progress: &progress };
        let record = self.drive(queue, client, self.limit)?;
        self.check_time(record.messages, count)
    }

    fn rate(&self, queue: &Queue, time: Duration) -> Result<f64> {
        let progress = Progress::to(u64::MAX / 2, "passed");
        let client = |connection| Passing { queue, connection, progress: &progress };
        Ok(self.drive(queue, client, time)?.rate())
    }

    fn drive<C: Client>(
        &self,
        queue: &Queue,
        client: impl Fn(Connection) -> C,
        limit: Duration,
    ) -> Result<Record> {
        let connections = (0..self.connections).map(|_| queue.connect());
        let clients =
            connections.map(|connection| connection.map(&client)).collect::<Result<_>>()?;
        Ok(fleet::drive(clients, limit)?.1)
    }

    fn check_time(&self, messages: u64, count: u64) -> Result<()> {
        let minutes = self.limit.as_secs() / 60;
        ensure!(
            messages == count,
            "only {messages} of {count} messages came in {minutes} minutes: have fewer, or give it longer with --minutes"
        );
        Ok(())
    }

    /// The median time to the first answer, over starts after ends of one sort.
    fn start_after(&mut self, ended: impl Fn(Server) -> Server) -> Result<Duration> {
        let mut times = Vec::new();
        for _ in 0..TURNS {
            drop(self.server.take().map(&ended));
            let server = Server::broker(&self.binary, &self.data, Storage::Durable)?;
            times.push(server.start_up);
            self.server = Some(server);
        }
        times.sort_unstable();
        Ok(times[TURNS / 2])
    }

    /// Has a broker that was just started do a little.
    fn settle(&self) -> Result<()> {
        for _ in 0..SETTLE_TURNS {
            self.queue()?;
            thread::park_timeout(SETTLE_PAUSE);
        }
        Ok(())
    }

    fn memory(&self) -> Result<u64> {
        let status = format!("/proc/{}/status", self.server()?.id());
        let shown = machine::field(&status, "VmRSS").context("the broker is gone")?;
        let kib = shown.split(' ').next().and_then(|kib| kib.parse::<u64>().ok());
        Ok(kib.context("the system does not say how much memory a process has")? << 10)
    }
}

/// What the files below a directory take on the disk.
fn bytes_below(directory: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        bytes +=
            if metadata.is_dir() { bytes_below(&entry.path())? } else { metadata.blocks() * 512 };
    }
    Ok(bytes)
}
