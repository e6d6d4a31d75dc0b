//! What was typed → which command, with which flags.
//!
//! `--help` is documentation: flags are grouped, each with its default and its variable. No
//! command is `up`, so that the program's bare name shows what it can do.

use clap::builder::Styles;
use clap::{Args, CommandFactory, Parser, Subcommand};

use crate::app::App;
use crate::exit::EXIT_CODES_HELP;
use crate::options::{
    AppOptions, BackupOptions, BrokerRoleOptions, DirectoryOptions, HealthOptions, ProgramOptions,
    QueueConcurrencyOptions, QueueOrderOptions, QueuesApplyOptions, SalvageOptions, TraceOptions,
    UpOptions, WorkerRoleOptions,
};

/// What was typed.
#[derive(Debug, Parser)]
#[command(args_conflicts_with_subcommands = true, after_help = EXIT_CODES_HELP)]
pub(crate) struct Cli<O: Args> {
    /// The command; none is `up`.
    #[command(subcommand)]
    pub command: Option<Command<O>>,
    /// The flags of `up`, where no command is named.
    #[command(flatten)]
    pub up: UpOptions<O>,
    /// The flags of every command.
    #[command(flatten)]
    pub program: ProgramOptions,
}

/// A command.
#[derive(Debug, Subcommand)]
pub(crate) enum Command<O: Args> {
    /// Everything in one process: broker, app and workers (this is what no command does)
    Up(Box<UpOptions<O>>),
    /// The app alone: HTTP, the sending side of the task queue, the receiving side of the reply queue
    App(Box<AppOptions<O>>),
    /// Workers alone: they receive tasks, run them and reply
    Worker(Box<WorkerRoleOptions<O>>),
    /// The broker alone: the queues, for every program that speaks SQS
    Broker(Box<BrokerRoleOptions>),
    /// The queues: declare them, pause them, say how many of their tasks run
    #[command(subcommand)]
    Queues(QueuesCommand),
    /// Ask a running role how it is; exits 0 if it is well
    Health(HealthOptions),
    /// Read all that a stopped broker keeps and say whether it is whole; nothing is changed
    Verify(DirectoryOptions),
    /// Copy all that a broker keeps, while it runs or not, and read the copy; records of tasks are not in it
    Backup(BackupOptions),
    /// Write what is whole of a stopped broker's messages to a file, also if no broker starts with them
    Salvage(SalvageOptions),
}

impl<O: Args> Cli<O> {
    /// Where spans are exported, of a role that makes some.
    pub(crate) fn traces(&self) -> Option<&TraceOptions> {
        match &self.command {
            None => Some(&self.up.traces),
            Some(Command::Up(options)) => Some(&options.traces),
            Some(Command::App(options)) => Some(&options.traces),
            Some(Command::Worker(options)) => Some(&options.traces),
            Some(
                Command::Broker(_)
                | Command::Queues(_)
                | Command::Health(_)
                | Command::Verify(_)
                | Command::Backup(_)
                | Command::Salvage(_),
            ) => None,
        }
    }
}

/// A command on queues.
#[derive(Debug, Subcommand)]
pub(crate) enum QueuesCommand {
    /// Create the declared queues on an endpoint, or change what differs; nothing is deleted
    Apply(QueuesApplyOptions),
    /// Have the workers of a queue receive nothing more until it is resumed; what runs goes on
    Pause(QueueOrderOptions),
    /// Have the workers of a paused queue receive again
    Resume(QueueOrderOptions),
    /// Have each worker of a queue run another number of tasks at once
    Concurrency(QueueConcurrencyOptions),
}

/// The command line of an application, for whoever wants to describe it.
pub(crate) fn command<O: Args, S>(app: &App<O, S>) -> clap::Command {
    Cli::<O>::command()
        .name(app.name.clone())
        .bin_name(app.name.clone())
        .about(app.about.clone())
        .version(env!("CARGO_PKG_VERSION"))
        .styles(Styles::plain())
        .max_term_width(100)
}

#[cfg(test)]
mod tests {
    use clap::FromArgMatches as _;

    use super::*;
    use crate::test_application::{EchoOptions, echo};

    fn parsed(line: &str) -> Result<Cli<EchoOptions>, clap::Error> {
        Cli::from_arg_matches(&command(&echo()).try_get_matches_from(line.split(' '))?)
    }

    #[test]
    fn every_flag_is_declared_once_in_each_command() {
        command(&echo()).debug_assert();
    }

    #[test]
    fn no_command_is_up() {
        let cli = parsed("echo --workers 3 --louder").unwrap();
        assert!(cli.command.is_none());
        assert_eq!(cli.up.workers, 3);
        assert!(cli.up.application.louder);
    }

    #[test]
    fn every_role_has_the_applications_own_flags_and_the_data_directory() {
        for role in ["up", "app", "worker"] {
            assert!(parsed(&format!("echo {role} --louder --data d")).is_ok(), "{role}");
        }
        for reply_queue in ["--reply-queue", "--status-queue"] {
            let line = format!("echo broker --data d --task-queue T {reply_queue} S");
            assert!(parsed(&line).is_ok(), "{reply_queue}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_exit_code_2() {
        for line in [
            "echo --nothing",
            "echo nothing",
            "echo --workers 0",
            "echo --listen nowhere",
            "echo --grace soon",
            "echo --task-queue a.b",
            "echo --public-url example.org",
            "echo app --endpoint-url nowhere",
            "echo worker --concurrency 0",
            "echo queues pause",
            "echo queues concurrency Say 0",
            "echo queues concurrency Say many",
            "echo app --result-retention 1.5d",
        ] {
            let error = parsed(line).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{line}");
        }
    }

    #[test]
    fn help_names_every_flag_with_its_default_and_its_variable() {
        let help = parsed("echo --help").unwrap_err();
        assert_eq!(help.exit_code(), 0);
        let help = help.to_string();
        for part in [
            "--broker-listen",
            "LONGSHORE_BROKER_LISTEN",
            "127.0.0.1:9324",
            "Exit codes:",
            "--louder",
        ] {
            assert!(help.contains(part), "{part}\n{help}");
        }
    }
}
