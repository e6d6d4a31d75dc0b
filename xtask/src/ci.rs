//! `cargo xtask ci`: everything that CI checks, in its order, quick checks first.
//!
//! `.ci/run` calls this and nothing else, so what is green here is green there.

pub(crate) mod deny;
mod features;
mod lean;

use anyhow::Result;

use crate::step::{self, Step};
use crate::{bench, fuzz, tidy, workspace};

/// Runs every check, then every test.
///
/// # Errors
///
/// Names the steps that failed.
pub(crate) fn run() -> Result<()> {
    let mut steps = vec![
        Step::command("format", workspace::cargo(["fmt", "--all", "--check"])),
        Step::call("tidy", tidy::run),
        Step::command("clippy", workspace::cargo(CLIPPY)),
        Step::command("documentation", documentation()),
        Step::call("dependencies", deny::run),
        Step::call("dependencies of the broker on its own", lean::run),
    ];
    steps.extend(features::steps()?);
    // The very command that the README names, in a process of its own: it is under test too.
    steps.push(Step::command("test", workspace::cargo(["xtask", "test"])));
    let program = workspace::dev_profile()?.join("fibonacci");
    steps.extend(fuzz::steps(&[], FUZZ_SECONDS)?);
    steps.push(Step::call("benchmark, as a test", || bench::smoke(program)));
    step::run_all("ci", steps)
}

/// Enough to replay every seed and to look around each of them.
const FUZZ_SECONDS: u32 = 15;

const CLIPPY: [&str; 6] = ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];

/// Private items too: their docs are what a contributor reads, and a broken link there is as broken.
fn documentation() -> std::process::Command {
    let mut command =
        workspace::cargo(["doc", "--workspace", "--no-deps", "--document-private-items"]);
    command.env("RUSTDOCFLAGS", "-D warnings");
    command
}
