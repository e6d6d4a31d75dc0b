//! Where a role keeps what it keeps.

use std::path::{Path, PathBuf};

use clap::Args;
#[cfg(feature = "application")]
use longshore_tasks::StoreLocation;

/// The data directory of a broker on its own. It is laid out as an application's, so that either
/// can serve what the other kept.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Data")]
pub struct DirectoryOptions {
    /// Directory of all that is kept, in DIR/broker/, by one broker at a time; created if missing
    #[arg(long, env = "LONGSHORE_DATA", value_name = "DIR", default_value = "./longshore-data")]
    pub data: PathBuf,
}

impl DirectoryOptions {
    /// The broker's own directory.
    pub fn broker(&self) -> PathBuf {
        broker_directory(&self.data)
    }
}

/// What is copied, and where to.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Data")]
pub struct BackupOptions {
    /// What is copied.
    #[command(flatten)]
    pub data: DirectoryOptions,
    /// Directory of the copy, in DIR/broker/, to start a broker on by --data DIR; created if missing, and must be
    /// empty
    #[arg(long, value_name = "DIR")]
    pub to: PathBuf,
}

impl BackupOptions {
    /// The broker's own directory, and the copy's.
    pub fn directories(&self) -> (PathBuf, PathBuf) {
        (self.data.broker(), broker_directory(&self.to))
    }
}

/// What of a broker is salvaged, and where to.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Data")]
pub struct SalvageOptions {
    /// What is read.
    #[command(flatten)]
    pub data: DirectoryOptions,

    /// New file that the queues and messages are written to, as lines of JSON
    #[arg(long, value_name = "FILE")]
    pub to: PathBuf,
}

/// The data directory, and the store in it.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Data")]
#[cfg(feature = "application")]
pub(crate) struct DataOptions {
    /// Directory of all that is kept: DIR/broker/ (one broker at a time) and DIR/tasks.sqlite3
    /// (task records, shared by the apps and workers of this host); created if missing
    #[arg(long, env = "LONGSHORE_DATA", value_name = "DIR", default_value = "./longshore-data")]
    pub(crate) data: PathBuf,

    /// Store of task records: a file, or a URL of a store that several hosts can share.
    #[arg(
        help = "Store of task records, to have it elsewhere than DIR/tasks.sqlite3: a file, or \
                postgres://…, redis://… or dynamodb://TABLE, which several hosts can share",
        long, env = "LONGSHORE_STORE", value_name = "PATH|URL", hide_env_values = true,
        value_parser = StoreLocation::parse
    )]
    pub(crate) store: Option<StoreLocation>,
}

#[cfg(feature = "application")]
impl DataOptions {
    /// The broker's own directory.
    pub(crate) fn broker(&self) -> PathBuf {
        broker_directory(&self.data)
    }

    /// Where the store is.
    pub(crate) fn store(&self) -> StoreLocation {
        let embedded = || StoreLocation::file(self.data.join("tasks.sqlite3"));
        self.store.clone().unwrap_or_else(embedded)
    }
}

fn broker_directory(data: &Path) -> PathBuf {
    data.join("broker")
}
