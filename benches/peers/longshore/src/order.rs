//! What a producer is ordered to do, a line each, and its answers, a line each.
//!
//! ```text
//! request FIRST COUNT CLIENTS MILLIS    CLIENTS clients, each: a task, its result, the next task
//! send    FIRST COUNT CLIENTS MILLIS    CLIENTS clients, each: ten tasks whose results nobody wants, the next ten
//! paced   FIRST COUNT PER_SECOND 0      so many tasks a second, and their results
//!
//! ready                                 once, at the start
//! ok COUNT MICROS TIME…                 so many tasks were accepted, in so long; the microseconds of each result
//! failed REASON
//! ```
//!
//! Tasks are numbered from FIRST. A client that finds the time over begins nothing more.

use std::str::FromStr;
use std::time::Duration;

/// Something to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Order {
    /// What to do.
    pub(crate) kind: Kind,
    /// The number of the first task.
    pub(crate) first: u64,
    /// How many tasks at most.
    pub(crate) count: u64,
    /// Clients, or tasks a second.
    pub(crate) rate: u64,
    /// When the last task may begin.
    pub(crate) limit: Duration,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Tasks and their results, in closed loops.
    Request,
    /// Tasks alone.
    Send,
    /// Tasks and their results, at a fixed rate.
    Paced,
}

impl FromStr for Order {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let unreadable = || format!("this is no order: {line}");
        let mut words = line.split_whitespace();
        let kind = match words.next() {
            Some("request") => Kind::Request,
            Some("send") => Kind::Send,
            Some("paced") => Kind::Paced,
            _ => return Err(unreadable()),
        };
        let numbers: Result<Vec<u64>, _> = words.map(str::parse).collect();
        match numbers.as_deref() {
            Ok(&[first, count, rate, millis]) if rate > 0 => {
                Ok(Self { kind, first, count, rate, limit: Duration::from_millis(millis) })
            }
            _ => Err(unreadable()),
        }
    }
}

/// What became of an order.
#[derive(Debug, Default)]
pub(crate) struct Done {
    /// Tasks that were accepted.
    pub(crate) count: u64,
    /// From the first to the last.
    pub(crate) elapsed: Duration,
    /// The time of each from request to result.
    pub(crate) times: Vec<Duration>,
}

impl Done {
    /// The line that says so.
    pub(crate) fn line(&self) -> String {
        let times = self.times.iter().map(|time| format!(" {}", time.as_micros()));
        format!("ok {} {}{}", self.count, self.elapsed.as_micros(), times.collect::<String>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_read_and_anything_else_is_refused() {
        let order: Order = "request 100 2000 32 5000".parse().unwrap();
        let limit = Duration::from_secs(5);
        assert_eq!(order, Order { kind: Kind::Request, first: 100, count: 2000, rate: 32, limit });
        for line in
            ["", "request", "request 1 2 3", "stop 1 2 3 4", "paced 1 2 0 0", "send 1 2 x 4"]
        {
            assert!(line.parse::<Order>().is_err(), "{line}");
        }
    }

    #[test]
    fn what_was_done_is_one_line_in_microseconds() {
        let times = vec![Duration::from_millis(1), Duration::from_micros(2)];
        let done = Done { count: 2, elapsed: Duration::from_secs(1), times };
        assert_eq!(done.line(), "ok 2 1000000 1000 2");
    }
}
