//! `cargo xtask bench restart` and `cargo xtask bench growth`: what a broker costs that holds many messages, or through
//! which many have passed.
//!
//! One store is filled step by step. At each step the broker is stopped and started, and killed and started, three turns
//! each; then it is looked at: memory, disk, open files. A broker that has just started has no bodies in its cache, so
//! what it takes beyond an empty one is what the messages themselves cost. `growth` measures throughput at each step
//! too, and draws it all.
//!
//! ```text
//! steps      messages that pass through, then messages that stay ─► store: fill, stop, start, look ─► table, plots
//! load       clients that fill a queue, and that have messages pass
//! ```
//!
//! # Invariants
//!
//! - Bounded in time and in disk: each step has a limit, and a disk that is too small is refused before the first.

mod load;
mod plots;
mod store;
mod table;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Args;

use super::sqs::BODY_BYTES;
use super::{Data, built, machine};
use crate::workspace;
use store::{Looked, Store};

/// What a message takes on the disk beside its body, at most.
const FRAME_BYTES: u64 = 300;
/// The log is up to three times as large as what lives in it, and has segments ready.
const LOG_FACTOR: u64 = 3;
const LOG_BYTES_MIN: u64 = 512 << 20;
/// How long throughput is measured at a step.
const RATE_TIME: Duration = Duration::from_secs(3);

/// What to hold, and what to have passed.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Messages that the store holds, one step after another.
    #[arg(long, value_delimiter = ',', default_values_t = [100_000, 1_000_000])]
    held: Vec<u64>,
    /// Messages that have passed through it before, one step after another.
    #[arg(long, value_delimiter = ',')]
    passed: Vec<u64>,
    /// Bytes of a body.
    #[arg(long, default_value_t = BODY_BYTES, value_parser = body_bytes)]
    body_bytes: usize,
    /// Connections that fill the store.
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=256))]
    connections: u16,
    /// Minutes that one step may take.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=600))]
    minutes: u64,
    /// Keep the broker's data below this directory (removed at the end) [default: the target directory].
    #[arg(long)]
    data: Option<PathBuf>,
    /// Measure this program instead of building one.
    #[arg(long)]
    binary: Option<PathBuf>,
    /// Draw plots into this directory [default for growth: benches; else none are drawn].
    #[arg(long)]
    plots: Option<PathBuf>,
}

/// A body has at least what it tells.
fn body_bytes(text: &str) -> Result<usize, String> {
    let bytes = text.parse().map_err(|_| "write a number of bytes".to_owned())?;
    let fits = (40..=200_000).contains(&bytes);
    fits.then_some(bytes).ok_or_else(|| "write 40 to 200000: ten make a batch".to_owned())
}

/// What a run does at each step beside looking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nothing.
    Restart,
    /// Measures throughput, and draws.
    Growth,
}

/// One step: have so many messages passed in all, and hold so many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Step {
    passed: u64,
    held: u64,
}

impl Options {
    /// The empty store, then what passes through it, then what it holds.
    fn steps(&self, kind: Kind) -> Vec<Step> {
        let mut passed = self.passed.clone();
        if kind == Kind::Growth && passed.is_empty() {
            passed.push(1_000_000);
        }
        passed.sort_unstable();
        let mut held = self.held.clone();
        held.sort_unstable();
        let last = passed.last().copied().unwrap_or(0);
        let passing = passed.into_iter().map(|passed| Step { passed, held: 0 });
        let holding = held.into_iter().map(|held| Step { passed: last, held });
        let steps = [Step { passed: 0, held: 0 }].into_iter().chain(passing).chain(holding);
        let mut steps: Vec<_> = steps.collect();
        steps.dedup();
        steps
    }

    /// What the largest step may take on the disk.
    fn disk_bytes(&self) -> u64 {
        let held = self.held.iter().max().copied().unwrap_or(0);
        LOG_BYTES_MIN + LOG_FACTOR * held * (self.body_bytes as u64 + FRAME_BYTES)
    }
}

/// Measures and prints.
///
/// # Errors
///
/// The disk is too small, the program cannot be built or started, a request failed, or a step took too long.
pub(super) fn run(options: &Options, kind: Kind) -> Result<()> {
    let binary = match &options.binary {
        Some(binary) => {
            binary.canonicalize().with_context(|| format!("no program at {}", binary.display()))?
        }
        None => built("fibonacci")?,
    };
    let data = Data::create(options.data.as_deref())?;
    check_room(&data.0, options.disk_bytes())?;
    println!("{}\n{}\n", machine::describe(&data.0, &binary)?, settings(options));
    let mut store = Store::start(&binary, &data.0, options)?;
    let mut looked: Vec<Looked> = Vec::new();
    for step in options.steps(kind) {
        println!("step      {} passed, {} held", step.passed, step.held);
        looked.push(store.look_after(step, rate_time(kind))?);
    }
    println!("\n{}", table::of(&looked, kind));
    let plots = options.plots.clone();
    let plots = plots.or_else(|| (kind == Kind::Growth).then(|| workspace::root().join("benches")));
    plots.map_or(Ok(()), |directory| plots::draw(&directory, &looked))
}

fn rate_time(kind: Kind) -> Option<Duration> {
    (kind == Kind::Growth).then_some(RATE_TIME)
}

fn settings(options: &Options) -> String {
    format!(
        "settings  {} connections, {}-byte bodies, batches of ten; a start is the median of three, to the first answer;\n\
         \x20         memory is that of a broker that has just started, whose cache of bodies is empty",
        options.connections, options.body_bytes
    )
}

fn check_room(directory: &Path, needed: u64) -> Result<()> {
    let mut df = workspace::command("df");
    let shown = workspace::output_of(df.args(["--output=avail", "--block-size=1"]).arg(directory))?;
    let free: u64 = shown.lines().last().unwrap_or("").trim().parse().context("df says nothing")?;
    ensure!(
        needed <= free,
        "this run may take {} MiB of disk, and {} has {}: hold fewer messages, or name another directory with --data",
        needed >> 20,
        directory.display(),
        free >> 20
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(held: &[u64], passed: &[u64]) -> Options {
        Options {
            held: held.to_vec(),
            passed: passed.to_vec(),
            body_bytes: 100,
            connections: 1,
            minutes: 1,
            data: None,
            binary: None,
            plots: None,
        }
    }

    #[test]
    fn a_run_begins_with_the_empty_store_and_messages_pass_before_messages_stay() {
        let steps = options(&[20, 10], &[7, 0]).steps(Kind::Restart);
        let steps: Vec<_> = steps.iter().map(|step| (step.passed, step.held)).collect();
        assert_eq!(steps, [(0, 0), (7, 0), (7, 10), (7, 20)]);
    }

    #[test]
    fn a_disk_that_is_too_small_is_refused_with_what_is_needed() {
        let failure = check_room(Path::new("/"), u64::MAX).unwrap_err().to_string();
        assert!(failure.contains("hold fewer messages"), "{failure}");
    }

    #[test]
    fn a_body_holds_what_it_tells_and_ten_fit_into_a_batch() {
        assert_eq!(body_bytes("1024"), Ok(1024));
        assert!(body_bytes("39").is_err() && body_bytes("200001").is_err());
    }
}
