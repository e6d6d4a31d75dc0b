//! `cargo xtask simulate`: schedules of the real broker over a disk, a clock and clients that fail.
//!
//! Every run of the tests plays some; this plays as many as one likes, built to be fast. What runs is a test of
//! `verification/simulator` that is left out otherwise, told by its environment what to do. What breaks is printed with
//! its seed, everything that happened, and the command that plays it again.

use std::process::Command;

use anyhow::{Result, ensure};
use clap::Args;

use crate::step::Step;
use crate::workspace;

/// How many schedules, and which.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Schedules, each of the next seed.
    #[arg(long, default_value_t = SCHEDULES, value_parser = clap::value_parser!(u64).range(1..))]
    schedules: u64,
    /// The first seed [default: a fresh one, which is printed].
    #[arg(long)]
    seed: Option<u64>,
    /// The schedule of that seed alone, as a failed run names it.
    #[arg(long, conflicts_with_all = ["schedules", "seed"], value_name = "SEED")]
    schedule: Option<u64>,
    /// Be wrong in that way, to see it found out: verification/simulator/src/mutant.rs.
    #[arg(long, value_name = "NAME")]
    mutant: Option<String>,
}

/// As many as every run of CI plays.
const SCHEDULES: u64 = 1000;

/// The test that plays the schedules.
const TEST: &str = "on_demand::as_many_schedules_as_are_asked_for_break_no_invariant";

/// Plays the schedules.
///
/// # Errors
///
/// If one breaks an invariant, or there is no such mutant.
pub(crate) fn run(options: &Options) -> Result<()> {
    let status = command(options).status()?;
    ensure!(status.success(), "not every schedule was as it ought to be: see above");
    Ok(())
}

/// The first seed of the schedules that are played with the other tests. It is the same in each run, so that what
/// fails then is the change's.
const SEED: u64 = 1_000_000;

/// The schedules that are played with the other tests.
pub(crate) fn step() -> Step {
    let options = Options { schedules: SCHEDULES, seed: Some(SEED), schedule: None, mutant: None };
    Step::command("simulator", command(&options))
}

fn command(options: &Options) -> Command {
    // In the profile of the world, which is as fast, and built once for both.
    let which = ["test", "--quiet", "--profile", "world", "--package", "longshore-simulator"];
    let how = ["--test", "simulator", "--", "--exact", TEST, "--ignored", "--nocapture"];
    let mut command = workspace::cargo(which.into_iter().chain(how));
    for (name, value) in told(options) {
        command.env_remove(name);
        command.envs(value.map(|value| (name, value)));
    }
    // Where an assertion stands in the schedule says less than what happened does.
    command.env("RUST_BACKTRACE", "0");
    command
}

/// What the test is told, by its environment.
fn told(options: &Options) -> [(&'static str, Option<String>); 4] {
    [
        ("LONGSHORE_SIMULATE_SCHEDULES", Some(options.schedules.to_string())),
        ("LONGSHORE_SIMULATE_SEED", options.seed.map(|seed| seed.to_string())),
        ("LONGSHORE_SIMULATE_SCHEDULE", options.schedule.map(|seed| seed.to_string())),
        ("LONGSHORE_SIMULATE_MUTANT", options.mutant.clone()),
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
        let typed = "simulate --schedules 7 --seed 3 --mutant RetriesSyncs";
        let expected = [
            "LONGSHORE_SIMULATE_SCHEDULES=7",
            "LONGSHORE_SIMULATE_SEED=3",
            "LONGSHORE_SIMULATE_MUTANT=RetriesSyncs",
        ];
        assert_eq!(environment(typed), expected);
        assert_eq!(environment("simulate"), ["LONGSHORE_SIMULATE_SCHEDULES=1000"]);
    }

    #[test]
    fn a_replay_names_the_seed_alone() {
        let told = environment("simulate --schedule 12");
        assert!(told.contains(&"LONGSHORE_SIMULATE_SCHEDULE=12".to_owned()));
        assert!(Typed::try_parse_from("simulate --schedule 12 --seed 3".split(' ')).is_err());
    }
}
