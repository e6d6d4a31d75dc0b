//! `cargo xtask test`: every test there is, in the dev profile.
//!
//! Rust first (cheapest to understand when it fails), then crashes of the program that a user would build, and the
//! conformance suite: real SDKs in other languages against it. `conformance/run` installs what it needs into its own
//! cache. The stores' tests find servers that are started for them; what server cannot be had is said at the end, and
//! what crash cannot be had too.

pub(crate) mod servers;

use std::process::Command;

use anyhow::Result;
use clap::{Args, ValueEnum};

use crate::step::{self, Step};
use crate::{crash, first, schedules, workspace};
use servers::Servers;

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
    /// The stores' tests only, over servers too.
    Stores,
    /// A hundred thousand schedules of the runtime in a world where everything fails.
    World,
    /// Some thousand schedules of the broker over a disk, a clock and clients that fail.
    Simulator,
    /// The real broker, killed, cut off from its power, on full disks and with wrong clocks, for half a minute.
    Crash,
    /// The application that `docs/first-application.md` builds.
    First,
    /// Black-box tests of the built program through real SDKs and tools.
    Conformance,
    /// The reference system in containers; needs podman or docker.
    Containers,
}

const BUILD: &str = "build the programs";

/// The reference system, and the broker on its own, which the suite finds beside it.
const BUILD_PROGRAMS: [&str; 5] = ["build", "--package", "fibonacci", "--package", "longshore-cli"];

/// Everything is built once, and the features of stores and spans are on: the reference system has all of them anyway.
const WORKSPACE: [&str; 7] =
    ["test", "--workspace", "--no-fail-fast", "--features", SUITES, "--features", SPANS];
/// The suite of every store, over the stores on servers.
const SUITES: &str =
    "longshore-testkit/dynamodb,longshore-testkit/postgres,longshore-testkit/redis";
/// The spans of real processes, in `crates/longshore/tests/otlp`.
const SPANS: &str = "longshore/otlp";
/// What tries the stores, and the lives of tasks in them.
const STORES: [&str; 14] = [
    "test",
    "--package",
    "longshore-tasks",
    "--package",
    "longshore-testkit",
    "--no-fail-fast",
    "--features",
    SUITES,
    "--test",
    "stores",
    "--test",
    "dynamodb",
    "--test",
    "it",
];

/// Runs the tests.
///
/// # Errors
///
/// Names the steps that failed.
pub(crate) fn run(options: &Options) -> Result<()> {
    let steps = match options.part {
        None => rust()
            .into_iter()
            .chain([schedules::WORLD.step(), schedules::SIMULATOR.step()])
            .chain(first::steps()?)
            .chain([build(), crash::step()?.needing(BUILD), black_box("all")?])
            .collect(),
        Some(Part::Rust) => rust(),
        Some(Part::Stores) => vec![over_servers("stores", STORES)],
        Some(Part::World) => vec![schedules::WORLD.step()],
        Some(Part::Simulator) => vec![schedules::SIMULATOR.step()],
        Some(Part::Crash) => vec![build(), crash::step()?.needing(BUILD)],
        Some(Part::First) => first::steps()?,
        Some(Part::Conformance) => vec![build(), black_box("all")?],
        Some(Part::Containers) => vec![build(), black_box("containers")?],
    };
    step::run_all("test", steps)
}

fn rust() -> Vec<Step> {
    let targets = ["--lib", "--bins", "--tests", "--examples"];
    let tests = WORKSPACE.into_iter().chain(targets);
    let documentation = WORKSPACE.into_iter().chain(["--doc"]);
    vec![
        over_servers("rust tests", tests),
        Step::command("documentation tests", workspace::cargo(documentation)),
    ]
}

/// Tests of the stores, while their servers run.
fn over_servers(name: &str, arguments: impl IntoIterator<Item = &'static str>) -> Step {
    beside(name, workspace::cargo(arguments), Servers::start)
}

/// Tests while servers run that are told to them; a store whose server cannot be had is a remark.
fn beside(name: impl Into<String>, mut tests: Command, start: fn() -> Result<Servers>) -> Step {
    Step::remarking(name, move |remarks| {
        let servers = start()?;
        remarks.extend(servers.remark());
        workspace::succeed(servers.tell(&mut tests))
    })
}

fn build() -> Step {
    Step::command(BUILD, workspace::cargo(BUILD_PROGRAMS))
}

/// What knows nothing of the code, once the programs are built.
fn black_box(which: &'static str) -> Result<Step> {
    let mut suite = workspace::command(workspace::root().join("conformance/run"));
    suite.arg(which).env("LONGSHORE_BIN", workspace::dev_profile()?.join("fibonacci"));
    let name = format!("conformance ({which})");
    let tests = match which {
        "containers" => Step::command(name, suite),
        _ => beside(name, suite, Servers::start_for_black_box),
    };
    Ok(tests.needing(BUILD))
}
