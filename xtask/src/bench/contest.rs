//! `cargo xtask bench tasks`: Longshore beside other task frameworks, in one run on one machine.
//!
//! Everybody does the same: a producer asks for a small Fibonacci number, a worker in a process of its own computes it,
//! and the producer hears of it. All that speak SQS share one durable broker; the others have a Redis. In each round
//! every entrant starts, warms up, goes through all scenarios and ends, so that none meets a quieter machine than
//! another for long, and nothing idles beside what is measured.
//!
//! ```text
//! entrant ──▶ pair (worker, producer) ──orders──▶ scenario ──▶ table
//!    │           │ beside: grounds (broker, Redis, PostgreSQL)
//!    └─ install  └──▶ ran (what ran how often), family (processor time)
//! ```
//!
//! # Invariants
//!
//! - Bounded in time and in tasks, whatever the machine and the entrants do.
//! - Only processes that were started here are stopped, each by its id; all of them end with this one.
//! - Whether a task ran, and how often, is counted outside of all entrants. Longshore's must run once; what another
//!   lost or repeated is shown.
//! - An entrant that cannot be had is named, with the reason, and the others are measured.

mod entrant;
mod family;
mod grounds;
mod install;
mod pair;
mod ran;
mod scenario;
mod table;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::Args;

use super::ledger::Account;
use super::{Data, machine};
use crate::test::servers;
use entrant::{Entrant, Peer, Store};
use grounds::Grounds;
use install::Installed;
use pair::Pair;
use scenario::{Measured, Size};

/// What is measured, how long, and how often.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Times that every entrant is measured; medians are shown.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=50))]
    rounds: u32,
    /// Tasks of a measurement at most.
    #[arg(long, default_value_t = 30_000, value_parser = clap::value_parser!(u64).range(100..=1_000_000))]
    tasks: u64,
    /// Seconds of a measurement at most.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u64).range(1..=60))]
    seconds: u64,
    /// Clients of each producer, and tasks that each worker runs at once.
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=256))]
    concurrency: u16,
    /// Frameworks beside Longshore; none, if nothing follows.
    #[arg(long, value_enum, value_delimiter = ',', num_args = 0.., default_values_t = Peer::ALL)]
    peers: Vec<Peer>,
    /// Stores that Longshore is measured on; none, if nothing follows.
    #[arg(long, value_enum, value_delimiter = ',', num_args = 0.., default_values_t = Store::ALL)]
    stores: Vec<Store>,
    /// A few tasks in one round: shows that everything works, not how fast.
    #[arg(long)]
    smoke: bool,
    /// Keep all data below this directory (removed at the end) [default: the target directory].
    #[arg(long)]
    data: Option<PathBuf>,
    /// Measure this program, of the package `longshore-peer`, instead of building it.
    #[arg(long)]
    binary: Option<PathBuf>,
}

impl Options {
    fn size(&self) -> Size {
        let clients = u64::from(self.concurrency);
        if self.smoke {
            return Size { tasks: 100, seconds: 1, clients };
        }
        Size { tasks: self.tasks, seconds: self.seconds, clients }
    }

    fn rounds(&self) -> u32 {
        if self.smoke { 1 } else { self.rounds }
    }
}

/// Measures and prints.
///
/// # Errors
///
/// Longshore cannot be built or started, or failed, or a task of it was lost or ran twice.
pub(super) fn run(options: &Options) -> Result<()> {
    let binary = match &options.binary {
        Some(binary) => {
            binary.canonicalize().with_context(|| format!("no program at {}", binary.display()))?
        }
        None => super::built("longshore-peer")?,
    };
    let data = Data::create(options.data.as_deref())?;
    servers::tied::let_others_pass(&data.0)?;
    println!("{}", machine::describe(&data.0, &binary)?);
    println!("{}\n", table::settings(&options.size(), options.rounds()));
    let mut contest = Contest::prepare(options, &binary, &data.0)?;
    for round in 1..=options.rounds() {
        contest.round(round)?;
    }
    contest.conclude()
}

/// Who takes part, and what was measured so far.
struct Contest<'a> {
    size: Size,
    data: &'a Path,
    // Before what they run on: fields are dropped in this order.
    entries: Vec<Entry>,
    grounds: Grounds,
    installed: Installed,
    not_measured: Vec<String>,
}

/// An entrant with what was measured: a row for each round, and in it a value for each scenario.
struct Entry {
    entrant: Entrant,
    rounds: Vec<Vec<Measured>>,
    accounts: Vec<Account>,
    failure: Option<String>,
}

impl<'a> Contest<'a> {
    fn prepare(options: &Options, binary: &Path, data: &'a Path) -> Result<Self> {
        let (mut entries, mut not_measured) = (Vec::new(), Vec::new());
        let mut grounds = Grounds::start(binary, data)?;
        let mut installed = Installed::new(binary);
        for entrant in Entrant::all(&options.stores, &options.peers, options.smoke) {
            match entrant.prepare(&mut grounds, &mut installed) {
                Ok(()) => entries.push(Entry {
                    entrant,
                    rounds: Vec::new(),
                    accounts: Vec::new(),
                    failure: None,
                }),
                Err(failure) => not_measured.push(format!(
                    "{}: {}",
                    entrant.name(),
                    servers::in_a_line(&failure)
                )),
            }
        }
        Ok(Self { size: options.size(), data, entries, grounds, installed, not_measured })
    }

    /// Every entrant that has not failed, one after another; who begins changes from round to round.
    fn round(&mut self, round: u32) -> Result<()> {
        let first = round as usize % self.entries.len().max(1);
        let (before, after) = self.entries.split_at_mut(first);
        for entry in after.iter_mut().chain(before).filter(|entry| entry.failure.is_none()) {
            let directory = self
                .data
                .join(format!("{}-{round}", entry.entrant.name().replace([' ', ','], "-")));
            std::fs::create_dir(&directory)?;
            match entry.measure(&self.grounds, &self.installed, &directory, &self.size) {
                Ok(()) => println!("round {round}: {}", entry.shown()),
                Err(failure) if entry.entrant.is_longshore() => {
                    return Err(failure.context(entry.entrant.name()));
                }
                Err(failure) => {
                    println!("round {round}: {} failed: {failure:#}", entry.entrant.name());
                    entry.failure = Some(servers::in_a_line(&failure));
                }
            }
        }
        Ok(())
    }

    /// Prints the tables, and says what does not add up.
    fn conclude(self) -> Result<()> {
        let rows: Vec<_> = self
            .entries
            .iter()
            .map(|entry| (entry.entrant.name(), entry.rounds.as_slice()))
            .collect();
        println!("\n{}", table::tables(&rows));
        for entry in &self.entries {
            for account in entry.accounts.iter().filter(|account| !account.is_right()) {
                println!("{account}");
            }
        }
        let failed = self
            .entries
            .iter()
            .filter_map(|entry| Some((entry.entrant.name(), entry.failure.as_ref()?)));
        let failed = failed.map(|(name, failure)| format!("{name}: {failure}"));
        for line in self.not_measured.iter().cloned().chain(failed) {
            println!("not measured: {line}");
        }
        let of_longshore = self.entries.iter().filter(|entry| entry.entrant.is_longshore());
        let wrong = of_longshore
            .flat_map(|entry| &entry.accounts)
            .filter(|account| !account.is_right())
            .count();
        ensure!(wrong == 0, "{wrong} accounts of Longshore do not add up");
        Ok(())
    }
}

impl Entry {
    fn measure(
        &mut self,
        grounds: &Grounds,
        installed: &Installed,
        directory: &Path,
        size: &Size,
    ) -> Result<()> {
        let mut pair = Pair::start(self.entrant, grounds, installed, directory, size.clients)?;
        let measured = scenario::measure_all(&mut pair, grounds, size)?;
        self.accounts.push(pair.settle()?);
        self.rounds.push(measured);
        Ok(())
    }

    /// What the last round came to.
    fn shown(&self) -> String {
        let measured = self.rounds.last().map_or(&[][..], Vec::as_slice);
        format!("{}: {}", self.entrant.name(), table::in_a_line(measured))
    }
}
