//! The worker and the producer of an entrant while they run: orders, answers, and what both cost.
//!
//! The producer reads a line for each order and answers with a line, in the words of
//! `benches/peers/longshore/src/order.rs`.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::entrant::Entrant;
use super::family;
use super::grounds::{Ground, Grounds};
use super::install::Installed;
use super::ran::Ran;
use crate::bench::fleet::Record;
use crate::bench::ledger::Account;
use crate::program::Program;

/// The longest that an answer may take: the longest measurement, and a result that is waited for.
const ANSWER_MAX: Duration = Duration::from_secs(150);

/// Both programs, and the tasks that they were given so far.
pub(super) struct Pair {
    producer: Producer,
    worker: Program,
    /// What ran.
    pub(super) ran: Ran,
    /// What they run on.
    pub(super) grounds: Vec<Ground>,
    name: String,
    accepted: u64,
}

impl Pair {
    pub(super) fn start(
        entrant: Entrant,
        on: &Grounds,
        with: &Installed,
        directory: &Path,
        concurrency: u64,
    ) -> Result<Self> {
        let ran = Ran::create(directory.join("ran"))?;
        let mut commands = entrant.commands(on, with, directory, concurrency)?;
        let worker =
            Program::start("worker", commands.worker.env("PEER_RAN", ran.path()), directory)?;
        let producer = Producer::start(commands.producer.env("PEER_RAN", ran.path()), directory)?;
        Ok(Self {
            producer,
            worker,
            ran,
            grounds: entrant.grounds(),
            name: entrant.name(),
            accepted: 0,
        })
    }

    /// Gives an order for tasks of new numbers, and waits until they are accepted, and have their results if any.
    pub(super) fn order(
        &mut self,
        kind: &str,
        count: u64,
        rate: u64,
        limit: Duration,
    ) -> Result<Record> {
        let order = format!("{kind} {} {count} {rate} {}", self.accepted, limit.as_millis());
        let answer = self
            .producer
            .ask(&order)
            .with_context(|| format!("the worker said:\n{}", self.worker.said()))?;
        let record =
            parse(&answer).with_context(|| format!("the producer answered: {answer:.200}"))?;
        self.accepted += record.messages;
        Ok(record)
    }

    /// Waits until everything that was accepted has run.
    pub(super) fn wait_until_all_ran(&self, limit: Duration) -> Result<()> {
        self.ran.wait_for(self.accepted, limit)
    }

    /// Processor time that both have used so far.
    pub(super) fn cpu_time(&self) -> Result<Duration> {
        Ok(family::time_of(self.worker.id())? + family::time_of(self.producer.child.id())?)
    }

    /// Ends both, and says whether every task ran once.
    pub(super) fn settle(self) -> Result<Account> {
        let Self { producer, worker, ran, name, accepted, .. } = self;
        drop((producer, worker));
        let accepted: Vec<u64> = (0..accepted).collect();
        Ok(Account::settle(name, &accepted, &ran.numbers()?))
    }
}

/// What a line says was done.
fn parse(answer: &str) -> Result<Record> {
    let mut words = answer.split_whitespace();
    if words.next() != Some("ok") {
        bail!("the order failed");
    }
    let mut numbers = words.map(str::parse::<u64>);
    let mut next = || numbers.next().context("the answer is cut short");
    let (messages, elapsed) = (next()??, Duration::from_micros(next()??));
    let samples = numbers.map(|time| Ok(Duration::from_micros(time?)));
    let mut record = Record { messages, elapsed, samples: samples.collect::<Result<_>>()? };
    record.samples.sort_unstable();
    Ok(record)
}

/// A producer; dropped, it is told that no more orders come, and killed if it does not end then.
struct Producer {
    child: Child,
    orders: Option<ChildStdin>,
    answers: Receiver<String>,
    log: PathBuf,
}

impl Producer {
    fn start(command: &mut Command, directory: &Path) -> Result<Self> {
        let log = directory.join("producer.log");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(File::create(&log)?);
        let mut child = command.spawn().context("cannot start the producer")?;
        let (orders, lines) =
            (child.stdin.take(), child.stdout.take().context("the producer has no output")?);
        let (tell, answers) = channel();
        thread::spawn(move || {
            BufReader::new(lines).lines().map_while(Result::ok).try_for_each(|line| tell.send(line))
        });
        let mut producer = Self { child, orders, answers, log };
        match producer.answer()?.as_str() {
            "ready" => Ok(producer),
            other => bail!("the producer is not ready: {other}"),
        }
    }

    fn ask(&mut self, order: &str) -> Result<String> {
        let orders = self.orders.as_mut().context("the producer takes no orders")?;
        writeln!(orders, "{order}").context("the producer is gone")?;
        self.answer()
    }

    fn answer(&mut self) -> Result<String> {
        self.answers.recv_timeout(ANSWER_MAX).map_err(|_| {
            let said = std::fs::read_to_string(&self.log).unwrap_or_default();
            let end = said.lines().rev().take(20).collect::<Vec<_>>();
            let end = end.into_iter().rev().collect::<Vec<_>>().join("\n");
            anyhow::anyhow!("the producer gave no answer; it said:\n{end}")
        })
    }
}

impl Drop for Producer {
    fn drop(&mut self) {
        self.orders = None;
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_with_its_times_in_order() {
        let record = parse("ok 2 1000000 900 100").unwrap();
        assert_eq!((record.messages, record.elapsed), (2, Duration::from_secs(1)));
        assert_eq!(record.samples, [100, 900].map(Duration::from_micros));
    }

    #[test]
    fn an_answer_that_failed_or_is_cut_short_is_an_error() {
        for answer in ["failed TimeoutError()", "", "ok", "ok 1", "ok 1 2 x"] {
            assert!(parse(answer).is_err(), "{answer}");
        }
    }
}
