//! From the begin of a send to the receive that a consumer was waiting with: one message at a time, nothing else going on.

use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};

use super::fleet::{Load, Record};
use super::http::Connection;
use super::report::Row;
use super::server::{self, Server};
use super::sqs::Queue;
use crate::stopwatch::Stopwatch;

/// Enough for a p99 that ten samples stand behind.
const SAMPLES_MAX: u64 = 1_000;
/// For so long the consumer's receive is parked before each send.
const PARKED: Duration = Duration::from_millis(3);
/// The message that ends the measurement.
const LAST: u64 = u64::MAX - 1;

/// Measures the end-to-end latency of single messages.
pub(super) fn measure(server: &Server, load: &Load) -> Result<Row> {
    let queue = Queue::create(server.address, "latency")?;
    let (server_before, own_before) = (server.cpu_time()?, server::own_cpu_time()?);
    let record = exchange(&queue, load.limit)?;
    Ok(Row {
        scenario: "send to receive".to_owned(),
        server: server.name.clone(),
        paced: true,
        record,
        server_time: server.cpu_time()?.saturating_sub(server_before),
        own_time: server::own_cpu_time()?.saturating_sub(own_before),
    })
}

fn exchange(queue: &Queue, limit: Duration) -> Result<Record> {
    let (arrived, arrivals) = mpsc::channel();
    let (watch, mut connection) = (Stopwatch::start(), queue.connect()?);
    let mut record = thread::scope(|scope| {
        let consumer = scope.spawn(move || consume(queue, &arrived));
        let record = produce(queue, &mut connection, &arrivals, limit);
        queue.send(&mut connection, LAST..LAST + 1)?;
        consumer.join().map_err(|_| anyhow!("the consumer panicked"))??;
        record
    })?;
    record.elapsed = watch.elapsed();
    record.samples.sort_unstable();
    Ok(record)
}

fn produce(
    queue: &Queue,
    connection: &mut Connection,
    arrivals: &Receiver<(u64, Duration)>,
    limit: Duration,
) -> Result<Record> {
    let mut record = Record::default();
    let watch = Stopwatch::start();
    for number in 0..SAMPLES_MAX {
        if watch.elapsed() > limit {
            break;
        }
        thread::park_timeout(PARKED);
        queue.send(connection, number..number + 1)?;
        let (arrived, latency) = arrivals.recv().context("the consumer has stopped")?;
        ensure!(arrived == number, "message {arrived} arrived in place of {number}");
        record.sample(latency);
        record.messages += 1;
    }
    Ok(record)
}

/// Ends with the message that is the last.
fn consume(queue: &Queue, arrived: &Sender<(u64, Duration)>) -> Result<()> {
    let mut connection = queue.connect()?;
    loop {
        let messages = queue.receive(&mut connection, 1, 20)?;
        let now = queue.now();
        for message in &messages {
            queue.delete(&mut connection, std::slice::from_ref(message))?;
            if message.number == LAST {
                return Ok(());
            }
            // After a failed send nobody listens, and the last message is on its way.
            let _ = arrived.send((message.number, now.saturating_sub(message.sent)));
        }
    }
}
