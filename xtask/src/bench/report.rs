//! The table: for each scenario a row for each server, the durable broker first, and what the programs cost.

use std::fmt::Write as _;
use std::time::Duration;

use anyhow::Result;

use super::fleet::{Load, Record};
use super::server::Server;

/// What was measured in one scenario on one server.
#[derive(Debug)]
pub(super) struct Row {
    /// What was done.
    pub(super) scenario: String,
    /// By whom.
    pub(super) server: String,
    /// Whether the load generator waited between messages, so that the rate says nothing about the server.
    pub(super) paced: bool,
    /// Messages and times.
    pub(super) record: Record,
    /// Processor time that the server used.
    pub(super) server_time: Duration,
    /// Processor time that the load generator used.
    pub(super) own_time: Duration,
}

impl Row {
    fn numbers(&self) -> String {
        let cost = self.server_time.as_secs_f64() * 1e6 / lossy(self.record.messages.max(1));
        let rate = if self.paced { "-".to_owned() } else { format!("{:.0}", self.record.rate()) };
        let (p50, p99) = (self.record.percentile(50), self.record.percentile(99));
        let share = format!("{:.0} %", self.generator_share());
        format!(
            "{rate:>9} {:>8} {:>8} {cost:>7.1} {share:>5}",
            milliseconds(p50),
            milliseconds(p99)
        )
    }

    /// How much of the processor time the load generator took away from the server, in percent.
    fn generator_share(&self) -> f64 {
        let all = (self.server_time + self.own_time).as_secs_f64();
        100.0 * self.own_time.as_secs_f64() / all.max(f64::EPSILON)
    }

    /// The rate as a multiple of another's; for a paced scenario, how much shorter the median time is.
    fn ratio(&self, other: &Self) -> f64 {
        let ratio = |a: f64, b: f64| a / b.max(f64::EPSILON);
        if self.paced {
            let median = |row: &Self| row.record.percentile(50).as_secs_f64();
            return ratio(median(other), median(self));
        }
        ratio(self.record.rate(), other.record.rate())
    }
}

/// A line for each row, those of one scenario together. The ratio is how much faster than the scenario's first row.
pub(super) fn table(rows: &[Row]) -> String {
    let width =
        |of: fn(&Row) -> &String| rows.iter().map(|row| of(row).chars().count()).max().unwrap_or(0);
    let (scenario, server) = (width(|row| &row.scenario), width(|row| &row.server));
    let mut table = format!(
        "{:scenario$}  {:server$}    msgs/s   p50 ms   p99 ms  us/msg  gen.  ratio\n",
        "", ""
    );
    let mut done: Vec<&str> = Vec::new();
    for first in rows {
        if done.contains(&first.scenario.as_str()) {
            continue;
        }
        done.push(&first.scenario);
        for row in rows.iter().filter(|row| row.scenario == first.scenario) {
            let name = if std::ptr::eq(row, first) { row.scenario.as_str() } else { "" };
            let (numbers, ratio) = (row.numbers(), row.ratio(first));
            let _ =
                writeln!(table, "{name:scenario$}  {:server$} {numbers}  {ratio:>5.2}", row.server);
        }
    }
    table
}

/// Start-up time and memory of each server.
pub(super) fn servers(servers: &[Server]) -> Result<String> {
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

    fn row(scenario: &str, server: &str, messages: u64) -> Row {
        let samples = vec![Duration::from_micros(1500)];
        Row {
            scenario: scenario.to_owned(),
            server: server.to_owned(),
            paced: false,
            record: Record { messages, elapsed: Duration::from_secs(2), samples },
            server_time: Duration::from_secs(3),
            own_time: Duration::from_secs(1),
        }
    }

    #[test]
    fn a_row_says_rate_times_and_costs() {
        let numbers = row("send", "durable", 1_000_000).numbers();
        let numbers: Vec<_> = numbers.split_whitespace().collect();
        assert_eq!(numbers, ["500000", "1.500", "1.500", "3.0", "25", "%"]);
    }

    #[test]
    fn rows_of_one_scenario_stand_together_and_are_compared_with_its_first() {
        let rows = [
            row("send", "durable", 400),
            row("drain", "durable", 8),
            row("send", "in memory", 600),
        ];
        let table = table(&rows);
        let lines: Vec<_> = table.lines().skip(1).collect();
        assert!(lines[0].starts_with("send   durable") && lines[0].ends_with(" 1.00"), "{table}");
        assert!(lines[1].starts_with("       in memory") && lines[1].ends_with(" 1.50"), "{table}");
        assert!(lines[2].starts_with("drain  durable"), "{table}");
    }
}
