//! Chores of the project, one subcommand each: `cargo xtask --help` lists them.
//!
//! A chore is a list of steps that run one after another, or a program of its own (`tidy`, `bench`). Everything that
//! CI does can be run here by hand, by the same command.
//!
//! # Invariants
//!
//! - The exit code is 0 only if everything that was asked for ran and succeeded.
//! - Nothing outside the target directory, the cache directory and temporary directories is written; Debian's packages
//!   that tests need are installed, where root may.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a chore reports to the terminal it was started from"
)]

mod advisories;
mod bench;
mod ci;
mod crash;
mod first;
mod fuzz;
mod model;
mod program;
mod schedules;
mod step;
mod stopwatch;
mod test;
mod tidy;
mod tool;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// What was typed after `cargo xtask`.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", about = "Chores: tests, checks, benchmarks.")]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

/// One chore and its options.
#[derive(Debug, Subcommand)]
enum Chore {
    /// Run every test there is, or one part of them.
    Test(test::Options),
    /// Run everything that CI runs, in its order.
    Ci,
    /// Ask the advisory database whether a dependency has a known vulnerability.
    Advisories,
    /// Check the house rules that no compiler knows.
    Tidy,
    /// Give random histories to the engine and to its model, and compare.
    Model(model::Options),
    /// Play schedules of the broker over a disk, a clock and clients that fail.
    Simulate(schedules::Options),
    /// Play schedules of the runtime in a world where everything fails.
    World(schedules::Options),
    /// Kill the real broker, fail its disk, cut its power, set its clock wrong, and check what it kept.
    Crash(longshore_crashkit::Options),
    /// Give hostile bytes to everything that reads what a stranger sends.
    Fuzz(fuzz::Options),
    /// Measure the release build over real HTTP on this machine.
    Bench(bench::Options),
}

fn main() -> ExitCode {
    let ending = match Arguments::parse().chore {
        Chore::Test(options) => test::run(&options),
        Chore::Ci => ci::run(),
        Chore::Advisories => advisories::run(),
        Chore::Tidy => tidy::run(),
        Chore::Model(options) => model::run(&options),
        Chore::Simulate(options) => schedules::SIMULATOR.run(&options),
        Chore::World(options) => schedules::WORLD.run(&options),
        Chore::Crash(options) => crash::run(&options),
        Chore::Fuzz(options) => fuzz::run(&options),
        Chore::Bench(options) => bench::run(&options),
    };
    if let Err(failure) = ending {
        eprintln!("error: {failure:#}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
