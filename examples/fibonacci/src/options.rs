//! The flags of the reference system, beside those that every application has.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use longshore::options::duration;

/// The largest value that can be allowed: its result has 836,000 digits, and a message of SQS
/// holds a little more than a million.
const VALUE_MAX_MAX: u64 = 4_000_000;

/// The flags of the reference system.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Fibonacci")]
pub(crate) struct Options {
    /// How long a worker takes over a task before it computes, so that a person sees PENDING
    #[arg(
        long, env = "LONGSHORE_WORK_TIME", value_name = "DURATION",
        value_parser = duration, default_value = "5s"
    )]
    pub(crate) work_time: Duration,

    /// The largest value that is computed; the task of a larger one ends as FAILED
    #[arg(
        long, env = "LONGSHORE_VALUE_MAX", value_name = "N", default_value = "10000",
        value_parser = clap::value_parser!(u64).range(1..=VALUE_MAX_MAX)
    )]
    pub(crate) value_max: u64,

    /// File to append a line `<task id> <argument>` to whenever a computation begins
    #[arg(long, env = "LONGSHORE_WORK_LOG", value_name = "FILE")]
    pub(crate) work_log: Option<PathBuf>,

    /// `SQLite` file with a table `effects`, which gets one row for each task that was computed,
    /// however often it ran
    #[arg(long, env = "LONGSHORE_EFFECTS", value_name = "FILE")]
    pub(crate) effects: Option<PathBuf>,
}
