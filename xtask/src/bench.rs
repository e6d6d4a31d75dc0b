//! `cargo xtask bench`: what the release build does on this machine, over real HTTP.
//!
//! Two brokers are started on free ports of the loopback interface, one durable and one in memory, and driven in turn,
//! scenario by scenario, by the same load generator: what durability costs stands beside every number. Then the
//! reference system is started and asked for results. Every message is numbered, and every number accounted for.
//!
//! ```text
//! contest                  `cargo xtask bench tasks`: Longshore beside other task frameworks
//! growth                   `cargo xtask bench restart`, `growth`: stores that hold many messages
//! server                   starts, watches and stops the programs
//! machine, disk            what the numbers depend on
//! http, sqs                one keep-alive connection; requests, and what replies hold
//! fleet, participant       many clients at once, and their times; one client of a queue
//! queues, latency, tasks   the scenarios
//! ledger, report           lost and repeated messages; the tables
//! ```
//!
//! # Invariants
//!
//! - Bounded in time and in messages, whatever the machine does.
//! - Only processes that were started here are stopped, each by its id.
//! - A lost or repeated message fails the run.

pub(crate) mod contest;
mod disk;
mod fleet;
mod growth;
mod http;
mod latency;
mod ledger;
mod machine;
mod participant;
mod queues;
mod report;
mod server;
mod sqs;
mod tasks;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::{Args, Subcommand};

use crate::stopwatch::Stopwatch;
use crate::workspace;
use fleet::Load;
use ledger::Account;
use server::{Peer, Server, Storage};

/// How long and how hard.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Options {
    #[command(subcommand)]
    part: Option<Part>,
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
    /// Measure another broker beside ours; `{port}` in its command stands for a free port. Can be repeated.
    #[arg(long = "peer", value_name = "NAME=COMMAND")]
    peers: Vec<Peer>,
    /// Measure the reference system alone, and no broker.
    #[arg(long, conflicts_with = "peers")]
    tasks_only: bool,
    /// Measure the reference system on this store too, beside its own file. Can be repeated.
    #[arg(long = "store", value_name = "URL")]
    stores: Vec<String>,
}

/// What is measured instead of brokers and the reference system.
#[derive(Debug, Subcommand)]
enum Part {
    /// Longshore beside other task frameworks: the same tasks, on the same broker or on Redis.
    Tasks(contest::Options),
    /// Memory for a message, and the time of a start, with many messages in the store.
    Restart(growth::Options),
    /// The same, with throughput, after many messages have passed too; and plots of it all.
    Growth(growth::Options),
}

impl Options {
    fn load(&self) -> Load {
        let seconds = if self.quick { 1 } else { self.seconds };
        Load { connections: usize::from(self.connections), limit: Duration::from_secs(seconds) }
    }
}

/// Drives a program for a second in each scenario: the numbers mean nothing, that nothing is lost does.
///
/// # Errors
///
/// As [`run`].
pub(crate) fn smoke(binary: PathBuf) -> Result<()> {
    run(&Options {
        part: None,
        seconds: 1,
        quick: true,
        connections: 16,
        data: None,
        binary: Some(binary),
        peers: Vec::new(),
        tasks_only: false,
        stores: Vec::new(),
    })
}

/// Measures and prints.
///
/// # Errors
///
/// The program cannot be built or started, a request failed, or a message was lost or repeated.
pub(crate) fn run(options: &Options) -> Result<()> {
    match &options.part {
        Some(Part::Tasks(options)) => return contest::run(options),
        Some(Part::Restart(options)) => return growth::run(options, growth::Kind::Restart),
        Some(Part::Growth(options)) => return growth::run(options, growth::Kind::Growth),
        None => {}
    }
    let binary = binary(options)?;
    let data = Data::create(options.data.as_deref())?;
    let load = options.load();
    println!("{}", machine::describe(&data.0, &binary)?);
    println!("{}\n", report::settings(&load, queues::BODY_BYTES));
    let mut accounts =
        if options.tasks_only { Vec::new() } else { brokers(options, &binary, &data.0, &load)? };
    accounts.extend(reference_systems(options, &binary, &data.0, &load)?);
    show(&accounts);
    let wrong = accounts.iter().filter(|account| !account.is_right()).count();
    ensure!(wrong == 0, "{wrong} of {} accounts do not add up", accounts.len());
    Ok(())
}

/// Our brokers; all others are compared with the first.
const OWN: [Storage; 2] = [Storage::Durable, Storage::InMemory];

/// The scenarios of queues, on all brokers in turn, so that they meet the same noise.
fn brokers(options: &Options, binary: &Path, data: &Path, load: &Load) -> Result<Vec<Account>> {
    let own = OWN.map(|storage| Server::broker(binary, data, storage));
    let peers = options.peers.iter().map(|peer| Server::peer(peer, data));
    let servers: Vec<Server> = own.into_iter().chain(peers).collect::<Result<_>>()?;
    let (mut rows, mut accounts) = (Vec::new(), Vec::new());
    for batch in [1, sqs::BATCH_MAX] {
        for (index, server) in servers.iter().enumerate() {
            let measured = queues::measure(server, load, batch)?;
            rows.extend(measured.rows);
            if index < OWN.len() {
                accounts.extend(measured.accounts);
            } else {
                // Peers may lose what they like: that is shown, and no failure of ours.
                show(&measured.accounts);
            }
        }
    }
    for server in &servers {
        rows.push(latency::measure(server, load)?);
    }
    println!("{}\n{}\n", report::table(&rows), report::servers(&servers)?);
    Ok(accounts)
}

fn show(accounts: &[Account]) {
    for account in accounts {
        println!("{account}");
    }
}

/// The reference system on its own file, then on each store that was asked for, one after another.
fn reference_systems(
    options: &Options,
    binary: &Path,
    data: &Path,
    load: &Load,
) -> Result<Vec<Account>> {
    let (mut rows, mut accounts, mut servers) = (Vec::new(), Vec::new(), Vec::new());
    for store in std::iter::once(None).chain(options.stores.iter().map(Some)) {
        let system = Server::reference_system(binary, data, store.map(String::as_str))?;
        let (measured, account) = tasks::measure(&system, load)?;
        rows.extend(measured);
        accounts.push(account);
        servers.push(report::servers(&[system])?);
    }
    println!("{}\n{}\n", report::table(&rows), servers.join("\n"));
    Ok(accounts)
}

fn binary(options: &Options) -> Result<PathBuf> {
    if let Some(binary) = &options.binary {
        return binary
            .canonicalize()
            .with_context(|| format!("no program at {}", binary.display()));
    }
    built("fibonacci")
}

/// The program of that package's name, as users build it.
fn built(package: &str) -> Result<PathBuf> {
    let watch = Stopwatch::start();
    workspace::succeed(&mut workspace::cargo(["build", "--release", "--package", package]))?;
    println!("built in {:.0} s\n", watch.elapsed().as_secs_f64());
    Ok(workspace::release_profile()?.join(package))
}

/// A directory of this run's own, removed when the run ends.
struct Data(PathBuf);

impl Data {
    fn create(parent: Option<&Path>) -> Result<Self> {
        let parent =
            parent.map_or_else(workspace::dev_profile, |parent| Ok(parent.to_path_buf()))?;
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
