//! The broker on its own: `longshore broker` is SQS for whoever needs no more than that.
//!
//! Everything is the library's: this program says which commands there are and which flags each
//! has. An application made with the library has the same broker among its roles.
//!
//! # Invariants
//!
//! - No queue is declared here: what there is, a file of the user says, or a request.

use std::process::ExitCode;

use clap::builder::Styles;
use clap::{CommandFactory as _, Parser, Subcommand};
use longshore::exit::EXIT_CODES_HELP;
use longshore::options::{
    BackupOptions, BrokerHealthOptions, DirectoryOptions, ProgramOptions, SalvageOptions,
    StandaloneOptions,
};
use longshore::role::broker::{self, BrokerRole};
use longshore::{Fault, backup, health, program, salvage, verify};
use mimalloc::MiMalloc;

/// A message is taken in by one thread, written by another and given back by a third. The C library's allocator has them wait for
/// one another then; this one does not, for some MiB more.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// The program's name, as it is typed.
const NAME: &str = "longshore";

/// A durable broker that speaks Amazon SQS, in one process: for laptops, tests and small systems
#[derive(Debug, Parser)]
#[command(name = NAME, version, after_help = EXIT_CODES_HELP, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    program: ProgramOptions,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the queues to every program that speaks SQS, until SIGTERM or Ctrl-C
    #[command(after_help = EXIT_CODES_HELP)]
    Broker(Box<StandaloneOptions>),
    /// Ask a running broker how it is; exits 0 if it is well
    Health(BrokerHealthOptions),
    /// Read all that a stopped broker keeps and say whether it is whole; nothing is changed
    Verify(DirectoryOptions),
    /// Copy all that a broker keeps, while it runs or not, and read the copy
    Backup(BackupOptions),
    /// Write what is whole of a stopped broker's messages to a file, also if no broker starts with them
    Salvage(SalvageOptions),
}

/// The command line.
fn command() -> clap::Command {
    Cli::command().styles(Styles::plain()).max_term_width(100)
}

async fn execute(command: Command) -> Result<(), Fault> {
    match command {
        Command::Broker(options) => {
            let role = BrokerRole::standalone(NAME, *options)?;
            program::until_second_signal(async |signals| broker::run(role, signals).await).await
        }
        Command::Health(options) => health::print(options.url, options.broker_listen).await,
        Command::Verify(data) => verify::verify(&data.broker()),
        Command::Backup(options) => backup::backup(&options),
        Command::Salvage(options) => salvage::salvage(&options),
    }
}

fn main() -> ExitCode {
    program::run::<Cli, _>(command(), |cli| &cli.program, |cli| execute(cli.command))
}

#[cfg(test)]
mod tests;
