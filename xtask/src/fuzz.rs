//! `cargo xtask fuzz`: gives hostile bytes to everything that reads what a stranger sends.
//!
//! Each target of `verification/fuzz` runs for a bounded time, from its recorded seeds and from what earlier runs found,
//! which is kept in the cache. A crash fails the chore, and cargo-fuzz names the input.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::step::{self, Step};
use crate::{tool, workspace};

/// The version that is installed where there is none.
const VERSION: &str = "0.13.2";

/// The targets, each with the folder of its seeds.
const TARGETS: [(&str, &str); 4] =
    [("http_json", "http"), ("http_query", "http"), ("sigv4", "http"), ("policy_json", "policy")];

/// What to run, and for how long.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// These targets only.
    targets: Vec<String>,
    /// How long each target runs.
    #[arg(long, value_name = "SECONDS", default_value = "15")]
    seconds: u32,
}

/// Runs the targets one after another.
///
/// # Errors
///
/// Names the targets that crashed, or that there are not.
pub(crate) fn run(options: &Options) -> Result<()> {
    step::run_all("fuzz", steps(&options.targets, options.seconds)?)
}

/// A step for each target, all of them if none is named.
pub(crate) fn steps(targets: &[String], seconds: u32) -> Result<Vec<Step>> {
    let known = TARGETS.map(|(name, _)| name);
    if let Some(unknown) = targets.iter().find(|name| !known.contains(&name.as_str())) {
        bail!("there is no fuzz target {unknown}; there are {}", known.join(", "));
    }
    let chosen = |name: &str| targets.is_empty() || targets.iter().any(|target| target == name);
    let step = |(target, seeds): (&'static str, &'static str)| {
        Step::call(format!("fuzz {target}, {seconds} s"), move || fuzz(target, seeds, seconds))
    };
    Ok(TARGETS.into_iter().filter(|(name, _)| chosen(name)).map(step).collect())
}

fn fuzz(target: &str, seeds: &str, seconds: u32) -> Result<()> {
    let found = workspace::cache()?.join("fuzz").join(target);
    std::fs::create_dir_all(&found)
        .with_context(|| format!("cannot create {}", found.display()))?;
    let limits = ["-max_len=8192", "-timeout=10", "-rss_limit_mb=2048", "-print_final_stats=1"];
    let mut command = cargo_fuzz()?;
    command.arg("run").arg("--fuzz-dir").arg(directory());
    command.arg("--target-dir").arg(target_directory()?).arg(target);
    command.args([found, directory().join("seeds").join(seeds)]).arg("--").args(limits);
    command.arg(format!("-max_total_time={seconds}"));
    workspace::succeed(&mut command)
}

fn directory() -> PathBuf {
    workspace::root().join("verification/fuzz")
}

/// Apart from everything else that is built: the sanitizer's flags would have it all built anew, each time.
fn target_directory() -> Result<PathBuf> {
    Ok(workspace::cache()?.join("fuzz-target"))
}

/// The sanitizers belong to no stable toolchain yet, so this one is told to do as if it were none.
fn cargo_fuzz() -> Result<Command> {
    let mut command = workspace::command(tool::installed("cargo-fuzz", VERSION)?);
    command.env("RUSTC_BOOTSTRAP", "1");
    Ok(command)
}
