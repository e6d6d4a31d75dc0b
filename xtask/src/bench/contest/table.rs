//! A table for each scenario, in Markdown: medians of the rounds, and how far the first entrant is ahead of each other.
//!
//! Ratios are taken within a round, whose entrants met the same machine, and then their median and range are shown.

use std::fmt::Write as _;

use super::scenario::{Measured, PER_SECOND, Scenario, Size};
use crate::bench::report::milliseconds;

/// An entrant and what was measured of it, a row for each round.
pub(super) type Row<'a> = (String, &'a [Vec<Measured>]);

/// What was asked for.
pub(super) fn settings(size: &Size, rounds: u32) -> String {
    let Size { tasks, seconds, clients } = size;
    format!(
        "settings  {rounds} rounds, {clients} clients of each producer and {clients} tasks at once in each worker; a\n\
         \x20         measurement has at most {tasks} tasks, which begin within {seconds} s; loopback"
    )
}

/// What a round of an entrant came to, for whoever waits for the tables.
pub(super) fn in_a_line(measured: &[Measured]) -> String {
    let one = |(scenario, measured): (Scenario, &Measured)| {
        let (rate, p50) = (measured.record.rate(), milliseconds(measured.record.percentile(50)));
        match scenario {
            Scenario::Request => format!("{rate:.0} results/s at {:.0} us", measured.own_cost()),
            Scenario::Send => format!("{rate:.0} tasks/s at {:.0} us", measured.own_cost()),
            Scenario::Paced => format!("p50 {p50} ms at {:.0} us", measured.own_cost()),
        }
    };
    Scenario::ALL.into_iter().zip(measured).map(one).collect::<Vec<_>>().join(", ")
}

/// All tables.
pub(super) fn tables(rows: &[Row<'_>]) -> String {
    let of_scenario = |(place, scenario)| table(scenario, &in_scenario(rows, place));
    Scenario::ALL
        .into_iter()
        .enumerate()
        .map(|(place, scenario)| of_scenario((place, scenario)))
        .collect::<Vec<_>>()
        .join("\n")
}

/// Of every entrant that was measured, its rounds in one scenario.
fn in_scenario<'a>(rows: &'a [Row<'_>], place: usize) -> Vec<(&'a str, Vec<&'a Measured>)> {
    let rounds =
        |rounds: &'a [Vec<Measured>]| rounds.iter().filter_map(|round| round.get(place)).collect();
    let rows = rows.iter().map(|(name, measured)| (name.as_str(), rounds(measured)));
    rows.filter(|(_, measured): &(_, Vec<_>)| !measured.is_empty()).collect()
}

fn table(scenario: Scenario, rows: &[(&str, Vec<&Measured>)]) -> String {
    let mut table = format!("{}\n\n", title(scenario));
    table.push_str("| | tasks/s | p50 ms | p99 ms | us/task | of servers | ahead in tasks/s | in us/task | in us/task of all |\n");
    table.push_str("|---|--:|--:|--:|--:|--:|--:|--:|--:|\n");
    for (name, measured) in rows {
        let numbers = numbers(scenario, measured);
        let ahead =
            rows.first().map_or_else(String::new, |(_, first)| ahead(scenario, first, measured));
        let _ = writeln!(table, "| {name} | {numbers} | {ahead} |");
    }
    table
}

fn title(scenario: Scenario) -> String {
    match scenario {
        Scenario::Request => "Request to result, each client in a closed loop:".to_owned(),
        Scenario::Send => "Enqueued ten at a time, until the last has run:".to_owned(),
        Scenario::Paced => format!("Request to result, {PER_SECOND} tasks a second:"),
    }
}

fn numbers(scenario: Scenario, rounds: &[&Measured]) -> String {
    let of = |value: fn(&Measured) -> f64| median(rounds.iter().copied().map(value).collect());
    let rate = format!("{:.0}", of(|measured| measured.record.rate()));
    let time = |of: f64| format!("{of:.2}");
    let (p50, p99) = (
        time(of(|measured| percentile(measured, 50))),
        time(of(|measured| percentile(measured, 99))),
    );
    let costs = format!("{:.0} | {:.0}", of(Measured::own_cost), of(Measured::ground_cost));
    match scenario {
        Scenario::Request => format!("{rate} | {p50} | {p99} | {costs}"),
        Scenario::Send => format!("{rate} | | | {costs}"),
        Scenario::Paced => format!("| {p50} | {p99} | {costs}"),
    }
}

fn percentile(measured: &Measured, percent: usize) -> f64 {
    measured.record.percentile(percent).as_secs_f64() * 1e3
}

/// How many times the first is faster, and how many times less it costs, without its servers and with them, by round.
fn ahead(scenario: Scenario, first: &[&Measured], other: &[&Measured]) -> String {
    let pairs = || first.iter().zip(other);
    let rates = pairs().map(|(first, other)| first.record.rate() / other.record.rate());
    let costs = pairs().map(|(first, other)| other.own_cost() / first.own_cost());
    let of_all = |measured: &Measured| measured.own_cost() + measured.ground_cost();
    let all_costs = pairs().map(|(first, other)| of_all(other) / of_all(first));
    let rates = if scenario == Scenario::Paced { String::new() } else { ranged(rates.collect()) };
    format!("{rates} | {} | {}", ranged(costs.collect()), ranged(all_costs.collect()))
}

/// A median with its range.
fn ranged(values: Vec<f64>) -> String {
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(0.0, f64::max);
    format!("{:.2} ({least:.2}–{most:.2})", median(values))
}

/// The middle value, or the mean of the two in the middle; zero of nothing.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => 0.0,
        odd if odd % 2 == 1 => values[middle],
        _ => f64::midpoint(values[middle - 1], values[middle]),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::bench::fleet::Record;

    fn round(tasks: u64, micros: u64) -> Vec<Measured> {
        let samples = vec![Duration::from_micros(1500)];
        let record = Record { messages: tasks, elapsed: Duration::from_secs(1), samples };
        let own_time = Duration::from_micros(micros * tasks);
        let ground_time = Duration::from_micros(150 * tasks);
        let measured = Measured { record, own_time, ground_time };
        vec![measured.clone(), measured.clone(), measured]
    }

    #[test]
    fn a_row_has_medians_and_ratios_that_are_taken_round_by_round() {
        let (ours, theirs) = (
            [round(1000, 100), round(100, 100), round(2000, 100)],
            [round(500, 300), round(50, 200), round(400, 400)],
        );
        let rows = [("ours".to_owned(), &ours[..]), ("theirs".to_owned(), &theirs[..])];
        let tables = tables(&rows);
        let lines: Vec<_> = tables.lines().filter(|line| line.starts_with("| theirs")).collect();
        assert_eq!(
            lines[0],
            "| theirs | 400 | 1.50 | 1.50 | 300 | 150 | 2.00 (2.00–5.00) | 3.00 (2.00–4.00) | 1.80 (1.40–2.20) |"
        );
        assert_eq!(
            lines[1],
            "| theirs | 400 | | | 300 | 150 | 2.00 (2.00–5.00) | 3.00 (2.00–4.00) | 1.80 (1.40–2.20) |"
        );
        assert_eq!(
            lines[2],
            "| theirs | | 1.50 | 1.50 | 300 | 150 |  | 3.00 (2.00–4.00) | 1.80 (1.40–2.20) |"
        );
    }

    #[test]
    fn an_entrant_that_failed_in_its_first_round_has_no_row() {
        let ours = [round(1000, 100)];
        let rows = [("ours".to_owned(), &ours[..]), ("theirs".to_owned(), &[][..])];
        assert!(!tables(&rows).contains("theirs"));
    }

    #[test]
    fn a_median_is_in_the_middle() {
        assert_eq!(
            [median(vec![3.0, 1.0, 2.0]), median(vec![4.0, 2.0]), median(vec![])].map(f64::to_bits),
            [2.0, 3.0, 0.0].map(f64::to_bits)
        );
    }
}
