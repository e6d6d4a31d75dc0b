//! The scenarios of one queue: send, receive, delete, drain, and the full cycle under a standing backlog.
//!
//! Each client numbers its messages from a shared counter. A scenario ends when its time is up, or when its messages
//! are used up; what is then left in the queue is drained, so that every number can be accounted for.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

use super::fleet::{self, Client, Load, Record, Turn};
use super::http::Connection;
use super::ledger::Account;
use super::report::Row;
use super::server::{self, Server};
pub(super) use super::sqs::BODY_BYTES;
use super::sqs::{BATCH_MAX, Queue, Received};
use crate::stopwatch::Stopwatch;

/// Most messages of one scenario, so that memory stays bounded on fast machines.
const MESSAGES_MAX: u64 = 500_000;
/// Below the 120,000 messages that SQS allows in flight.
const IN_FLIGHT_MAX: u64 = 100_000;
/// Messages between producers and consumers of the full cycle.
const BACKLOG_MAX: u64 = 5_000;
/// For as long as it takes to empty a queue, and no longer.
const DRAIN_MAX: Duration = Duration::from_secs(120);

/// What was measured on one server with one batch size.
#[derive(Debug, Default)]
pub(super) struct Measured {
    /// A row for each scenario.
    pub(super) rows: Vec<Row>,
    /// An account for each queue.
    pub(super) accounts: Vec<Account>,
}

/// Runs all scenarios with messages one by one (`batch` 1) or so many at a time.
pub(super) fn measure(server: &Server, load: &Load, batch: usize) -> Result<Measured> {
    let mut measured = Measured::default();
    let title = |what: &str| {
        if batch == 1 { what.to_owned() } else { format!("{what}, batches of {batch}") }
    };
    step_by_step(server, load, batch, &title, &mut measured)?;
    cycle(server, load, batch, &title, &mut measured)?;
    Ok(measured)
}

fn step_by_step(
    server: &Server,
    load: &Load,
    batch: usize,
    title: &dyn Fn(&str) -> String,
    measured: &mut Measured,
) -> Result<()> {
    let scenario = Scenario::new(server, &format!("steps-{batch}"), batch)?;
    let clients = scenario.clients(load.connections, Role::Send)?;
    let (clients, row) = drive(server, title("send"), clients, load.limit)?;
    // The other half stays for the drain.
    scenario.allow(IN_FLIGHT_MAX.min(row.record.messages / 2));
    measured.rows.push(row);
    let (clients, row) =
        drive(server, title("receive"), turned(clients, Role::Receive), load.limit)?;
    measured.rows.push(row);
    // As long as it takes: what stays in flight could not be accounted for.
    let (clients, row) = drive(server, title("delete"), turned(clients, Role::Delete), DRAIN_MAX)?;
    measured.rows.push(row);
    let (clients, row) = drive(server, title("drain"), turned(clients, Role::Drain), DRAIN_MAX)?;
    // A drain is in batches whatever the scenario's size, so it is reported once.
    measured.rows.extend((batch == BATCH_MAX && row.record.messages > 0).then_some(row));
    measured.accounts.push(settle(format!("{}, {}", server.name, title("steps")), &clients));
    Ok(())
}

fn cycle(
    server: &Server,
    load: &Load,
    batch: usize,
    title: &dyn Fn(&str) -> String,
    measured: &mut Measured,
) -> Result<()> {
    let scenario = Scenario::new(server, &format!("cycle-{batch}"), batch)?;
    let half = load.connections / 2;
    let mut clients = scenario.clients(half, Role::Produce)?;
    clients.extend(scenario.clients(load.connections - half, Role::Consume)?);
    let (clients, row) = drive(server, title("full cycle"), clients, load.limit)?;
    measured.rows.push(row);
    let (clients, _) =
        drive(server, title("what is left"), turned(clients, Role::Drain), DRAIN_MAX)?;
    measured.accounts.push(settle(format!("{}, {}", server.name, title("full cycle")), &clients));
    Ok(())
}

/// Drives the clients and reads the processors' clocks around it.
fn drive(
    server: &Server,
    scenario: String,
    clients: Vec<Participant>,
    limit: Duration,
) -> Result<(Vec<Participant>, Row)> {
    eprintln!("measuring {scenario}, {}", server.name);
    let (server_before, own_before) = (server.cpu_time()?, server::own_cpu_time()?);
    let (clients, record) =
        fleet::drive(clients, limit).with_context(|| format!("{scenario}, {}", server.name))?;
    let server_time = server.cpu_time()?.saturating_sub(server_before);
    let own_time = server::own_cpu_time()?.saturating_sub(own_before);
    let server = server.name.clone();
    Ok((clients, Row { scenario, server, paced: false, record, server_time, own_time }))
}

fn turned(mut clients: Vec<Participant>, role: Role) -> Vec<Participant> {
    for client in &mut clients {
        client.role = role;
    }
    clients
}

fn settle(name: String, clients: &[Participant]) -> Account {
    let sent: Vec<u64> = clients.iter().flat_map(|client| client.sent.clone()).flatten().collect();
    let received: Vec<u64> =
        clients.iter().flat_map(|client| client.received.iter().copied()).collect();
    Account::settle(name, &sent, &received)
}

/// What the clients of one queue share.
#[derive(Debug)]
struct Scenario {
    queue: Queue,
    batch: usize,
    counters: Arc<Counters>,
}

#[derive(Debug, Default)]
struct Counters {
    /// The next number that was not sent yet.
    next: AtomicU64,
    /// Messages that may still be received.
    allowed: AtomicU64,
    /// Messages of the full cycle that were received.
    consumed: AtomicU64,
}

impl Scenario {
    fn new(server: &Server, name: &str, batch: usize) -> Result<Self> {
        Ok(Self { queue: Queue::create(server.address, name)?, batch, counters: Arc::default() })
    }

    fn clients(&self, count: usize, role: Role) -> Result<Vec<Participant>> {
        let client = |_| {
            let connection = self.queue.connect()?;
            let (queue, counters) = (self.queue.clone(), Arc::clone(&self.counters));
            let (sent, received, held) = (Vec::new(), Vec::new(), Vec::new());
            Ok(Participant {
                role,
                connection,
                queue,
                batch: self.batch,
                counters,
                sent,
                received,
                held,
            })
        };
        (0..count).map(client).collect()
    }

    fn allow(&self, messages: u64) {
        self.counters.allowed.store(messages, Ordering::Relaxed);
    }
}

/// What a client does now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// Sends, as fast as it can.
    Send,
    /// Receives and keeps in flight.
    Receive,
    /// Deletes what it has received.
    Delete,
    /// Receives and deletes until nothing is left.
    Drain,
    /// Sends while the backlog is small enough.
    Produce,
    /// Receives and deletes while there is time.
    Consume,
}

/// One client of a queue, whatever its role.
#[derive(Debug)]
struct Participant {
    role: Role,
    connection: Connection,
    queue: Queue,
    batch: usize,
    counters: Arc<Counters>,
    /// Numbers whose send was acknowledged.
    sent: Vec<Range<u64>>,
    /// Numbers that came.
    received: Vec<u64>,
    /// Messages in flight.
    held: Vec<Received>,
}

impl Client for Participant {
    fn turn(&mut self, record: &mut Record) -> Result<Turn> {
        match self.role {
            Role::Send => self.send(record),
            Role::Receive => self.receive(record),
            Role::Delete => self.delete(record),
            Role::Drain => self.drain(record),
            Role::Produce => self.produce(),
            Role::Consume => self.consume(record),
        }
    }
}

impl Participant {
    fn send(&mut self, record: &mut Record) -> Result<Turn> {
        let numbers = self.numbers();
        if numbers.end > MESSAGES_MAX {
            return Ok(Turn::Finished);
        }
        let watch = Stopwatch::start();
        self.queue.send(&mut self.connection, numbers.clone())?;
        record.exchange(watch, self.batch);
        self.sent.push(numbers);
        Ok(Turn::Again)
    }

    fn receive(&mut self, record: &mut Record) -> Result<Turn> {
        let want = self.batch as u64;
        let allowed = &self.counters.allowed;
        if allowed
            .try_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(want))
            .is_err()
        {
            return Ok(Turn::Finished);
        }
        let watch = Stopwatch::start();
        let messages = self.queue.receive(&mut self.connection, self.batch, 0)?;
        if messages.is_empty() {
            return Ok(Turn::Finished);
        }
        record.exchange(watch, messages.len());
        self.received.extend(messages.iter().map(|message| message.number));
        self.held.extend(messages);
        Ok(Turn::Again)
    }

    fn delete(&mut self, record: &mut Record) -> Result<Turn> {
        let messages = self.held.split_off(self.held.len().saturating_sub(self.batch));
        if messages.is_empty() {
            return Ok(Turn::Finished);
        }
        let watch = Stopwatch::start();
        self.queue.delete(&mut self.connection, &messages)?;
        record.exchange(watch, messages.len());
        Ok(Turn::Again)
    }

    /// In batches, whatever the scenario's own size: this is about emptying a backlog.
    fn drain(&mut self, record: &mut Record) -> Result<Turn> {
        let watch = Stopwatch::start();
        let messages = self.queue.receive(&mut self.connection, BATCH_MAX, 0)?;
        if messages.is_empty() {
            return Ok(Turn::Finished);
        }
        self.queue.delete(&mut self.connection, &messages)?;
        record.exchange(watch, messages.len());
        self.received.extend(messages.iter().map(|message| message.number));
        Ok(Turn::Again)
    }

    fn produce(&mut self) -> Result<Turn> {
        let sent = self.counters.next.load(Ordering::Relaxed);
        if sent.saturating_sub(self.counters.consumed.load(Ordering::Relaxed)) >= BACKLOG_MAX {
            thread::park_timeout(Duration::from_micros(200));
            return Ok(Turn::Again);
        }
        let numbers = self.numbers();
        self.queue.send(&mut self.connection, numbers.clone())?;
        self.sent.push(numbers);
        Ok(Turn::Again)
    }

    /// The time of a message of the full cycle is that from the begin of its send to the end of its delete.
    fn consume(&mut self, record: &mut Record) -> Result<Turn> {
        let messages = self.queue.receive(&mut self.connection, BATCH_MAX, 1)?;
        self.counters.consumed.fetch_add(messages.len() as u64, Ordering::Relaxed);
        for taken in messages.chunks(self.batch) {
            self.queue.delete(&mut self.connection, taken)?;
            let now = self.queue.now();
            for message in taken {
                record.sample(now.saturating_sub(message.sent));
            }
            record.messages += taken.len() as u64;
        }
        self.received.extend(messages.iter().map(|message| message.number));
        Ok(Turn::Again)
    }

    /// Numbers that no other client sends.
    fn numbers(&self) -> Range<u64> {
        let count = self.batch as u64;
        let first = self.counters.next.fetch_add(count, Ordering::Relaxed);
        first..first + count
    }
}
