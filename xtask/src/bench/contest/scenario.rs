//! What every entrant goes through, after a warm-up that is not counted.

use std::thread;
use std::time::Duration;

use anyhow::Result;

use super::grounds::Grounds;
use super::pair::Pair;
use crate::bench::fleet::Record;
use crate::stopwatch::Stopwatch;

/// Tasks that are asked for in a second where the rate is fixed: far less than anybody can.
pub(super) const PER_SECOND: u64 = 100;
/// The longest that tasks may take to run once all are enqueued; the rest is lost.
const RUN_MAX: Duration = Duration::from_secs(120);
/// What is done after the last run, such as deleting its message, is paid for too.
const AFTERMATH: Duration = Duration::from_millis(300);

/// How much of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Size {
    /// Tasks of a measurement at most.
    pub(super) tasks: u64,
    /// Seconds in which tasks begin at most.
    pub(super) seconds: u64,
    /// Clients of the producer, and tasks that the worker runs at once.
    pub(super) clients: u64,
}

impl Size {
    fn limit(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }
}

/// A scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scenario {
    /// Every client asks for a task, waits for its result, and asks for the next.
    Request,
    /// Every client enqueues ten tasks, and the next ten: until the last of them has run.
    Send,
    /// A fixed number of tasks a second.
    Paced,
}

impl Scenario {
    pub(super) const ALL: [Self; 3] = [Self::Request, Self::Send, Self::Paced];
}

/// What was measured.
#[derive(Debug, Clone)]
pub(super) struct Measured {
    /// Tasks, and the times from request to result.
    pub(super) record: Record,
    /// Processor time of worker and producer.
    pub(super) own_time: Duration,
    /// Processor time of what they run on.
    pub(super) ground_time: Duration,
}

impl Measured {
    /// Processor time of worker and producer for a task, in microseconds.
    pub(super) fn own_cost(&self) -> f64 {
        self.per_task(self.own_time)
    }

    /// Processor time of what they run on for a task, in microseconds.
    pub(super) fn ground_cost(&self) -> f64 {
        self.per_task(self.ground_time)
    }

    #[expect(clippy::cast_precision_loss, reason = "a cost is read to three digits")]
    fn per_task(&self, time: Duration) -> f64 {
        time.as_secs_f64() * 1e6 / self.record.messages.max(1) as f64
    }
}

/// Warms up, and measures each scenario.
pub(super) fn measure_all(
    pair: &mut Pair,
    grounds: &Grounds,
    size: &Size,
) -> Result<Vec<Measured>> {
    let brief = Size { tasks: size.tasks.div_ceil(4), seconds: 2, ..*size };
    for scenario in [Scenario::Request, Scenario::Send] {
        carry_out(pair, scenario, &brief)?;
    }
    Scenario::ALL.into_iter().map(|scenario| measure(pair, grounds, scenario, size)).collect()
}

fn measure(
    pair: &mut Pair,
    grounds: &Grounds,
    scenario: Scenario,
    size: &Size,
) -> Result<Measured> {
    thread::park_timeout(AFTERMATH);
    let before = (pair.cpu_time()?, grounds.cpu_time(&pair.grounds)?);
    let record = carry_out(pair, scenario, size)?;
    thread::park_timeout(AFTERMATH);
    let own_time = pair.cpu_time()?.saturating_sub(before.0);
    let ground_time = grounds.cpu_time(&pair.grounds)?.saturating_sub(before.1);
    Ok(Measured { record, own_time, ground_time })
}

fn carry_out(pair: &mut Pair, scenario: Scenario, size: &Size) -> Result<Record> {
    let watch = Stopwatch::start();
    match scenario {
        Scenario::Request => pair.order("request", size.tasks, size.clients, size.limit()),
        Scenario::Paced => {
            let count = size.tasks.min(PER_SECOND * size.seconds);
            pair.order("paced", count, PER_SECOND, Duration::ZERO)
        }
        Scenario::Send => {
            let sent = pair.order("send", size.tasks, size.clients, size.limit())?;
            pair.wait_until_all_ran(RUN_MAX)?;
            Ok(Record { elapsed: watch.elapsed(), ..sent })
        }
    }
}
