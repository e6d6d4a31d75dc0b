//! A store with its broker and its clients: where a part of the kit puts its faults to work, and what it asks afterwards.

use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::book::{Book, Counts};
use crate::broker::{Launch, Running, free_address};
use crate::draw::Draw;
use crate::history::{History, Queue, Snapshot};
use crate::judge::{Finding, Invariant, Rules, judge};
use crate::load::{Habits, Worker, work};
use crate::sqs::Client;
use crate::stopwatch::{Stopwatch, pause};

/// Clients of a round.
const WORKERS: u64 = 4;
/// How long everything that is left may take to come and go, once faults are over: the longest lease, and time to work.
const DRAIN_MAX: Duration = Duration::from_secs(60);
/// How long a broker may take to end by itself once it must.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(20);

/// Findings of one audit that are printed: what one of them means is seen from a few.
const SHOWN_MAX: usize = 20;

/// Promises that are broken: a round ends with it.
#[derive(Debug)]
pub(crate) struct Broken(pub(crate) Vec<Finding>);

impl std::error::Error for Broken {}

impl fmt::Display for Broken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in self.0.iter().take(SHOWN_MAX) {
            writeln!(formatter, "{finding}")?;
        }
        let more = self.0.len().saturating_sub(SHOWN_MAX);
        if more > 0 { writeln!(formatter, "and {more} more") } else { Ok(()) }
    }
}

/// An error that says that one promise is broken.
pub(crate) fn broken(invariant: Invariant, seen: impl Into<String>) -> anyhow::Error {
    Broken(vec![Finding::new(invariant, seen)]).into()
}

/// A store, its broker and its clients.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) launch: Launch,
    pub(crate) book: Book,
    pub(crate) rules: Rules,
    workers: Vec<Worker>,
    broker: Option<Running>,
}

impl Site {
    /// A site whose log is in `directory`, and its data in `data`.
    pub(crate) fn new(
        binary: &Path,
        directory: &Path,
        data: &Path,
        draw: &Draw,
        rules: Rules,
    ) -> Result<Self> {
        let (log, address) = (directory.join("broker.log"), free_address()?);
        let (binary, data) = (binary.to_owned(), data.to_owned());
        let launch = Launch { binary, data, address, log, in_memory: false };
        let mut habits = Habits::drawn(&mut draw.fork("habits", 0));
        habits.resends = rules.time_is_right;
        let worker = |number| Worker::new(draw.fork("worker", number), habits, address);
        let workers = (0..WORKERS).map(worker).collect();
        Ok(Self { launch, book: Book::new(), rules, workers, broker: None })
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(self.launch.address)
    }

    /// Starts the broker within a command that may end it, and says whether it is there.
    pub(crate) fn try_boot(&mut self, within: &[OsString]) -> Result<bool> {
        self.book.next_boot();
        let mut broker = self.launch.start(within)?;
        let is_there = broker.wait_until_ready()?.is_none();
        self.broker = is_there.then_some(broker);
        Ok(is_there)
    }

    /// Starts the broker, which must come up, while something happens.
    pub(crate) fn boot_during(&mut self, during: impl FnOnce(&Book) -> Result<()>) -> Result<()> {
        self.book.next_boot();
        let mut broker = self.launch.start(&[])?;
        during(&self.book)?;
        let ended = broker.wait_until_ready()?;
        self.started(ended.is_none().then_some(broker))
    }

    /// Starts the broker, which must come up, within a command that does not keep it from that.
    pub(crate) fn boot(&mut self, within: &[OsString]) -> Result<()> {
        self.try_boot(within)?;
        let broker = self.broker.take();
        self.started(broker)
    }

    fn started(&mut self, broker: Option<Running>) -> Result<()> {
        self.broker = broker;
        if self.broker.is_some() {
            return self.client().create_queues();
        }
        Err(broken(
            Invariant::Recovery,
            format!("the broker did not start:\n{}", self.launch.said()),
        ))
    }

    /// Starts the broker and kills it so soon that it is likely to be at its recovery.
    pub(crate) fn boot_and_kill(&mut self, after: Duration) -> Result<()> {
        self.book.next_boot();
        let mut broker = self.launch.start(&[])?;
        if let Some(status) = broker.wait_at_most(after)? {
            let said = self.launch.said();
            return Err(broken(
                Invariant::Recovery,
                format!("the broker ended with {status}:\n{said}"),
            ));
        }
        broker.kill()
    }

    /// Has the clients work while something happens, and then kills the broker under them.
    pub(crate) fn work_and_kill(&mut self, during: impl FnOnce(&Book) -> Result<()>) -> Result<()> {
        let broker = self.broker.take().context("no broker runs")?;
        self.work(|book| {
            let happened = during(book);
            broker.kill()?;
            happened
        })
    }

    /// Has the clients work for so long, and then kills the broker under them.
    pub(crate) fn work_for(&mut self, time: Duration) -> Result<()> {
        self.work_and_kill(|_| {
            pause(time);
            Ok(())
        })
    }

    fn work<R>(&mut self, during: impl FnOnce(&Book) -> R) -> R {
        work(&mut self.workers, &self.book, during)
    }

    /// Has the clients work until the broker ends, for longer if it must end, and kills it if it has not by then. Says
    /// whether it has.
    pub(crate) fn work_until_it_ends(
        &mut self,
        limit: Duration,
        must_end: impl FnOnce() -> bool,
    ) -> Result<bool> {
        let mut broker = self.broker.take().context("no broker runs")?;
        self.work(move |_| {
            let mut ended = broker.wait_at_most(limit)?;
            if ended.is_none() && must_end() {
                ended = broker.wait_at_most(PATIENCE)?;
            }
            broker.kill().map(|()| ended.is_some())
        })
    }

    /// Has the clients work for so long, and then stops the broker under them as a host does that shuts down.
    pub(crate) fn work_and_stop(&mut self, after: Duration) -> Result<()> {
        let broker = self.broker.take().context("no broker runs")?;
        let status = self.work(move |_| {
            pause(after);
            broker.stop()
        })?;
        if status.success() {
            return Ok(());
        }
        Err(broken(
            Invariant::Recovery,
            format!("a stop ended with {status}:\n{}", self.launch.said()),
        ))
    }

    /// Kills the broker while nobody works.
    pub(crate) fn kill(&mut self) -> Result<()> {
        self.broker.take().map_or(Ok(()), Running::kill)
    }

    /// Whether `verify` finds the store whole.
    pub(crate) fn verify(&self) -> Result<()> {
        match self.launch.verify()? {
            None => Ok(()),
            Some(said) => Err(broken(Invariant::Verify, said)),
        }
    }

    /// Compares what the broker holds now with what the clients were told, while nobody works.
    pub(crate) fn audit(&self) -> Result<()> {
        let snapshot = look(&mut self.client(), &self.book)?;
        self.book.saw(snapshot.held.len());
        verdict(&self.book.history(), &snapshot, self.rules)
    }

    /// Receives and deletes all there is. Everything must come within a time.
    pub(crate) fn drain(&mut self) -> Result<()> {
        let watch = Stopwatch::start();
        let mut client = self.client();
        loop {
            self.workers[0].take_away(&self.book);
            let counts = Queue::ALL.map(|queue| client.count(queue));
            let left: usize = counts.into_iter().sum::<Result<_>>()?;
            if left == 0 {
                return self.audit();
            }
            if watch.elapsed() > DRAIN_MAX {
                let seen = format!("{left} messages are left after {} s", DRAIN_MAX.as_secs());
                return Err(broken(Invariant::Liveness, seen));
            }
            pause(PAUSE);
        }
    }

    /// Adds a line to the broker's log, so that what follows is understood.
    pub(crate) fn note(&self, line: &str) -> Result<()> {
        let mut log = File::options().create(true).append(true).open(&self.launch.log)?;
        Ok(writeln!(log, "--- {line}")?)
    }

    pub(crate) fn counts(&self) -> Counts {
        self.book.counts()
    }
}

/// What a broker holds, whose clients rest. A move task is cancelled: a message on its way would be seen twice.
pub(crate) fn look(client: &mut Client, book: &Book) -> Result<Snapshot> {
    client.cancel_moves()?;
    let mut held = Vec::new();
    for queue in Queue::ALL {
        held.extend(client.peek(queue)?);
    }
    Ok(Snapshot { taken_at: book.now(), held })
}

/// Broken promises, as an error.
pub(crate) fn verdict(history: &History, snapshot: &Snapshot, rules: Rules) -> Result<()> {
    let findings = judge(history, snapshot, rules);
    if findings.is_empty() {
        return Ok(());
    }
    Err(Broken(findings).into())
}
