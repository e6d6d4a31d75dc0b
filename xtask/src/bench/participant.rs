//! One client of a queue, in one of several roles: it sends, receives, deletes, or both of the last two.
//!
//! The clients of a queue number their messages from one shared counter, and each keeps the numbers that it sent and
//! received: together they are the queue's account.

use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::Result;

use super::fleet::{Client, Record, Turn};
use super::http::Connection;
use super::sqs::{BATCH_MAX, Queue, Received};
use crate::stopwatch::Stopwatch;

/// Most messages of one queue, so that memory stays bounded on fast machines.
const MESSAGES_MAX: u64 = 500_000;
/// Messages between producers and consumers of the full cycle.
const BACKLOG_MAX: u64 = 5_000;

/// What the clients of one queue share.
#[derive(Debug)]
pub(super) struct Shared {
    queue: Queue,
    /// Messages of one request.
    batch: usize,
    /// The next number that was not sent yet.
    next: AtomicU64,
    /// Messages that may still be received and kept in flight.
    allowed: AtomicU64,
    /// Messages of the full cycle that were received.
    consumed: AtomicU64,
}

impl Shared {
    /// Creates the queue.
    pub(super) fn create(address: SocketAddr, name: &str, batch: usize) -> Result<Arc<Self>> {
        let queue = Queue::create(address, name)?;
        let (next, allowed, consumed) = Default::default();
        Ok(Arc::new(Self { queue, batch, next, allowed, consumed }))
    }

    /// Lets so many messages be received and kept in flight.
    pub(super) fn allow(&self, messages: u64) {
        self.allowed.store(messages, Ordering::Relaxed);
    }

    /// Numbers that no other client sends.
    fn numbers(&self) -> Range<u64> {
        let count = self.batch as u64;
        let first = self.next.fetch_add(count, Ordering::Relaxed);
        first..first + count
    }

    fn backlog(&self) -> u64 {
        let consumed = self.consumed.load(Ordering::Relaxed);
        self.next.load(Ordering::Relaxed).saturating_sub(consumed)
    }
}

/// What a client does now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
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

impl Role {
    /// The same clients in this role.
    pub(super) fn of(self, mut clients: Vec<Participant>) -> Vec<Participant> {
        for client in &mut clients {
            client.role = self;
        }
        clients
    }
}

/// One client of a queue, whatever its role.
#[derive(Debug)]
pub(super) struct Participant {
    role: Role,
    connection: Connection,
    shared: Arc<Shared>,
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
    /// So many clients, each with a connection of its own.
    pub(super) fn connect(shared: &Arc<Shared>, count: usize, role: Role) -> Result<Vec<Self>> {
        let client = |_| {
            let (connection, shared) = (shared.queue.connect()?, Arc::clone(shared));
            let (sent, received, held) = (Vec::new(), Vec::new(), Vec::new());
            Ok(Self { role, connection, shared, sent, received, held })
        };
        (0..count).map(client).collect()
    }

    /// Numbers whose send was acknowledged.
    pub(super) fn sent(&self) -> impl Iterator<Item = u64> {
        self.sent.iter().cloned().flatten()
    }

    /// Numbers that came.
    pub(super) fn received(&self) -> impl Iterator<Item = u64> {
        self.received.iter().copied()
    }

    fn send(&mut self, record: &mut Record) -> Result<Turn> {
        let numbers = self.shared.numbers();
        if numbers.end > MESSAGES_MAX {
            return Ok(Turn::Finished);
        }
        let watch = Stopwatch::start();
        self.shared.queue.send(&mut self.connection, numbers.clone())?;
        record.exchange(watch, self.shared.batch);
        self.sent.push(numbers);
        Ok(Turn::Again)
    }

    fn receive(&mut self, record: &mut Record) -> Result<Turn> {
        let want = self.shared.batch as u64;
        let allowed = &self.shared.allowed;
        if allowed
            .try_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(want))
            .is_err()
        {
            return Ok(Turn::Finished);
        }
        let watch = Stopwatch::start();
        let messages = self.shared.queue.receive(&mut self.connection, self.shared.batch, 0)?;
        if messages.is_empty() {
            return Ok(Turn::Finished);
        }
        record.exchange(watch, messages.len());
        self.received.extend(messages.iter().map(|message| message.number));
        self.held.extend(messages);
        Ok(Turn::Again)
    }

    fn delete(&mut self, record: &mut Record) -> Result<Turn> {
        let messages = self.held.split_off(self.held.len().saturating_sub(self.shared.batch));
        if messages.is_empty() {
            return Ok(Turn::Finished);
        }
        let watch = Stopwatch::start();
        self.shared.queue.delete(&mut self.connection, &messages)?;
        record.exchange(watch, messages.len());
        Ok(Turn::Again)
    }

    /// In batches, whatever the scenario's own size: this is about emptying a backlog.
    fn drain(&mut self, record: &mut Record) -> Result<Turn> {
        let watch = Stopwatch::start();
        let messages = self.shared.queue.receive(&mut self.connection, BATCH_MAX, 0)?;
        if messages.is_empty() {
            return Ok(Turn::Finished);
        }
        self.shared.queue.delete(&mut self.connection, &messages)?;
        record.exchange(watch, messages.len());
        self.received.extend(messages.iter().map(|message| message.number));
        Ok(Turn::Again)
    }

    fn produce(&mut self) -> Result<Turn> {
        if self.shared.backlog() >= BACKLOG_MAX {
            thread::park_timeout(Duration::from_micros(200));
            return Ok(Turn::Again);
        }
        let numbers = self.shared.numbers();
        self.shared.queue.send(&mut self.connection, numbers.clone())?;
        self.sent.push(numbers);
        Ok(Turn::Again)
    }

    /// The time of a message of the full cycle is that from the begin of its send to the end of its delete.
    fn consume(&mut self, record: &mut Record) -> Result<Turn> {
        let messages = self.shared.queue.receive(&mut self.connection, BATCH_MAX, 1)?;
        self.shared.consumed.fetch_add(messages.len() as u64, Ordering::Relaxed);
        for taken in messages.chunks(self.shared.batch) {
            self.shared.queue.delete(&mut self.connection, taken)?;
            let now = self.shared.queue.now();
            for message in taken {
                record.sample(now.saturating_sub(message.sent));
            }
            record.messages += taken.len() as u64;
        }
        self.received.extend(messages.iter().map(|message| message.number));
        Ok(Turn::Again)
    }
}
