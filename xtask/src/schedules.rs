//! `cargo xtask world` and `cargo xtask simulate`: schedules of faults, each from a seed: of the real runtime of apps and
//! workers, and of the real broker over a disk, a clock and clients that fail.
//!
//! Every run of the tests plays some; this plays as many as one likes, built to be fast. What runs is a test that is left
//! out otherwise, told by its environment what to do. What breaks is printed with its seed, everything that happened,
//! and the command that plays it again.

use std::process::Command;

use anyhow::{Result, ensure};
use clap::Args;

use crate::step::Step;
use crate::workspace;

/// How many schedules, and which.
#[derive(Debug, Default, Args)]
pub(crate) struct Options {
    /// Schedules, each of the next seed [default: as many as all tests play]
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    schedules: Option<u64>,
    /// The first seed [default: a fresh one, which is printed]
    #[arg(long)]
    seed: Option<u64>,
    /// The schedule of that seed alone, as a failed run names it
    #[arg(long, conflicts_with_all = ["schedules", "seed"], value_name = "SEED")]
    schedule: Option<u64>,
    /// Be wrong in that way, to see it found out: src/mutant.rs of what is played
    #[arg(long, value_name = "NAME")]
    mutant: Option<String>,
}

/// Something that schedules are played of.
#[derive(Debug)]
pub(crate) struct Played {
    /// What its package, its test and the step of all tests are called.
    name: &'static str,
    /// What the names of its variables begin with.
    variables: &'static str,
    /// As many as every run of all tests plays.
    schedules: u64,
    /// The first seed of those. It is the same in each run, so that what fails then is the change's.
    seed: u64,
}

/// `verification/world`: the runtime of apps and workers.
pub(crate) const WORLD: Played =
    Played { name: "world", variables: "LONGSHORE_WORLD", schedules: 100_000, seed: 7_000_000 };

/// `verification/simulator`: the broker and its store.
pub(crate) const SIMULATOR: Played =
    Played { name: "simulator", variables: "LONGSHORE_SIMULATE", schedules: 1000, seed: 1_000_000 };

/// The test that plays the schedules.
const TEST: &str = "on_demand::as_many_schedules_as_are_asked_for_break_no_invariant";

impl Played {
    /// Plays the schedules.
    ///
    /// # Errors
    ///
    /// If one breaks an invariant, or there is no such mutant.
    pub(crate) fn run(&self, options: &Options) -> Result<()> {
        let status = self.command(options).status()?;
        ensure!(status.success(), "not every schedule was as it ought to be: see above");
        Ok(())
    }

    /// The schedules that are played with the other tests.
    pub(crate) fn step(&self) -> Step {
        let options = Options { seed: Some(self.seed), ..Options::default() };
        Step::command(self.name, self.command(&options))
    }

    fn command(&self, options: &Options) -> Command {
        let package = format!("longshore-{}", self.name);
        // One profile for both, of which most is built once.
        let which = ["test", "--quiet", "--profile", "world", "--package", &package];
        let how = ["--test", self.name, "--", "--exact", TEST, "--ignored", "--nocapture"];
        let mut command = workspace::cargo(which.into_iter().chain(how));
        for (name, value) in self.told(options) {
            command.env_remove(&name);
            command.envs(value.map(|value| (name, value)));
        }
        // Where an assertion stands in the schedule says less than what happened does.
        command.env("RUST_BACKTRACE", "0");
        command
    }

    /// What the test is told, by its environment.
    fn told(&self, options: &Options) -> [(String, Option<String>); 4] {
        let variable = |name| format!("{}_{name}", self.variables);
        let number = |number: Option<u64>| number.map(|number| number.to_string());
        [
            (variable("SCHEDULES"), number(options.schedules.or(Some(self.schedules)))),
            (variable("SEED"), number(options.seed)),
            (variable("SCHEDULE"), number(options.schedule)),
            (variable("MUTANT"), options.mutant.clone()),
        ]
    }
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
    fn environment(played: &Played, typed: &str) -> Vec<String> {
        let Typed { options } = Typed::parse_from(typed.split(' '));
        let value = |(name, value): (String, Option<String>)| Some(format!("{name}={}", value?));
        played.told(&options).into_iter().filter_map(value).collect()
    }

    #[test]
    fn the_test_is_told_what_was_typed() {
        let typed = "world --schedules 7 --seed 3 --mutant ForgetsGroups";
        let expected = [
            "LONGSHORE_WORLD_SCHEDULES=7",
            "LONGSHORE_WORLD_SEED=3",
            "LONGSHORE_WORLD_MUTANT=ForgetsGroups",
        ];
        assert_eq!(environment(&WORLD, typed), expected);
        assert_eq!(environment(&WORLD, "world"), ["LONGSHORE_WORLD_SCHEDULES=100000"]);
        assert_eq!(environment(&SIMULATOR, "simulate"), ["LONGSHORE_SIMULATE_SCHEDULES=1000"]);
    }

    #[test]
    fn a_replay_names_the_seed_alone() {
        let told = environment(&SIMULATOR, "simulate --schedule 12");
        assert!(told.contains(&"LONGSHORE_SIMULATE_SCHEDULE=12".to_owned()));
        assert!(Typed::try_parse_from("simulate --schedule 12 --seed 3".split(' ')).is_err());
    }
}
