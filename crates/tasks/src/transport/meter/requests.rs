//! What was asked of SQS up to a moment, and who pays for it.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::AddAssign;
use std::sync::Arc;

use super::{Action, Item, Purpose, QueueKind, cost};

/// What requests are told apart by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Line {
    /// The queue's name.
    pub queue: Arc<str>,
    /// The call.
    pub action: Action,
    /// What it was for.
    pub purpose: Purpose,
    /// The name of the task that it was about; empty where it was about none, or about one of which
    /// only the other side knows the name; `other` for a name that no handler here has.
    pub task: Arc<str>,
}

/// Billable requests, or parts of some, and the entries that they carried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    parts: u64,
    /// Messages sent, received, deleted or changed, each try. A call that carries none has no entry.
    pub entries: u64,
}

impl Spent {
    /// Parts of a request: the least number that one to ten entries divide, so that each share of a batch
    /// is whole, and shares add up to what is billed.
    pub const PARTS: u64 = 2520;

    /// The requests. A whole number for all that one call cost, or several.
    #[expect(clippy::cast_precision_loss, reason = "exact up to 3 million million requests")]
    pub fn requests(self) -> f64 {
        self.parts as f64 / Self::PARTS as f64
    }
}

impl AddAssign for Spent {
    fn add_assign(&mut self, other: Self) {
        self.parts += other.parts;
        self.entries += other.entries;
    }
}

/// What was asked of SQS up to a moment.
///
/// Printed, it is a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Requests {
    lines: BTreeMap<Line, Spent>,
    calls: BTreeMap<(Arc<str>, Action), u64>,
}

impl Requests {
    /// Each line, in their order.
    pub fn lines(&self) -> impl Iterator<Item = (&Line, Spent)> {
        self.lines.iter().map(|(line, spent)| (line, *spent))
    }

    /// How many calls there were, by queue and action: a batch is one, however much it carried.
    pub fn calls(&self) -> impl Iterator<Item = (&str, Action, u64)> {
        self.calls.iter().map(|((queue, action), count)| (&**queue, *action, *count))
    }

    /// All lines that `are` wanted, together.
    pub fn sum(&self, are: impl Fn(&Line) -> bool) -> Spent {
        let mut sum = Spent::default();
        self.lines().filter(|(line, _)| are(line)).for_each(|(_, spent)| sum += spent);
        sum
    }

    /// All requests.
    pub fn total(&self) -> f64 {
        self.sum(|_| true).requests()
    }

    /// The requests for one purpose.
    pub fn of(&self, purpose: Purpose) -> f64 {
        self.sum(|line| line.purpose == purpose).requests()
    }

    /// How many tasks they were made for: those that were sent, or the messages of tasks that were deleted, if
    /// that is more. The one is what an app does, the other what workers do.
    pub fn tasks(&self) -> u64 {
        let entries = |purpose| self.sum(|line: &Line| line.purpose == purpose).entries;
        entries(Purpose::Task).max(entries(Purpose::Delete))
    }

    /// What they cost in a region, in USD: see [`cost`].
    pub fn dollars(&self, region: &str) -> f64 {
        let dollars = |(line, spent): (&Line, Spent)| {
            cost(spent.requests(), QueueKind::of(&line.queue), region)
        };
        self.lines().map(dollars).sum()
    }

    /// What came since `earlier`, a snapshot of the same meter.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let rest = |(line, spent): (&Line, Spent)| {
            let before = earlier.lines.get(line).copied().unwrap_or_default();
            let parts = spent.parts.saturating_sub(before.parts);
            let entries = spent.entries.saturating_sub(before.entries);
            (parts > 0).then(|| (line.clone(), Spent { parts, entries }))
        };
        let more = |(key, count): (&(Arc<str>, Action), &u64)| {
            let count = count - earlier.calls.get(key).unwrap_or(&0).min(count);
            (count > 0).then(|| (key.clone(), count))
        };
        Self {
            lines: self.lines().filter_map(rest).collect(),
            calls: self.calls.iter().filter_map(more).collect(),
        }
    }

    /// The whole requests of the lines that `are` wanted, which are all of their calls.
    pub(super) fn whole(&self, are: impl Fn(&Line) -> bool) -> u64 {
        self.sum(are).parts / Spent::PARTS
    }

    /// Shares `billed` requests among what the call was for. Should there be a rest, which no batch of ten
    /// has, the first pays it.
    pub(super) fn book(&mut self, action: Action, queue: &Arc<str>, billed: u64, items: &[Item]) {
        let (all, count) = (billed * Spent::PARTS, items.len().max(1) as u64);
        let mut rest = all % count;
        *self.calls.entry((Arc::clone(queue), action)).or_default() += 1;
        let entries = u64::from(carries_entries(action));
        for Item { purpose, task } in items {
            let (queue, task) = (Arc::clone(queue), Arc::clone(task));
            let line = Line { queue, action, purpose: *purpose, task };
            let entries = if *purpose == Purpose::EmptyReceive { 0 } else { entries };
            let parts = all / count + std::mem::take(&mut rest);
            *self.lines.entry(line).or_default() += Spent { parts, entries };
        }
    }
}

const fn carries_entries(action: Action) -> bool {
    !matches!(action, Action::GetQueueUrl | Action::GetQueueAttributes)
}

impl fmt::Display for Requests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (requests, entries) = ("requests", "entries");
        writeln!(f, "{requests:>10} {entries:>8}  {:13}  {:28}  task", "purpose", "action")?;
        for (Line { queue, action, purpose, task }, spent) in self.lines() {
            let (requests, entries) = (spent.requests(), spent.entries);
            writeln!(
                f,
                "{requests:>10.3} {entries:>8}  {purpose:13}  {action:28}  {task} at {queue}"
            )?;
        }
        let (requests, tasks) = (self.total(), self.tasks());
        write!(f, "{requests:>10.3} in all, for {tasks} tasks")
    }
}
