//! Licences, sources and crate arrows, by cargo-deny.
//!
//! The advisory database is left out: it lives in a git repository that a build machine may not reach, and a check
//! that depends on the day does not belong in the check of a change. `cargo xtask advisories` is for that.

use std::path::PathBuf;

use anyhow::Result;

use crate::{tool, workspace};

/// The version that `deny.toml` is written for.
const VERSION: &str = "0.20.2";

/// The program; it is installed if this machine has no such version.
pub(crate) fn installed() -> Result<PathBuf> {
    tool::installed("cargo-deny", VERSION)
}

/// Checks what may be in the dependency tree.
pub(crate) fn run() -> Result<()> {
    let program = installed()?;
    let checks = ["deny", "check", "--hide-inclusion-graph", "bans", "licenses", "sources"];
    workspace::succeed(workspace::command(program).args(checks))
}
