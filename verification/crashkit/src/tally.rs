//! What a part did, in numbers, and the table of all parts.

use std::fmt::Write as _;
use std::time::Duration;

use crate::book::Counts;

/// What was done to the broker, and what it was asked meanwhile.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Tally {
    pub(crate) rounds: u64,
    /// Kills, cuts, failing calls, jumps of the clock.
    pub(crate) faults: u64,
    /// Comparisons of what the broker holds with what was told.
    pub(crate) audits: u64,
    pub(crate) counts: Counts,
}

impl Tally {
    pub(crate) fn add(&mut self, other: &Self) {
        self.rounds += other.rounds;
        self.faults += other.faults;
        self.audits += other.audits;
        self.counts.accepted += other.counts.accepted;
        self.counts.deliveries += other.counts.deliveries;
        self.counts.deleted += other.counts.deleted;
        self.counts.unknown += other.counts.unknown;
    }
}

/// How a part ended.
#[derive(Debug)]
pub(crate) enum Ending {
    /// No promise was broken.
    Kept,
    /// Rounds that broke a promise, or could not be played to their end.
    Findings(u64),
    /// It could not be played here.
    Skipped(String),
}

/// A part, and what became of it.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) name: &'static str,
    pub(crate) tally: Tally,
    pub(crate) elapsed: Duration,
    pub(crate) ending: Ending,
}

impl Line {
    /// That it was skipped, and why.
    pub(crate) fn skipped(&self) -> Option<String> {
        match &self.ending {
            Ending::Skipped(why) => Some(format!("not tried: crashes by {}: {why}", self.name)),
            Ending::Kept | Ending::Findings(_) => None,
        }
    }
}

/// A line for each part.
pub(crate) fn table(lines: &[Line]) -> String {
    let mut table = format!(
        "{:10}{:>8}{:>8}{:>8}{:>8}{:>10}{:>12}{:>10}{:>10}\n",
        "part",
        "seconds",
        "rounds",
        "faults",
        "audits",
        "accepted",
        "deliveries",
        "deleted",
        "unknown"
    );
    for Line { name, tally, elapsed, ending } in lines {
        let Tally { rounds, faults, audits, counts } = tally;
        let Counts { accepted, deliveries, deleted, unknown } = counts;
        let seconds = elapsed.as_secs();
        let _ = write!(table, "{name:10}{seconds:>8}{rounds:>8}{faults:>8}{audits:>8}");
        let _ = write!(table, "{accepted:>10}{deliveries:>12}{deleted:>10}{unknown:>10}  ");
        let _ = match ending {
            Ending::Kept => writeln!(table, "every promise kept"),
            Ending::Findings(count) => writeln!(table, "FINDINGS: {count}, see above"),
            Ending::Skipped(why) => writeln!(table, "SKIPPED: {why}"),
        };
    }
    let skipped = lines.iter().filter_map(Line::skipped).count();
    let _ = write!(table, "{} parts played, {skipped} skipped", lines.len() - skipped);
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_that_was_skipped_is_counted_with_its_reason() {
        let ending = Ending::Skipped("no strace".to_owned());
        let line =
            Line { name: "syscalls", tally: Tally::default(), elapsed: Duration::ZERO, ending };
        let table = table(&[line]);
        assert!(table.contains("SKIPPED: no strace"), "{table}");
        assert!(table.ends_with("0 parts played, 1 skipped"), "{table}");
    }
}
