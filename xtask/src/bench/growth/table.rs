//! The table: a row for each step.

use std::fmt::Write as _;
use std::time::Duration;

use super::Kind;
use super::store::Looked;

/// A table in Markdown. The first row is that of the empty store.
pub(super) fn of(looked: &[Looked], kind: Kind) -> String {
    let mut table = "| passed | held | start ms | after a kill | memory MiB | bytes for each | running MiB | disk MiB | open files |".to_owned();
    table.push_str(if kind == Kind::Growth { " messages/s |\n" } else { "\n" });
    table.push_str("|--:|--:|--:|--:|--:|--:|--:|--:|--:|");
    table.push_str(if kind == Kind::Growth { "--:|\n" } else { "\n" });
    let empty = looked.first().map_or(0, |first| first.memory);
    for row in looked {
        table.push_str(&line(row, empty));
        let rate = row.rate.map_or_else(String::new, |rate| format!(" {rate:.0} |"));
        let _ = writeln!(table, "{rate}");
    }
    table
}

fn line(row: &Looked, empty: u64) -> String {
    let each = match row.held {
        0 => "–".to_owned(),
        held => format!("{:.0}", lossy(row.memory.saturating_sub(empty)) / lossy(held)),
    };
    format!(
        "| {} | {} | {} | {} | {} | {each} | {} | {} | {} |",
        row.passed,
        row.held,
        milliseconds(row.after_stop),
        milliseconds(row.after_kill),
        mib(row.memory),
        mib(row.memory_running),
        mib(row.disk),
        row.open_files
    )
}

fn milliseconds(time: Duration) -> String {
    format!("{:.0}", time.as_secs_f64() * 1e3)
}

fn mib(bytes: u64) -> String {
    format!("{:.1}", lossy(bytes) / f64::from(1 << 20))
}

#[expect(clippy::cast_precision_loss, reason = "a figure is read to three digits")]
pub(super) fn lossy(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_for_each_message_are_those_beyond_the_empty_store() {
        let empty = Looked {
            passed: 0,
            held: 0,
            after_stop: Duration::from_millis(12),
            after_kill: Duration::from_millis(13),
            memory: 10 << 20,
            memory_running: 11 << 20,
            disk: 100 << 20,
            open_files: 9,
            rate: None,
        };
        let full = Looked { held: 1 << 20, memory: 70 << 20, ..empty };
        let table = of(&[empty, full], Kind::Restart);
        assert!(table.contains("| 0 | 0 | 12 | 13 | 10.0 | – | 11.0 | 100.0 | 9 |\n"), "{table}");
        assert!(table.contains("| 0 | 1048576 | 12 | 13 | 70.0 | 60 |"), "{table}");
    }
}
