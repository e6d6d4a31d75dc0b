//! Where a role keeps what it keeps.

use std::path::{Path, PathBuf};

use clap::Args;

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
        broker_directory(&self.data)
    }

    /// The store's file.
    pub fn store(&self) -> PathBuf {
        self.store.clone().unwrap_or_else(|| self.data.join("tasks.sqlite3"))
    }
}

fn broker_directory(data: &Path) -> PathBuf {
    data.join("broker")
}
