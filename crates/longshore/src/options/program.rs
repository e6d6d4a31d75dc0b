//! The flags of every command: where its configuration is, and how it logs.

use std::path::PathBuf;

use clap::builder::BoolishValueParser;
use clap::{Args, ValueEnum};

/// How log lines are written to stderr.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// A JSON object a line.
    Json,
}

/// The flags of every command. What the first two do is done by [`crate::config`], before the
/// command is read.
#[derive(Args, Clone, Debug)]
pub struct ProgramOptions {
    /// The configuration file.
    #[arg(
        help = "TOML file with values for flags, by their names in snake case, such as \
                broker_listen = \"127.0.0.1:9324\". A flag wins over its variable, that over the \
                file, and the file over the default",
        long,
        env = "LONGSHORE_CONFIG",
        value_name = "FILE",
        global = true,
        help_heading = "Configuration"
    )]
    pub(crate) config: Option<PathBuf>,

    /// Whether the configuration is shown.
    #[arg(
        help = "Print the configuration as --config takes it, with where each value is from, and \
                do nothing else",
        long,
        global = true,
        help_heading = "Configuration"
    )]
    pub(crate) print_config: bool,

    /// How log lines are written.
    #[arg(
        help = "How log lines are written to stderr; RUST_LOG says which are (by default info and \
                above)",
        long,
        env = "LONGSHORE_LOG_FORMAT",
        value_name = "FORMAT",
        value_enum,
        default_value = "text",
        global = true,
        help_heading = "Log"
    )]
    pub(crate) log_format: LogFormat,

    /// Whether the broker's requests are logged.
    #[arg(
        help = "Log a line for each request that the broker answers: action, queue, outcome, \
                duration, and nothing of messages",
        long,
        env = "LONGSHORE_LOG_REQUESTS",
        value_parser = BoolishValueParser::new(),
        global = true,
        help_heading = "Log"
    )]
    pub(crate) log_requests: bool,
}
