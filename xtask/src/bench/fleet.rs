//! Many clients at once, a thread each, every one in a closed loop: the next request follows the last reply.

use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use anyhow::{Result, anyhow};

use crate::stopwatch::Stopwatch;

/// How hard and how long to drive.
#[derive(Debug, Clone, Copy)]
pub(super) struct Load {
    /// Clients, each with a connection of its own.
    pub(super) connections: usize,
    /// For how long; a request that was begun is finished.
    pub(super) limit: Duration,
}

/// One client.
pub(super) trait Client: Send {
    /// One exchange, entered into the record.
    fn turn(&mut self, record: &mut Record) -> Result<Turn>;
}

/// Whether a client has more to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// Call again, if there is time.
    Again,
    /// There is nothing left for it.
    Finished,
}

/// What was measured: how many messages, in which time, and the time of each exchange.
#[derive(Debug, Clone, Default)]
pub(super) struct Record {
    /// Messages that went all the way of the scenario.
    pub(super) messages: u64,
    /// From the common start to the last message: a long poll that ended empty is no work.
    pub(super) elapsed: Duration,
    /// The time of each sample; sorted once the fleet is back.
    pub(super) samples: Vec<Duration>,
}

impl Record {
    /// Enters one exchange that carried so many messages.
    pub(super) fn exchange(&mut self, watch: Stopwatch, messages: usize) {
        self.sample(watch.elapsed());
        self.messages += messages as u64;
    }

    /// Enters the time of one sample alone.
    pub(super) fn sample(&mut self, time: Duration) {
        self.samples.push(time);
    }

    /// Messages per second.
    pub(super) fn rate(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a rate is read to three digits")]
        let messages = self.messages as f64;
        messages / self.elapsed.as_secs_f64().max(f64::EPSILON)
    }

    /// The time that `percent` of the samples stay below or at; zero without samples.
    pub(super) fn percentile(&self, percent: usize) -> Duration {
        let index = (self.samples.len() * percent).div_ceil(100).saturating_sub(1);
        self.samples.get(index).copied().unwrap_or_default()
    }

    fn merge(records: impl Iterator<Item = Self>) -> Self {
        let mut all = Self::default();
        for one in records {
            all.messages += one.messages;
            all.elapsed = all.elapsed.max(one.elapsed);
            all.samples.extend(one.samples);
        }
        all.samples.sort_unstable();
        all
    }
}

/// Drives all clients at once and hands them back with what was measured.
pub(super) fn drive<C: Client>(clients: Vec<C>, limit: Duration) -> Result<(Vec<C>, Record)> {
    let start = Barrier::new(clients.len());
    let start = &start;
    let results: Vec<Result<(C, Record)>> = thread::scope(|scope| {
        let handles: Vec<_> = clients
            .into_iter()
            .map(|client| scope.spawn(move || one(client, limit, start)))
            .collect();
        let join = |handle: thread::ScopedJoinHandle<'_, _>| {
            handle.join().map_err(|_| anyhow!("a client panicked"))?
        };
        handles.into_iter().map(join).collect()
    });
    let (clients, records): (Vec<_>, Vec<_>) =
        results.into_iter().collect::<Result<Vec<_>>>()?.into_iter().unzip();
    Ok((clients, Record::merge(records.into_iter())))
}

fn one<C: Client>(mut client: C, limit: Duration, start: &Barrier) -> Result<(C, Record)> {
    let mut record = Record::default();
    start.wait();
    let watch = Stopwatch::start();
    let mut turn = Turn::Again;
    while turn == Turn::Again && watch.elapsed() < limit {
        let before = record.messages;
        turn = client.turn(&mut record)?;
        if record.messages > before {
            record.elapsed = watch.elapsed();
        }
    }
    Ok((client, record))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Counting(u64);

    impl Client for Counting {
        fn turn(&mut self, record: &mut Record) -> Result<Turn> {
            self.0 -= 1;
            record.exchange(Stopwatch::start(), 2);
            Ok(if self.0 == 0 { Turn::Finished } else { Turn::Again })
        }
    }

    #[test]
    fn every_client_runs_until_it_has_finished_and_all_records_count() {
        let (clients, record) =
            drive(vec![Counting(3), Counting(4)], Duration::from_secs(600)).unwrap();
        assert!(clients.iter().all(|client| client.0 == 0));
        assert_eq!((record.messages, record.samples.len()), (14, 7));
    }

    #[test]
    fn a_percentile_is_the_sample_that_so_many_percent_do_not_exceed() {
        let samples = (1..=100).map(Duration::from_millis).collect();
        let record = Record { samples, ..Record::default() };
        assert_eq!(record.percentile(50), Duration::from_millis(50));
        assert_eq!(record.percentile(99), Duration::from_millis(99));
        assert_eq!(Record::default().percentile(50), Duration::ZERO);
    }
}
