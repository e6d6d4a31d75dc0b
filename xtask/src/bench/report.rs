//! The tables: a row for each scenario, the durable broker beside the one in memory, and what the programs cost.

use std::fmt::Write as _;
use std::time::Duration;

use anyhow::Result;

use super::fleet::{Load, Record};
use super::server::Server;

/// What was measured in one scenario on one server.
#[derive(Debug)]
pub(super) struct Row {
    /// The scenario.
    pub(super) name: String,
    /// Messages and times.
    pub(super) record: Record,
    /// Processor time that the server used.
    pub(super) server_time: Duration,
    /// Processor time that the load generator used.
    pub(super) own_time: Duration,
}

impl Row {
    fn numbers(&self) -> String {
        let Record { messages, .. } = self.record;
        let cost = self.server_time.as_secs_f64() * 1e6 / lossy(messages.max(1));
        format!(
            "{:>9.0} {:>8} {:>8} {cost:>7.1} {:>4.0} %",
            self.record.rate(),
            milliseconds(self.record.percentile(50)),
            milliseconds(self.record.percentile(99)),
            self.generator_share(),
        )
    }

    /// How much of the processor time the load generator took away from the server, in percent.
    fn generator_share(&self) -> f64 {
        let all = (self.server_time + self.own_time).as_secs_f64();
        100.0 * self.own_time.as_secs_f64() / all.max(f64::EPSILON)
    }
}

/// The same scenario on both brokers.
#[derive(Debug)]
pub(super) struct Pair {
    durable: Row,
    in_memory: Row,
}

impl Pair {
    /// Scenarios that were run on both.
    pub(super) fn all(durable: Vec<Row>, in_memory: Vec<Row>) -> Vec<Self> {
        let mut in_memory = in_memory;
        let mut take = |name: &str| {
            in_memory.iter().position(|row| row.name == name).map(|at| in_memory.remove(at))
        };
        let pair = |durable: Row| take(&durable.name).map(|in_memory| Self { durable, in_memory });
        durable.into_iter().filter_map(pair).collect()
    }
}

const NUMBERS: &str = "   msgs/s   p50 ms   p99 ms  us/msg   gen.";

/// The table of both brokers. The ratio is that of the rates: what is left of the speed when every reply waits for
/// the disk.
pub(super) fn pairs(pairs: &[Pair]) -> String {
    let width = pairs.iter().map(|pair| pair.durable.name.len()).max().unwrap_or(0);
    let columns = NUMBERS.len();
    let mut table =
        format!("{:width$} | {:^columns$} | {:^columns$} | ratio\n", "", "durable", "in memory");
    let _ = writeln!(table, "{:width$} | {NUMBERS} | {NUMBERS} |", "");
    for Pair { durable, in_memory } in pairs {
        let ratio = durable.record.rate() / in_memory.record.rate().max(f64::EPSILON);
        let _ = writeln!(
            table,
            "{:width$} | {} | {} | {ratio:>5.2}",
            durable.name,
            durable.numbers(),
            in_memory.numbers()
        );
    }
    table
}

/// The table of one server.
pub(super) fn rows(rows: &[Row]) -> String {
    let width = rows.iter().map(|row| row.name.len()).max().unwrap_or(0);
    let mut table = format!("{:width$} | {NUMBERS}\n", "reference system");
    for row in rows {
        let _ = writeln!(table, "{:width$} | {}", row.name, row.numbers());
    }
    table
}

/// Start-up time and memory of each server.
pub(super) fn servers(servers: &[&Server]) -> Result<String> {
    let mut lines = Vec::new();
    for server in servers {
        let (start_up, memory) = (milliseconds(server.start_up), server.memory_max_mib()?);
        lines.push(format!(
            "{}: first answer {start_up} ms after its start, {memory} MiB of memory at most",
            server.name
        ));
    }
    Ok(lines.join("\n"))
}

/// What was asked for.
pub(super) fn settings(load: &Load, body_bytes: usize) -> String {
    format!(
        "settings  {} connections, {body_bytes}-byte bodies, at most {} s a row, loopback; us/msg is the server's processor\n\
         \x20         time, gen. the load generator's share of all processor time",
        load.connections,
        load.limit.as_secs(),
    )
}

/// A time as milliseconds with three digits behind the point.
pub(super) fn milliseconds(time: Duration) -> String {
    format!("{:.3}", time.as_secs_f64() * 1e3)
}

#[expect(clippy::cast_precision_loss, reason = "what is divided by it is read to three digits")]
fn lossy(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, messages: u64) -> Row {
        let samples = vec![Duration::from_micros(1500)];
        let record = Record { messages, elapsed: Duration::from_secs(2), samples };
        let (server_time, own_time) = (Duration::from_secs(3), Duration::from_secs(1));
        Row { name: name.to_owned(), record, server_time, own_time }
    }

    #[test]
    fn a_row_says_rate_times_and_costs() {
        let numbers = row("send", 1_000_000).numbers();
        let numbers: Vec<_> = numbers.split_whitespace().collect();
        assert_eq!(numbers, ["500000", "1.500", "1.500", "3.0", "25", "%"]);
    }

    #[test]
    fn the_ratio_is_what_durability_leaves_of_the_rate() {
        let table =
            pairs(&Pair::all(vec![row("send", 100)], vec![row("other", 1), row("send", 400)]));
        assert!(
            table
                .lines()
                .nth(2)
                .is_some_and(|line| line.starts_with("send |") && line.ends_with("|  0.25")),
            "{table}"
        );
    }
}
