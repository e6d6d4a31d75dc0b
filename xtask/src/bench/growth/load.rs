//! Clients that fill a queue, and clients that have messages pass through it.

use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Result;

use crate::bench::fleet::{Client, Record, Turn};
use crate::bench::http::Connection;
use crate::bench::sqs::{BATCH_MAX, Queue};
use crate::stopwatch::Stopwatch;

const BATCH: u64 = BATCH_MAX as u64;

/// How far a step has come, for all of its clients.
#[derive(Debug)]
pub(super) struct Progress {
    next: AtomicU64,
    end: u64,
    /// Said after each tenth.
    what: &'static str,
}

impl Progress {
    /// From the first message to `end`.
    pub(super) const fn to(end: u64, what: &'static str) -> Self {
        Self { next: AtomicU64::new(0), end, what }
    }

    /// The numbers of the next messages; none, if all are taken.
    fn take(&self) -> Option<std::ops::Range<u64>> {
        let first = self.next.fetch_add(BATCH, Ordering::Relaxed);
        let range = first..self.end.min(first + BATCH);
        let tenth = (self.end / 10).max(1);
        if self.end > 100_000 && first / tenth != (first + BATCH) / tenth && first < self.end {
            println!("          {} of {} {}", (first + BATCH) / tenth * tenth, self.end, self.what);
        }
        (!range.is_empty()).then_some(range)
    }
}

/// Sends until there are as many as there shall be.
#[derive(Debug)]
pub(super) struct Filling<'a> {
    pub(super) queue: &'a Queue,
    pub(super) connection: Connection,
    pub(super) progress: &'a Progress,
}

impl Client for Filling<'_> {
    fn turn(&mut self, record: &mut Record) -> Result<Turn> {
        let Some(numbers) = self.progress.take() else { return Ok(Turn::Finished) };
        let (watch, count) = (Stopwatch::start(), numbers.end - numbers.start);
        self.queue.send(&mut self.connection, numbers)?;
        record.exchange(watch, usize::try_from(count)?);
        Ok(Turn::Again)
    }
}

/// Sends ten, receives ten and deletes them, until as many have passed as shall.
#[derive(Debug)]
pub(super) struct Passing<'a> {
    pub(super) queue: &'a Queue,
    pub(super) connection: Connection,
    pub(super) progress: &'a Progress,
}

impl Client for Passing<'_> {
    fn turn(&mut self, record: &mut Record) -> Result<Turn> {
        let Some(numbers) = self.progress.take() else { return Ok(Turn::Finished) };
        let (watch, mut left) = (Stopwatch::start(), usize::try_from(numbers.end - numbers.start)?);
        self.queue.send(&mut self.connection, numbers)?;
        // What another client took of these it has taken too many: in all, each takes as many as it sends.
        while left > 0 {
            let received = self.queue.receive(&mut self.connection, left, 1)?;
            if !received.is_empty() {
                self.queue.delete(&mut self.connection, &received)?;
            }
            left -= received.len();
            record.messages += received.len() as u64;
        }
        record.sample(watch.elapsed());
        Ok(Turn::Again)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_taken_once() {
        let progress = Progress::to(25, "sent");
        let taken: Vec<_> = std::iter::from_fn(|| progress.take()).collect();
        assert_eq!(taken, [0..10, 10..20, 20..25]);
        assert_eq!(progress.take(), None);
    }
}
