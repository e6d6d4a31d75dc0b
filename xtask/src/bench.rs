//! `cargo xtask bench`: what the release build does on this machine, over real HTTP.
//!
//! Two brokers are started on free ports of the loopback interface, one durable and one in memory, and driven in turn,
//! scenario by scenario, by the same load generator: what durability costs stands beside every number. Then the
//! reference system is started and asked for results. Every message is numbered, and every number accounted for.
//!
//! ```text
//! server    starts, watches and stops the programs      machine, disk   what the numbers depend on
//! http      one keep-alive connection                   sqs             requests, and what replies hold
//! fleet     many clients at once, and their times       queues, latency, tasks   the scenarios
//! ledger    lost and repeated messages                  report          the tables
//! ```
//!
//! # Invariants
//!
//! - Bounded in time and in messages, whatever the machine does.
//! - Only processes that were started here are stopped, each by its id.
//! - A lost or repeated message fails the run.

mod disk;
mod fleet;
mod http;
mod latency;
mod ledger;
mod machine;
mod queues;
mod report;
mod server;
mod sqs;
mod tasks;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Args;

use crate::stopwatch::Stopwatch;
use crate::workspace;
use fleet::Load;
use ledger::Account;
use report::{Pair, Row};
use server::{Server, Storage};

/// How long and how hard.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Seconds for each measurement.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=60))]
    seconds: u64,
    /// One second for each: shows that everything works, not how fast.
    #[arg(long)]
    quick: bool,
    /// Connections that are used at once.
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u16).range(2..=256))]
    connections: u16,
    /// Keep the brokers' data below this directory (removed at the end) [default: the target directory].
    #[arg(long)]
    data: Option<PathBuf>,
    /// Measure this program instead of building one.
    #[arg(long)]
    binary: Option<PathBuf>,
}

impl Options {
    fn load(&self) -> Load {
        let seconds = if self.quick { 1 } else { self.seconds };
        Load { connections: usize::from(self.connections), limit: Duration::from_secs(seconds) }
    }
}

/// Measures and prints.
///
/// # Errors
///
/// The program cannot be built or started, a request failed, or a message was lost or repeated.
pub(crate) fn run(options: &Options) -> Result<()> {
    let binary = binary(options)?;
    let data = Data::create(options.data.as_deref())?;
    let load = options.load();
    println!("{}", machine::describe(&data.0, &binary)?);
    println!("{}\n", report::settings(&load, queues::BODY_BYTES));
    let accounts =
        [brokers(&binary, &data.0, &load)?, reference_system(&binary, &data.0, &load)?].concat();
    for account in &accounts {
        println!("{account}");
    }
    let wrong = accounts.iter().filter(|account| !account.is_right()).count();
    ensure!(wrong == 0, "{wrong} of {} accounts do not add up", accounts.len());
    Ok(())
}

/// The scenarios of queues, on both brokers in turn, so that both meet the same noise.
fn brokers(binary: &Path, data: &Path, load: &Load) -> Result<Vec<Account>> {
    let durable = Server::broker(binary, data, Storage::Durable)?;
    let in_memory = Server::broker(binary, data, Storage::InMemory)?;
    let mut table = Vec::new();
    let mut accounts = Vec::new();
    for batch in [1, sqs::BATCH_MAX] {
        let durable = queues::measure(&durable, load, batch)?;
        let in_memory = queues::measure(&in_memory, load, batch)?;
        table.extend(Pair::all(durable.rows, in_memory.rows));
        accounts.extend(durable.accounts.into_iter().chain(in_memory.accounts));
    }
    table.extend(Pair::all(
        vec![latency::measure(&durable, load)?],
        vec![latency::measure(&in_memory, load)?],
    ));
    println!("{}", report::pairs(&table));
    println!("{}\n", report::servers(&[&durable, &in_memory])?);
    Ok(accounts)
}

fn reference_system(binary: &Path, data: &Path, load: &Load) -> Result<Vec<Account>> {
    let system = Server::reference_system(binary, data)?;
    let (rows, account): (Vec<Row>, Account) = tasks::measure(&system, load)?;
    println!("{}", report::rows(&rows));
    println!("{}\n", report::servers(&[&system])?);
    Ok(vec![account])
}

fn binary(options: &Options) -> Result<PathBuf> {
    if let Some(binary) = &options.binary {
        return binary
            .canonicalize()
            .with_context(|| format!("no program at {}", binary.display()));
    }
    let watch = Stopwatch::start();
    workspace::succeed(&mut workspace::cargo(["build", "--release", "--package", "fibonacci"]))?;
    println!("built in {:.0} s\n", watch.elapsed().as_secs_f64());
    Ok(workspace::release_profile()?.join("fibonacci"))
}

/// A directory of this run's own, removed when the run ends.
struct Data(PathBuf);

impl Data {
    fn create(parent: Option<&Path>) -> Result<Self> {
        let parent =
            parent.map_or_else(workspace::release_profile, |parent| Ok(parent.to_path_buf()))?;
        let directory = parent.join(format!("bench-{}", std::process::id()));
        fs::create_dir_all(&directory)
            .with_context(|| format!("cannot create {}", directory.display()))?;
        Ok(Self(directory.canonicalize()?))
    }
}

impl Drop for Data {
    fn drop(&mut self) {
        if let Err(failure) = fs::remove_dir_all(&self.0) {
            println!("could not remove {}: {failure}", self.0.display());
        }
    }
}
