//! `cargo xtask test`: every test there is, in the dev profile.
//!
//! Rust first (cheapest to understand when it fails), then the conformance suite: real SDKs in other languages against
//! the program that a user would build. `conformance/run` installs what it needs into its own cache.

use anyhow::Result;
use clap::{Args, ValueEnum};

use crate::step::{self, Step};
use crate::workspace;

/// Which tests.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// One part instead of everything.
    part: Option<Part>,
}

/// A part of the tests that can be run alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Unit, integration and documentation tests of every crate.
    Rust,
    /// Black-box tests of the built program through real SDKs and tools.
    Conformance,
    /// The reference system in containers; needs podman or docker.
    Containers,
}

const BUILD: &str = "build the programs";

/// The reference system, and the broker on its own, which the suite finds beside it.
const BUILD_PROGRAMS: [&str; 5] = ["build", "--package", "fibonacci", "--package", "longshore-cli"];

/// Runs the tests.
///
/// # Errors
///
/// Names the steps that failed.
pub(crate) fn run(options: &Options) -> Result<()> {
    let steps = match options.part {
        None => rust().into_iter().chain(black_box("all")?).collect(),
        Some(Part::Rust) => rust(),
        Some(Part::Conformance) => black_box("all")?,
        Some(Part::Containers) => black_box("containers")?,
    };
    step::run_all("test", steps)
}

fn rust() -> Vec<Step> {
    let targets =
        ["test", "--workspace", "--lib", "--bins", "--tests", "--examples", "--no-fail-fast"];
    vec![
        Step::command("rust tests", workspace::cargo(targets)),
        Step::command(
            "documentation tests",
            workspace::cargo(["test", "--workspace", "--doc", "--no-fail-fast"]),
        ),
    ]
}

fn black_box(which: &'static str) -> Result<Vec<Step>> {
    let mut suite = workspace::command(workspace::root().join("conformance/run"));
    suite.arg(which).env("LONGSHORE_BIN", workspace::dev_profile()?.join("fibonacci"));
    Ok(vec![
        Step::command(BUILD, workspace::cargo(BUILD_PROGRAMS)),
        Step::command(format!("conformance ({which})"), suite).needing(BUILD),
    ])
}
