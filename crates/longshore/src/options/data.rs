//! Where a role keeps what it keeps.

use std::path::PathBuf;

use clap::Args;

/// The data directory, and the store in it.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Data")]
pub struct DataOptions {
    /// Directory of all that is kept: DIR/broker/ (one broker at a time) and DIR/tasks.sqlite3
    /// (results and claims, shared by the apps and workers of this host); created if missing
    #[arg(long, env = "LONGSHORE_DATA", value_name = "DIR", default_value = "./longshore-data")]
    pub data: PathBuf,

    /// File of the store of results and claims, to have it elsewhere than DIR/tasks.sqlite3
    #[arg(long, env = "LONGSHORE_STORE", value_name = "PATH")]
    pub store: Option<PathBuf>,
}

impl DataOptions {
    /// The broker's own directory.
    pub fn broker(&self) -> PathBuf {
        self.data.join("broker")
    }

    /// The store's file.
    pub fn store(&self) -> PathBuf {
        self.store.clone().unwrap_or_else(|| self.data.join("tasks.sqlite3"))
    }
}
