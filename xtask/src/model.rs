//! `cargo xtask model`: random histories, given to the engine and to its model side by side.
//!
//! Every run of the tests goes through some thousands; this goes through as many as one likes. What runs is a test of
//! `verification/model` that is left out otherwise, told by its environment what to do. A difference is printed with a
//! history that was shrunk to what matters, and with the command that shows it again.

use std::process::Command;

use anyhow::{Result, ensure};
use clap::{Args, ValueEnum};

use crate::workspace;

/// How many histories, and which.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Histories of each kind.
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..))]
    cases: u64,
    /// What the histories are made from [default: a fresh one, which is printed].
    #[arg(long)]
    seed: Option<u64>,
    /// One kind of queues instead of all.
    #[arg(long)]
    kind: Option<Kind>,
    /// The history of that number alone, as a failed run names it.
    #[arg(
        long,
        requires = "seed",
        requires = "kind",
        conflicts_with = "cases",
        value_name = "NUMBER"
    )]
    case: Option<u64>,
    /// Make the engine wrong in that way, to see it found out: verification/model/tests/it/mutant.rs.
    #[arg(long, value_name = "NAME")]
    mutant: Option<String>,
}

/// Which queues the histories are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// Standard queues without message groups.
    Standard,
    /// Standard queues with message groups.
    Fair,
    /// FIFO queues.
    Fifo,
}

/// The test that goes through the histories.
const TEST: &str = "on_demand::as_many_histories_as_are_asked_for_show_no_difference";

/// Runs the histories.
///
/// # Errors
///
/// If the engine and the model differ in one, or there is no such mutant.
pub(crate) fn run(options: &Options) -> Result<()> {
    let status = command(options).status()?;
    ensure!(status.success(), "not every history was as it ought to be: see above");
    Ok(())
}

fn command(options: &Options) -> Command {
    let which = ["test", "--quiet", "--package", "longshore-model", "--test", "it"];
    let how = ["--", "--exact", TEST, "--ignored", "--nocapture"];
    let mut command = workspace::cargo(which.into_iter().chain(how));
    for (name, value) in told(options) {
        command.env_remove(name);
        command.envs(value.map(|value| (name, value)));
    }
    // Where an assertion stands in the comparison says less than the history does.
    command.env("RUST_BACKTRACE", "0");
    command
}

/// What the test is told, by its environment.
fn told(options: &Options) -> [(&'static str, Option<String>); 5] {
    let kind = options.kind.and_then(|kind| Some(kind.to_possible_value()?.get_name().to_owned()));
    [
        ("LONGSHORE_MODEL_CASES", Some(options.cases.to_string())),
        ("LONGSHORE_MODEL_SEED", options.seed.map(|seed| seed.to_string())),
        ("LONGSHORE_MODEL_KIND", kind),
        ("LONGSHORE_MODEL_CASE", options.case.map(|case| case.to_string())),
        ("LONGSHORE_MODEL_MUTANT", options.mutant.clone()),
    ]
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Typed {
        #[command(flatten)]
        options: Options,
    }

    /// What the test is told if this is typed; nothing that is not set.
    fn environment(typed: &str) -> Vec<String> {
        let Typed { options } = Typed::parse_from(typed.split(' '));
        let value = |(name, value): (&str, Option<String>)| Some(format!("{name}={}", value?));
        told(&options).into_iter().filter_map(value).collect()
    }

    #[test]
    fn the_test_is_told_what_was_typed() {
        let typed = "model --cases 7 --seed 3 --kind fair --mutant ForgetsGroups";
        let expected = [
            "LONGSHORE_MODEL_CASES=7",
            "LONGSHORE_MODEL_SEED=3",
            "LONGSHORE_MODEL_KIND=fair",
            "LONGSHORE_MODEL_MUTANT=ForgetsGroups",
        ];
        assert_eq!(environment(typed), expected);
        assert_eq!(environment("model"), ["LONGSHORE_MODEL_CASES=100000"]);
    }

    #[test]
    fn a_replay_names_the_seed_the_kind_and_the_number() {
        let replay = "model --kind fifo --seed 3 --case 12";
        assert!(environment(replay).contains(&"LONGSHORE_MODEL_CASE=12".to_owned()));
        assert!(Typed::try_parse_from("model --case 12".split(' ')).is_err());
    }
}
